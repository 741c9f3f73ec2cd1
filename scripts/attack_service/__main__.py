"""Attacks the service and prints its memory and the effect on other clients. See scripts/attack for its usage."""

import argparse
import os
import pathlib
import random
import signal
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "bench_service"))

import clocks
import copies
import crowds
import expansion
import labels
import stops
from report import Report
from target import Target

SCENARIOS = {
    "bombs": expansion.bombs,
    "descriptors": crowds.descriptors,
    "feed": crowds.feed,
    "uploads": crowds.uploads,
    "copies": copies.run,
    "clocks": clocks.run,
    "stops": stops.run,
    "labels": labels.run,
}


class Attack:
    """State shared by the scenarios."""

    def __init__(self, binary, folder, options):
        self.binary, self.folder, self.options = pathlib.Path(binary).resolve(), pathlib.Path(folder), options
        self.report = Report()
        self.random = random.Random(options.seed)
        self.targets = []

    def target(self, name, **settings):
        target = Target(self.binary, self.folder / name, **settings)
        self.targets.append(target)
        return target

    def discard(self, target):
        target.remove()
        self.targets.remove(target)

    def close(self):
        for target in list(self.targets):
            self.discard(target)


def main():
    parser = argparse.ArgumentParser(prog="scripts/attack", description="Attacks `overdue serve` on the loopback interface.")
    parser.add_argument("binary", help=argparse.SUPPRESS)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"one of: {' '.join(SCENARIOS)} (all)")
    parser.add_argument("--quick", action="store_true", help="less of each: about three minutes in total")
    parser.add_argument("--copies", type=int, metavar="COUNT", help="hot copies (200; quick 8)")
    parser.add_argument("--stops", type=int, metavar="COUNT", help="stops at random moments of a snapshot (100; quick 8)")
    parser.add_argument("--seconds", type=int, metavar="COUNT", help="length of a crowd's attack (60; quick 8)")
    options = parser.parse_intermixed_args()
    quick = options.quick
    for name, full, less in (("copies", 200, 8), ("stops", 100, 8), ("seconds", 60, 8)):
        value = getattr(options, name)
        if value is None:
            setattr(options, name, less if quick else full)
        elif value < 1:
            parser.error(f"--{name} is {value}, expected a number from 1")
    for name in options.scenarios:
        if name not in SCENARIOS:
            parser.error(f"no scenario {name!r}, expected some of: {' '.join(SCENARIOS)}")
    options.seed = int(os.environ.get("OVERDUE_ATTACK_SEED", time.time_ns() % 1_000_000))
    print(f"OVERDUE_ATTACK_SEED={options.seed} {options.binary}", flush=True)
    # The started processes end with this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="overdue-attack-") as folder:
        attack = Attack(options.binary, folder, options)
        try:
            for name in options.scenarios or SCENARIOS:
                began = time.monotonic()
                print(f"== {name}", flush=True)
                try:
                    SCENARIOS[name](attack)
                except Exception as error:  # A scenario that fails is a finding; the others still run.
                    attack.report.broken(name, f"did not complete: {type(error).__name__}: {error}")
                attack.close()
                print(f"   {time.monotonic() - began:.0f} s", flush=True)
        finally:
            attack.close()
        attack.report.print()
        return 1 if attack.report.is_broken else 0


sys.exit(main())
