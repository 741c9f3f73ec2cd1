"""Copies of the data folder at random moments under load: each starts complete or is rejected with a reason; none loses data."""

import contextlib
import http.client
import os
import pathlib
import shutil
import subprocess
import threading
import time

from healthy import calm, watching
from target import Refused, tickets

# Copies of one service, so that no folder grows without limit.
COPIES_OF_ONE = 20
WRITERS = 2
GROUP = 20


class Writers:
    """Load tickets whose level fires at once, and record what was acknowledged."""

    def __init__(self, target, name):
        self.target, self.stop, self.lock, self.acknowledged = target, threading.Event(), threading.Lock(), set()
        self.threads = [threading.Thread(target=self._write, args=(f"{name}-{number}-",), daemon=True) for number in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def _write(self, prefix):
        first = 0
        while not self.stop.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException, RuntimeError):
                answer = self.target.load(tickets(prefix, GROUP, first, opened_s=time.time() - 86_400), query="?catch_up=all")
                if answer["accepted"] == GROUP:
                    with self.lock:
                        self.acknowledged.update(f"{prefix}{number}" for number in range(first, first + GROUP))
            first += GROUP
            self.stop.wait(0.02)

    def so_far(self):
        with self.lock:
            return set(self.acknowledged)

    def close(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(30)


def in_parts(random, source):
    """Orders files by the part of the folder that they are in (journal, snapshots, history), the parts in any order."""
    ranks = {}

    def rank(path):
        return ranks.setdefault(path.relative_to(source).parts[0], random.random()), random.random()

    return lambda files: files.sort(key=rank)


def copy(source, to, order, pause=0.0):
    """`cp -r`, in any order of the files, while they change and are removed, with a pause between parts of the folder."""
    files = [pathlib.Path(folder) / name for folder, _, names in os.walk(source) for name in names]
    order(files)
    part = None
    for path in files:
        if part not in (None, path.relative_to(source).parts[0]):
            time.sleep(pause)
        part = path.relative_to(source).parts[0]
        # Files removed since they were listed are missing, as in any copy.
        with contextlib.suppress(FileNotFoundError):
            place = to / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


def run(attack):
    left, number = attack.options.copies, 0
    counts = {"whole": 0, "rejected": 0, "backups": 0}
    faults, before, seen, most = [], None, None, (0, 0)
    while left > 0 and len(faults) < 5:
        source = attack.target(f"source-{number}").start()
        before = before or calm(source)
        held, rounds = source.held(), min(left, COPIES_OF_ONE)
        with watching(source) as during:
            writers = Writers(source, f"w{number}")
            try:
                source.until("records", 20, lambda: len(source.records(most=100)) >= 100)
                for turn in range(rounds):
                    faults += _one(attack, source, writers, f"{number}-{turn}", counts)
                faults += _backup(attack, source, writers, number, counts)
            finally:
                writers.close()
        peak = source.peak()
        most = max(most, (held, peak), key=lambda pair: pair[1])
        seen = during if seen is None or during.p99 > seen.p99 else seen
        if not source.is_alive:
            faults.append(f"the service that was copied ended: {source.said().strip()[-200:]}")
        attack.discard(source)
        left, number = left - rounds, number + 1
    faults += seen.faults(before)
    backups = f", {counts['backups']} backups restored" if counts["backups"] else ", no `overdue backup` in this binary"
    result = f"{counts['whole']} started complete, {counts['rejected']} were rejected{backups}"
    attack.report.add("hot copies under load", result, faults, most, before, seen)


def _one(attack, source, writers, name, counts):
    time.sleep(attack.random.uniform(0, 0.5))
    if attack.random.random() < 0.3:
        threading.Thread(target=_snapshot, args=(source,), daemon=True).start()
        time.sleep(attack.random.uniform(0, 0.2))
    known, records = writers.so_far(), source.records()
    target = attack.target(f"copy-{name}")
    if attack.random.random() < 0.5:
        copy(source.folder, target.folder, in_parts(attack.random, source.folder), attack.random.uniform(0, 1))
    else:
        copy(source.folder, target.folder, attack.random.shuffle)
    return _check(attack, source, target, known, records, f"copy {name}", counts, "whole")


def _snapshot(source):
    with contextlib.suppress(OSError, http.client.HTTPException, RuntimeError):
        source.json("POST", "/v1/snapshots")


def _check(attack, source, target, known, records, name, counts, kind):
    target.tokens = source.tokens
    try:
        target.start()
    except Refused as refused:
        attack.discard(target)
        if kind == "whole" and refused.code not in (None, 101, 134, 139) and _is_explained(refused.said):
            counts["rejected"] += 1
            return []
        return [f"{name} does not start: {refused}"]
    try:
        faults = _forgotten(target, known, records, name)
    except (OSError, http.client.HTTPException, RuntimeError) as error:
        faults = [f"{name} started and fails: {error}"]
    counts[kind] += not faults
    attack.discard(target)
    return faults


def _is_explained(said):
    return any(word in said for word in ("journal", "history", "snapshot", "epoch")) and "panicked" not in said


def _forgotten(target, known, records, name):
    """Data acknowledged or listed before the copy began that is missing in it."""
    missing = known - target.ids()
    if missing:
        return [f"{name}: {len(missing)} of {len(known)} acknowledged tickets are missing, such as {min(missing)}"]
    found = target.records()
    for sequence, record in records.items():
        if _same(found.get(sequence)) != _same(record):
            return [f"{name}: escalation {sequence} was {_same(record)}, is {_same(found.get(sequence))}"]
    last = max(found, default=0)
    if set(found) != set(range(1, last + 1)):
        return [f"{name}: escalation numbers have gaps below {last}"]
    # Numbers continue after the last one, and new records survive a restart.
    target.load(tickets("after-", 10, opened_s=time.time() - 86_400), query="?catch_up=all")
    if not target.until("records", 20, lambda: len(target.records(after=last)) >= 10):
        return [f"{name}: new escalations are not listed after {last}"]
    later = target.records()
    if any(_same(later[sequence]) != _same(record) for sequence, record in found.items()):
        return [f"{name}: new escalations reuse earlier numbers"]
    code = target.stop()
    if code != 0:
        return [f"{name}: a stop ends with {code}: {target.said().strip()[-200:]}"]
    target.start()
    again = target.records()
    if any(_same(again.get(sequence)) != _same(record) for sequence, record in later.items()):
        return [f"{name}: escalations are not the same after a restart"]
    return []


def _same(record):
    return record and tuple(record.get(field) for field in ("escalation_id", "ticket", "kind", "clock", "cycle", "level", "fired_at"))


def _backup(attack, source, writers, number, counts):
    """`overdue backup`, if the binary has it: always complete."""
    if subprocess.run([source.binary, "backup", "--help"], capture_output=True, timeout=60).returncode:
        return []
    store, name = attack.folder / f"backups-{number}", f"backup {number}"
    known, records = writers.so_far(), source.records()
    target = attack.target(f"restored-{number}")
    for arguments in (["create", store, "--data-dir", source.folder], ["create", store, "--data-dir", source.folder],
                      ["verify", store], ["restore", store, target.folder]):
        done = subprocess.run([source.binary, "backup", *arguments], capture_output=True, text=True, timeout=300)
        if done.returncode:
            return [f"{name}: `backup {arguments[0]}` ends with {done.returncode}: {(done.stdout + done.stderr).strip()[-300:]}"]
    faults = _check(attack, source, target, known, records, name, counts, "backups")
    shutil.rmtree(store, ignore_errors=True)
    return faults
