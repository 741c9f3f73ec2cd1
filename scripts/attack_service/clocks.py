"""Sets the wall clock forward and back, at a start and while the service runs.

In every case /readyz reports time that stands still or runs ahead, early levels are withdrawn, and the service can recover.
"""

import contextlib
import http.client
import pathlib
import shutil
import struct
import subprocess
import time

from target import Refused, rfc3339, tickets

MINUTE, DAY, YEAR = 60, 86_400, 31_557_600
OFFSETS = {
    "5 minutes ahead": 5 * MINUTE, "5 minutes behind": -5 * MINUTE, "30 days ahead": 30 * DAY, "30 days behind": -30 * DAY,
    "3 days ahead": 3 * DAY, "3 days behind": -3 * DAY, "10 years ahead": 10 * YEAR, "10 years behind": -10 * YEAR,
}
# Number of offsets with --quick.
QUICK = 4
# Tickets that are due in eight hours: those that fire earlier are faults.
WATCHED = 50


class Wall:
    """A wall clock for services started with its environment."""

    def __init__(self, folder):
        self.file, library = folder / "offset", folder / "wall.so"
        source = pathlib.Path(__file__).with_name("wall.c")
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        self.set(0)
        self.environment = {"LD_PRELOAD": str(library), "OVERDUE_WALL_OFFSET": str(self.file)}
        self.offset = 0

    def set(self, seconds):
        # In place: the file is mapped by running processes.
        mode = "r+b" if self.file.exists() else "wb"
        with open(self.file, mode) as file:
            file.write(struct.pack("<q", seconds))
        self.offset = seconds

    def now(self):
        return time.time() + self.offset


def run(attack):
    if not shutil.which("gcc"):
        attack.report.broken("wall clocks", "gcc is not installed: the wall clock of a process cannot be replaced")
        return
    wall = Wall(attack.folder)
    offsets = list(OFFSETS.items())[:QUICK if attack.options.quick else None]
    for name, offset in offsets:
        _start(attack, wall, name, offset)
    for name, offset in offsets:
        _jump(attack, wall, name, offset)


def _prepared(attack, wall, name):
    wall.set(0)
    target = attack.target(name.replace(" ", "-"), environment=wall.environment).start()
    target.load(tickets("watched-", WATCHED))
    return target


def _start(attack, wall, name, offset):
    """A start with a wrong clock, then one with the right clock."""
    what, faults, steps = f"a start {name}", [], []
    target = _prepared(attack, wall, f"start {name}")
    target.stop()
    wall.set(offset)
    peak = 0
    try:
        target.start(ready=False)
        steps.append("starts")
        steps.append(_judged(target, faults, "off"))
        peak = target.peak()
        _stopped(target, faults)
    except Refused as refused:
        steps.append("is refused")
        if refused.code in (None, 101, 134, 139) or not any(word in refused.said for word in ("clock", "time")):
            faults.append(f"the start fails without a reason: {refused}")
    wall.set(0)
    steps.append("with the clock right " + _back(target, wall, faults))
    attack.report.add(what, "; ".join(steps), faults, (0, max(peak, target.peak())))
    attack.discard(target)


def _judged(target, faults, when):
    """The response of /readyz, and whether it is correct."""
    ready = _ready(target)
    passing = target.is_time_passing("passing-")
    if ready[0] == 200 and not passing:
        # The service may have detected it only now.
        ready = _ready(target)
        if ready[0] == 200:
            faults.append(f"with the clock {when}, /readyz is 200 and time stands still")
    if ready[0] not in (200, 503):
        faults.append(f"with the clock {when}, /readyz is {ready[0]}")
    return f"readyz {ready[0]}, time {'passes' if passing else 'stands still'}"


def _ready(target):
    status, body = target.request("GET", "/readyz", timeout=10)
    return status, body.decode(errors="replace")


def _early(target):
    """Tickets due in eight hours whose level has fired and was not withdrawn."""
    fired = {}
    for record in target.records().values():
        if record["ticket"].startswith("watched-") and record["kind"] in ("fired", "withdrawn"):
            fired[record["ticket"]] = record["kind"]
    return sum(1 for kind in fired.values() if kind == "fired")


def _back(target, wall, faults):
    """Recovery: without flags, or with the time accepted."""
    accepted = "--accept-time" in subprocess.run([target.binary, "serve", "--help"], capture_output=True, text=True, timeout=60).stdout
    for flags, said in (([], "as such"), (["--accept-time", None], "with --accept-time")):
        if flags and not accepted:
            faults.append("no recovery: the binary has no --accept-time")
            return "cannot go on"
        try:
            target.start(*[flag or rfc3339(wall.now()) for flag in flags], ready=False)
        except Refused as refused:
            if flags:
                faults.append(f"no start with the time accepted: {refused}")
                return "is refused"
            continue
        ready = _ready(target)
        passing = ready[0] == 200 and target.is_time_passing("passing-")
        if ready[0] == 200 and not passing:
            ready = _ready(target)
        early = _early(target)
        if ready[0] == 200 and passing and not early:
            _stopped(target, faults)
            return f"goes on {said}"
        if ready[0] == 200:
            faults.append(f"{said}, with the clock right: /readyz is 200, time {'passes' if passing else 'stands still'}, {early} levels early")
        elif flags:
            faults.append(f"not ready with the time accepted: {ready[1][:200]}")
        _stopped(target, faults)
    return "does not go on"


def _stopped(target, faults):
    code = target.stop()
    if code != 0:
        faults.append(f"a stop ends with {code}: {target.said().strip()[-160:]}")


def _jump(attack, wall, name, offset):
    """The clock jumps while the service runs, and comes back."""
    faults = []
    target = _prepared(attack, wall, f"jump {name}")
    held = target.held()
    wall.set(offset)
    noticed = target.until("503", 15, lambda: _ready(target)[0] == 503)
    passing = target.is_time_passing("meanwhile-")
    early = _early(target)
    if early:
        faults.append(f"{early} levels fired early")
    if not noticed:
        faults.append("/readyz stays 200 while the clock is off")
    wall.set(0)
    if not target.until("200", 15, lambda: _ready(target)[0] == 200):
        faults.append(f"not ready after the clock is right again: {_ready(target) if target.is_alive else 'ended'}")
    elif not target.is_time_passing("after-"):
        faults.append("time stands still after the clock is right again")
    peak = target.peak()
    with contextlib.suppress(OSError, http.client.HTTPException):
        _stopped(target, faults)
    result = f"readyz {'503' if noticed else '200'}, time {'passes' if passing else 'stands still'} meanwhile; ready again afterwards"
    attack.report.add(f"a jump {name} while it runs", result, faults, (held, peak))
    attack.discard(target)

