"""Bodies whose cost far exceeds their size: text, Parquet and Arrow, in every encoding and codec, some at once."""

import contextlib
import http.client
import os
import pathlib
import threading
import time

import arrow_bombs
import packing
import parquet_bombs
from crowds import finish
from healthy import calm, watching
from target import NDJSON

AT_ONCE = 4
# CPU seconds of the service that one body may cost; an unoptimised build takes ten times as long.
CPU_S = 10.0
ARROW, PARQUET, JSON, CSV = ("application/vnd.apache.arrow.stream", "application/vnd.apache.parquet", "application/json", "text/csv")
ENDINGS = {"parquet": PARQUET, "arrow": ARROW, "arrows": ARROW, "json": JSON, "csv": CSV, "ndjson": NDJSON, "jsonl": NDJSON}
TAKEN = {200, 400, 408, 413, 415, 422, 429, 503}


def texts(size):
    row = b'{"id":"T-1","opened_at":"2026-01-05T08:00:00Z","subject":"'
    deep = b"[" * 500_000
    return {
        "NDJSON, a value of zeros in gzip": (NDJSON, packing.gzip(size, b"x", row)),
        "NDJSON, a value of zeros in zstd": (NDJSON, packing.zstd(size, b"x", row)),
        "NDJSON, empty lines in zstd": (NDJSON, packing.zstd(size, b"\n")),
        "JSON, blanks in zstd": (JSON, packing.zstd(size, b" ", b"[")),
        "JSON, commas in zstd": (JSON, packing.zstd(size, b",", b"[{}")),
        "JSON, deep": (JSON, deep),
        "NDJSON, deep in a row": (NDJSON, row[:-1] + deep),
        "CSV, empty lines in zstd": (CSV, packing.zstd(size, b"\n", b"id,opened_at\n")),
        "CSV, a quote that does not end, in zstd": (CSV, packing.zstd(size, b"x", b'id,opened_at\n"')),
        "CSV, columns": (CSV, b"id,opened_at" + b",c" * 2_000_000),
        "gzip in zstd in gzip": (NDJSON, packing.gzip(0, head=packing.zstd(0, head=packing.gzip(min(size, 64 << 20), b"\n")[:100_000]))),
    }


def from_folder(folder):
    """Bodies from OVERDUE_BOMBS_DIR; the extension gives their format."""
    for path in sorted(pathlib.Path(folder).rglob("*")):
        endings = [ending for ending in path.name.lower().split(".")[1:] if ending in ENDINGS]
        if path.is_file():
            yield path.name, (ENDINGS[endings[0]] if endings else "application/octet-stream", path.read_bytes())


def bombs(attack):
    size = 512 << 20 if attack.options.quick else 1 << 30
    made = {f"Parquet, {name}": (PARQUET, body) for name, body in parquet_bombs.bombs(size).items()}
    made.update((f"Arrow, {name}", (ARROW, body)) for name, body in arrow_bombs.bombs(size).items())
    made.update(texts(size))
    folder = os.environ.get("OVERDUE_BOMBS_DIR")
    if folder:
        made.update(from_folder(folder))
    target = attack.target("bombs").start()
    before = calm(target)
    for name, (kind, body) in made.items():
        if not target.is_alive:
            attack.discard(target)
            target = attack.target("bombs").start()
            before = calm(target, 1)
        _one(attack, target, before, name, kind, body)
    attack.discard(target)


def _one(attack, target, before, name, kind, body):
    held, cpu, outcomes, said = target.held(), target.cpu(), [], []
    with watching(target) as during:
        senders = [threading.Thread(target=_send, args=(target, kind, body, outcomes, said), daemon=True) for _ in range(AT_ONCE)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(90)
        # Enough samples for a 99th percentile.
        time.sleep(0.3)
    faults = []
    if len(outcomes) < AT_ONCE:
        faults.append(f"{AT_ONCE - len(outcomes)} bodies have no response after 90 s")
    strange = sorted({str(outcome) for outcome in outcomes if outcome not in TAKEN})
    if strange and target.is_alive:
        faults.append(f"unexpected responses {', '.join(strange)}")
    cpu = target.cpu() - cpu if target.is_alive else 0.0
    if cpu / AT_ONCE > CPU_S:
        faults.append(f"{cpu / AT_ONCE:.1f} s of a core per body, at most {CPU_S:.0f}")
    log = target.said() if target.is_alive else ""
    if log.count("stack backtrace"):
        faults.append("backtraces in the log")
    result = f"{len(body) / 1024:.0f} KiB, {AT_ONCE} at once: {_counted(outcomes)}, {cpu / AT_ONCE:.2f} CPU s each{said[0] if said else ''}"
    finish(attack.report, name, target, held, before, during, result, faults)
    target.logged += len(log.encode())


def _counted(outcomes):
    return ", ".join(f"{outcomes.count(outcome)} x {outcome}" for outcome in sorted(set(outcomes), key=str))


def _send(target, kind, body, outcomes, said):
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=85)
    outcome = "no answer"
    with contextlib.suppress(OSError, http.client.HTTPException):
        try:
            connection.request("POST", "/v1/tickets", body, target.headers("attacker", kind))
        except OSError:
            # The service may respond and close before it has read everything.
            pass
        answer = connection.getresponse()
        text = answer.read()
        outcome = answer.status
        if outcome != 200 and not said:
            said.append(f" ({text.decode(errors='replace')[:140]})")
    connection.close()
    outcomes.append(outcome)
