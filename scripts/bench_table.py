#!/usr/bin/env python3
"""Prints criterion's results as one table.

In a group, the benchmark whose name is `overdue` or begins with `overdue ` is ours; the others are its rivals, and their
row says how many times longer they take. Throughput comes from criterion's own record of elements or bytes per iteration.
"""

import json
import pathlib
import sys


def load(folder):
    """All results below a criterion folder: (group, function, parameter, ns, (unit, amount) or None)."""
    rows = []
    for record in sorted(folder.glob("**/new/benchmark.json")):
        about = json.loads(record.read_text())
        estimates = json.loads((record.parent / "estimates.json").read_text())
        best = estimates.get("slope") or estimates["median"]
        throughput = about.get("throughput")
        amount = next(iter(throughput.items())) if isinstance(throughput, dict) else None
        rows.append((about["group_id"], about.get("function_id") or "", about.get("value_str") or "", best["point_estimate"], amount))
    return rows


def duration(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.3g} ns"


def rate(ns, amount):
    if amount is None:
        return "", ""
    unit, count = amount
    per_second = count * 1e9 / ns
    suffix = "B/s" if unit.startswith("Bytes") else "/s"
    each = "" if unit.startswith("Bytes") else f"{ns / count:.3g} ns"
    for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if per_second >= size:
            return f"{per_second / size:.3g}{prefix}{suffix}", each
    return f"{per_second:.3g}{suffix}", each


def is_ours(function):
    return function == "overdue" or function.startswith("overdue ")


def table(rows):
    ours = {(group, value): ns for group, function, value, ns, _ in rows if is_ours(function)}
    shown = [("group", "what", "time", "each", "rate", "beside overdue")]
    for group, function, value, ns, amount in rows:
        base = ours.get((group, value))
        ratio = f"{ns / base:.2f}x the time" if base and not is_ours(function) else ""
        per_second, each = rate(ns, amount)
        name = f"{function} {value}".strip()
        shown.append((group, name, duration(ns), each, per_second, ratio))
    widths = [max(len(row[column]) for row in shown) for column in range(6)]
    for number, row in enumerate(shown):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/criterion")
    rows = load(folder)
    if not rows:
        sys.exit(f"no results below {folder}: run scripts/bench first")
    table(rows)


if __name__ == "__main__":
    main()
