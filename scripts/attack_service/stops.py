"""SIGTERM at random moments of a periodic snapshot: exit code 0, and no acknowledged data is missing."""

import time

from target import Refused, tickets

TICKETS = 30_000


def run(attack):
    # One snapshot after the other.
    target = attack.target("stops", flags=["--snapshot-every", "1s"]).start()
    for number in range(TICKETS // 10_000):
        target.load(tickets(f"T{number}-", 10_000))
    began = time.monotonic()
    target.json("POST", "/v1/snapshots")
    took, codes, faults, acknowledged, slowest, most, unfinished = time.monotonic() - began, [], [], TICKETS, 0.0, (0, 0), 0
    for number in range(attack.options.stops):
        held = target.held()
        target.load(tickets(f"S{number}-", 10))
        acknowledged += 10
        # A moment in its first or second snapshot, usually while it is being written.
        begun = target.until("a snapshot", 5, lambda: any(target.folder.glob("snapshots/*.partial")))
        time.sleep(attack.random.uniform(0, took))
        unfinished += begun and any(target.folder.glob("snapshots/*.partial"))
        most = max(most, (held, target.peak()), key=lambda pair: pair[1])
        said, began = target.said, time.monotonic()
        codes.append(target.stop())
        slowest = max(slowest, time.monotonic() - began)
        if codes[-1] != 0:
            faults.append(f"stop {number} ends with {codes[-1]}: {said().strip()[-160:]}")
        try:
            target.start()
        except Refused as refused:
            faults.append(f"no start after stop {number}: {refused}")
            break
        found = target.json("GET", "/v1/metrics")["tickets"]
        if found != acknowledged:
            faults.append(f"{found} tickets after stop {number}, {acknowledged} were acknowledged")
            break
    counts = ", ".join(f"{codes.count(code)} with {code}" for code in sorted(set(codes), key=str))
    shown = faults[:2] + ([f"and {len(faults) - 2} more"] if len(faults) > 2 else [])
    result = f"{len(codes)} stops, {unfinished} with a snapshot of {took:.2f} s unfinished: {counts}; the slowest took {slowest:.1f} s"
    attack.report.add("stops at random moments of a snapshot", result, shown, most)
    attack.discard(target)

