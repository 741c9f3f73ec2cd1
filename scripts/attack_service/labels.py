"""Unbounded labels and versions: one client's use does not exhaust those of the others, nor occupy memory forever."""

import json
import time

from crowds import finish
from healthy import calm, watching
from target import NDJSON, tickets

BODY = 20_000


def run(attack):
    _labels(attack)
    _versions(attack)


def distinct(prefix, count, columns):
    """Tickets, each with its own labels in these columns."""
    return b"".join(tickets(f"{prefix}{number}-", 1, **{column: f"{prefix}{column}-{number}" for column in columns})
                    for number in range(count))


def _pieces(body):
    rows = body.splitlines(keepends=True)
    return [b"".join(rows[start:start + BODY]) for start in range(0, len(rows), BODY)]


def _labels(attack):
    target = attack.target("labels").start()
    before, held, faults = calm(target), target.held(), []
    count = 70_000
    refused = {}
    with watching(target) as during:
        for columns, rows in ((["channel"], 400), (["team"], count), (["category"], count)):
            taken = sum(target.load(body, "attacker")["accepted"] for body in _pieces(distinct(f"a-{columns[0]}-", rows, columns)))
            refused[columns[0]] = rows - taken
        # Another token's own labels.
        answer = target.load(distinct("h-", 3, ["channel", "team", "category"]))
        if answer["accepted"] != 3:
            faults.append(f"labels of another token are rejected: {str(answer['errors'][:1])[:200]}")
        began = time.monotonic()
        if not target.is_time_passing("late-"):
            faults.append("a level does not fire")
        fired_s = time.monotonic() - began
        metrics = time.monotonic()
        target.json("GET", "/v1/metrics", timeout=60)
        metrics_s = time.monotonic() - metrics
    finish(attack.report, "unbounded labels", target, held, before, during,
           _said(refused, fired_s, metrics_s), faults)
    if target.is_alive:
        _freed(attack, target)
    attack.discard(target)


def _said(refused, fired_s, metrics_s):
    rows = ", ".join(f"{number} by {name}" for name, number in refused.items())
    return f"rejected rows of the attacker: {rows}; a level of 2 s listed after {fired_s:.1f} s, metrics in {metrics_s * 1e3:.0f} ms"


def _freed(attack, target):
    """Tickets with their own labels are deleted: after a snapshot the numbers can be used again."""
    faults, before, held = [], calm(target, 1), target.held()
    with watching(target) as during:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for number in range(400):
            event = json.dumps({"ticket": f"a-channel-{number}-0", "at": now, "event": "deleted"}) + "\n"
            target.json("POST", "/v1/events", event.encode(), "admin", NDJSON)
        target.json("POST", "/v1/snapshots")
        answer = target.load(distinct("again-", 100, ["channel"]), "attacker")
        if answer["accepted"] != 100:
            faults.append(f"{answer['rejected']} of 100 channels are still used up: {str(answer['errors'][:1])[:200]}")
    finish(attack.report, "labels whose tickets are deleted", target, held, before, during, f"{answer['accepted']} of 100 new channels accepted", faults)


def _versions(attack):
    target, count = attack.target("versions").start(), 60 if attack.options.quick else 600
    before, held, faults, slowest = calm(target), target.held(), [], 0.0
    with watching(target) as during:
        for number in range(count):
            hours = f"0{number % 8 + 1}:{number // 8 % 60:02}-16:00"
            body = json.dumps({"time_zone": "Europe/Oslo", "mon-fri": [hours]}).encode()
            began = time.monotonic()
            target.json("PUT", "/v1/calendars/always", body, kind="application/json")
            slowest = max(slowest, time.monotonic() - began)
        began = time.monotonic()
        target.json("GET", "/v1/calendars/always/versions")
        listed_s = time.monotonic() - began
    grown = target.peak() - held
    if grown > 256 << 20:
        faults.append(f"{count} versions cost {grown >> 20} MiB, at most 256")
    finish(attack.report, f"{count} edits of a calendar", target, held, before, during,
           f"the slowest edit took {slowest * 1e3:.0f} ms, the list of versions {listed_s * 1e3:.0f} ms", faults)
    target.stop()
    began = time.monotonic()
    target.start()
    start_s = time.monotonic() - began
    attack.report.add(f"a start with {count} versions", f"{start_s:.1f} s", [f"{start_s:.1f} s, at most 5"] if start_s > 5 else [],
                      (0, target.peak()))
    attack.discard(target)
