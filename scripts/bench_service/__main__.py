"""Measures the live service beside PostgreSQL in the same run. See scripts/bench-service for its usage."""

import csv
import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import prober
from postgres import Postgres
from report import Report, count, duration
from service import Service, cpu_of_children

PARTS = ("bulk", "single", "fire", "metrics", "restart", "edit")
TICKETS = int(os.environ.get("OVERDUE_BENCH_TICKETS", "1000000"))
# Tickets that fall due in one second: all of them, but at most a million.
BURST = min(TICKETS, 1_000_000)
CONNECTIONS = 64
SINGLE_S = 10
POLICY = pathlib.Path("data/policies/contact_centre.toml")
NDJSON, ARROW = "application/x-ndjson", "application/vnd.apache.arrow.stream"

# One clock of one hour, 24x7, with one level: the equivalent of PostgreSQL's single due time.
BURST_POLICY = """
default_priority = "burst"
[calendars.always]
hours = "24x7"
[priorities.burst]
calendar = "always"
[priorities.burst.clocks.resolution]
target = "1h"
levels = [{ at = "100%", notify = ["owner"] }]
"""

CHANGED_OFFICE = {"time_zone": "Europe/Oslo", "mon-fri": ["09:00-12:00", "12:30-16:00"], "holidays": ["--12-25"]}

# A customer's message. The rules search it for their keywords; the rival's table has no such column.
TEXT = "Hello, since this morning I see an error when I open my orders. Could you please have a look? Best regards, a customer"

# One ticket per request, each with its own id.
WRK = """
local thread_number = 0
function setup(thread) thread:set("number", thread_number); thread_number = thread_number + 1 end
function init() requests, failed = 0, 0 end
function request()
  requests = requests + 1
  local body = string.format(
    '{"id":"W%d-%d","opened_at":"OPENED","state":"open","priority":"normal","team":"first_line","owner":"agent_001",' ..
    '"channel":"email","category":"billing","customer":"customer_000001","subject":"Invoice shows the wrong amount"}',
    number, requests)
  return wrk.format("POST", "/v1/tickets", { ["Content-Type"] = "application/x-ndjson" }, body)
end
"""


def rfc3339(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Bench:
    def __init__(self, binary, folder):
        self.binary, self.folder = pathlib.Path(binary).resolve(), pathlib.Path(folder)
        self.report = Report()
        self.rival = None
        self.services = []
        self.burst_policy = self.folder / "burst.toml"
        self.burst_policy.write_text(BURST_POLICY)

    def close(self):
        for service in self.services:
            service.stop(signal.SIGKILL)
        if self.rival:
            self.rival.close()

    def service(self, name, policy=POLICY):
        service = Service(self.binary, self.folder / name, policy)
        self.services.append(service)
        return service

    def discard(self, service):
        service.stop(signal.SIGKILL)
        self.services.remove(service)
        shutil.rmtree(service.folder, ignore_errors=True)

    def file(self, name, shape="tickets", tickets=TICKETS):
        """A synthetic history up to last midnight; most of its tickets are still open."""
        path = self.folder / name
        if not path.exists():
            yesterday = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).date()
            command = [self.binary, "generate", "--shape", shape, "--tickets", str(tickets), "--days", "1", "--start", str(yesterday)]
            subprocess.run([*command, "--out", path], check=True, stderr=subprocess.DEVNULL)
        return path

    def ndjson(self):
        """The tickets as NDJSON, each with a text for the assignment rules: about 350 bytes per row."""
        path = self.folder / "texts.ndjson"
        if not path.exists():
            plain = self.file("tickets.ndjson")
            text = f',"text":"{TEXT}"}}\n'.encode()
            with open(plain, "rb") as source, open(path, "wb") as out:
                out.writelines(line[:-2] + text for line in source)
            plain.unlink()
        return path

    def file_for_copy(self):
        """The tickets as CSV with a due time: computed beforehand, so it costs the rival nothing."""
        path = self.folder / "copy.csv"
        with open(self.file("tickets.csv"), newline="") as source, open(path, "w", newline="") as out:
            rows, writer = csv.reader(source), csv.writer(out)
            writer.writerow([*next(rows), "due_at"])
            for row in rows:
                due = datetime.datetime.fromisoformat(row[1].replace("Z", "+00:00")) + datetime.timedelta(days=2)
                writer.writerow([*row, due.isoformat()])
        (self.folder / "tickets.csv").unlink()
        # The rival's user reads it too.
        path.chmod(0o644)
        return path

    # The measurements

    def bulk(self):
        rival = None
        if self.rival:
            file = self.file_for_copy()
            self.rival.create_tables()
            seconds, cpu = self.rival.copy(file)
            file.unlink()
            rival = ("COPY", TICKETS / seconds)
            self.report.rate("COPY with primary key and index on the due time", TICKETS / seconds, cpu=f"{cpu:.1f}")
        ndjson = self.ndjson()
        bytes_a_row = ndjson.stat().st_size / TICKETS
        for file, kind, goal in ((ndjson, NDJSON, "600k/s"), (self.file("tickets.arrows"), ARROW, "3M/s")):
            service = self.service("bulk")
            service.start()
            empty = service.memory()
            answer, seconds, cpu, client = service.put_file("/v1/tickets", file, kind)
            assert answer["accepted"] == TICKETS, answer
            name = f"NDJSON of {bytes_a_row:.0f} bytes" if kind == NDJSON else "Arrow"
            self.report.rate(f"bulk load, durable and armed, {name}", TICKETS / seconds, rival, f"{cpu:.1f} + client {client:.1f}", goal)
            if kind == NDJSON:
                metrics = service.metrics()
                held = service.memory() - empty
                beside = f"PostgreSQL {self.rival.bytes_a_ticket():.0f} bytes on disk" if self.rival else ""
                self.report.value(f"memory per ticket ({count(metrics['totals']['open'])} open of {count(TICKETS)})",
                                  f"{held / TICKETS:.0f} bytes", beside, goal="120 bytes at 10M")
            self.discard(service)
        self.load_command()

    def load_command(self):
        """`overdue load`: events of a fifth of the tickets, read from Parquet and sent over three connections."""
        file = self.file("events.parquet", "events", max(TICKETS // 5, 1))
        service = self.service("load")
        service.start()
        before, mine, began = service.cpu(), cpu_of_children(), time.monotonic()
        subprocess.run([self.binary, "load", "--url", service.url, "--catch-up", "none", "--quiet", file], check=True)
        seconds, cpu = time.monotonic() - began, service.cpu() - before
        events = service.metrics()["engine"]["rows_taken"]
        self.report.rate("`overdue load`, events from Parquet", events / seconds, None, f"{cpu:.1f} + client {cpu_of_children() - mine:.1f}")
        self.discard(service)

    def single(self):
        what = f"one ticket per request, {CONNECTIONS} connections, durable"
        if not shutil.which("wrk"):
            return self.report.missing(what, "wrk is not installed")
        rival = None
        if self.rival:
            self.rival.create_tables()
            rate, cpu = self.rival.single_inserts(CONNECTIONS, SINGLE_S)
            rival = ("INSERT", rate)
            self.report.rate("INSERT, one row per commit (pgbench)", rate, cpu=f"{cpu:.1f} in {SINGLE_S} s")
        service = self.service("single")
        service.start()
        script = self.folder / "single.lua"
        script.write_text(WRK.replace("OPENED", rfc3339(time.time())))
        before, mine = service.cpu(), cpu_of_children()
        command = ["wrk", "-t", "2", "-c", str(CONNECTIONS), "-d", f"{SINGLE_S}s", "--latency", "-s", script, service.url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        cpu = service.cpu() - before
        if "Non-2xx" in said:
            raise SystemExit(f"some requests failed:\n{said}")
        # The service's count is decisive, not the driver's.
        tickets = service.metrics()["tickets"]
        self.report.rate(what, tickets / SINGLE_S, rival, f"{cpu:.1f} + client {cpu_of_children() - mine:.1f} in {SINGLE_S} s", "30k/s")
        p99 = next((line.split()[1] for line in said.splitlines() if line.strip().startswith("99%")), "?")
        self.report.value("  its 99th percentile", p99)
        self.discard(service)

    def fire(self):
        what = f"fire end to end, {count(BURST)} due in one second"
        rival = None
        if self.rival:
            self.rival.create_tables()
            self.rival.sql(
                "INSERT INTO tickets (id, opened_at, state, priority, due_at) SELECT 'F' || n, now(), 'open', 'burst', now() "
                f"FROM generate_series(1, {BURST}) n")
            seconds, cpu = self.rival.poll_all(BURST)
            rival = ("SKIP LOCKED", BURST / seconds)
            self.report.rate("polling with FOR UPDATE SKIP LOCKED, batches of 1,000", BURST / seconds, cpu=f"{cpu:.1f}")
        service = self.service("fire", self.burst_policy)
        service.start()
        # Time to write and load the tickets before they fall due.
        due = int(time.time()) + 15 + BURST // 40_000
        file = self.folder / "burst.ndjson"
        opened = rfc3339(due - 3_600)
        with open(file, "w") as out:
            for number in range(BURST):
                out.write(f'{{"id":"F{number:08}","opened_at":"{opened}","state":"open","team":"first_line","priority":"burst"}}\n')
        service.put_file("/v1/tickets", file, NDJSON)
        file.unlink()
        early = service.metrics()
        if time.time() > due - 2 or early["escalations"]["last_sequence"]:
            return self.report.missing(what, "loading took longer than planned")
        with prober.probing(service) as times:
            time.sleep(max(0.0, due - time.time()))
            before = service.cpu()
            while service.json("GET", "/v1/escalations?limit=1")["last_sequence"] < BURST:
                if time.time() > due + 300:
                    raise SystemExit(f"not all fired: {service.metrics()['escalations']}")
                time.sleep(0.01)
            page = service.json("GET", f"/v1/escalations?after={BURST - 1}&limit=1")["escalations"]
            seconds = time.time() - due
            cpu = service.cpu() - before
        assert page and page[0]["sequence"] == BURST, page
        self.report.rate(f"{what}: journalled, listed", BURST / seconds, rival, f"{cpu:.1f}", "2M/s")
        self.report.value("  from the due instant to the last record listed", duration(seconds))
        self.latency("  GET /v1/metrics meanwhile", times)
        self.discard(service)

    def metrics(self):
        service = self.service("metrics")
        service.start()
        with prober.probing(service) as times:
            time.sleep(5)
        self.latency("GET /v1/metrics, idle", times)
        with prober.probing(service) as times:
            service.put_file("/v1/tickets", self.ndjson(), NDJSON)
        self.latency("GET /v1/metrics while bulk loading", times, goal="p99 10 ms")
        self.discard(service)

    def latency(self, what, times, goal=""):
        if not times:
            return self.report.missing(what, "too short")
        p50, p99 = prober.quantile(times, 0.5), prober.quantile(times, 0.99)
        self.report.value(what, f"p50 {duration(p50)}, p99 {duration(p99)}, longest {duration(times[-1])}", f"{len(times)} requests", goal=goal)

    def restart(self):
        service = self.service("restart")
        service.start()
        service.put_file("/v1/tickets", self.file("tickets.arrows"), ARROW)
        before = service.metrics()
        service.stop(signal.SIGKILL)
        seconds = service.start()
        self.same(before, service.metrics())
        self.report.time(f"restart with {count(TICKETS)} tickets after SIGKILL, journal only", seconds)
        with prober.probing(service) as times:
            began = time.monotonic()
            taken = service.json("POST", "/v1/snapshots")
            seconds = time.monotonic() - began
        self.report.rate(f"snapshot of {count(taken['bytes'])}B", TICKETS / seconds, goal="3M/s a core")
        self.report.value("  longest stall of commands", duration(taken["longest_stall_ms"] / 1e3), goal="200 ms")
        self.latency("  GET /v1/metrics meanwhile", times)
        service.stop(signal.SIGKILL)
        seconds = service.start()
        self.same(before, service.metrics())
        self.report.time(f"restart with {count(TICKETS)} tickets after SIGKILL, from the snapshot", seconds, goal="4 s at 10M")
        self.discard(service)

    @staticmethod
    def same(before, after):
        if (before["tickets"], before["totals"]["open"]) != (after["tickets"], after["totals"]["open"]):
            raise SystemExit(f"tickets were lost: {before['tickets']} before, {after['tickets']} after the restart")

    def edit(self):
        service = self.service("edit")
        service.start()
        service.put_file("/v1/tickets", self.file("tickets.arrows"), ARROW)
        body, headers = json.dumps(CHANGED_OFFICE), {"content-type": "application/json"}
        opened, effects = count(service.metrics()["totals"]["open"]), {}
        for query, what in (("?dry_run=true", "dry run of a calendar edit"), ("", "calendar edit")):
            began = time.monotonic()
            answer = service.json("PUT", f"/v1/calendars/office{query}", body, headers)
            seconds = time.monotonic() - began
            # An applied edit does not report its effects: the dry run before it does.
            if "effects" in answer:
                effects = answer["effects"]["all"]
            self.report.time(f"{what}, {opened} open tickets", seconds, goal="1 s at 10M")
        self.report.value("  deadlines earlier, later", f"{count(effects['earlier'])}, {count(effects['later'])}")
        self.discard(service)


def main():
    binary, parts = sys.argv[1], sys.argv[2:] or PARTS
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        sys.exit(f"there is no {', '.join(unknown)}; there are {', '.join(PARTS)}")
    folder = tempfile.mkdtemp(prefix="overdue-bench-")
    bench = Bench(binary, folder)
    # SIGTERM too must not leave servers behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    try:
        if os.environ.get("OVERDUE_BENCH_RIVAL", "yes") != "no" and {"bulk", "single", "fire"} & set(parts):
            bench.rival = Postgres(folder)
        print(f"{count(TICKETS)} tickets, {os.cpu_count()} cores", flush=True)
        for part in parts:
            print(part, flush=True)
            getattr(bench, part)()
        bench.report.print()
    finally:
        bench.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
