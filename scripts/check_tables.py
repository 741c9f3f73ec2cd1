"""Opens our tables with DuckDB and pandas; see scripts/check_tables."""

import json
import sys
from pathlib import Path

import duckdb
import pandas as pd

FAULTS = []

# Typical queries by table; each must run, and its result is printed.
QUESTIONS = {
    "tickets.parquet": [
        "SELECT state, priority, count(*) AS tickets, min(opened_at) AS oldest FROM t GROUP BY ALL ORDER BY tickets DESC LIMIT 5",
        "SELECT ticket, next_due_at FROM t WHERE next_due_at IS NOT NULL ORDER BY next_due_at LIMIT 3",
    ],
    "clocks.parquet": [
        "SELECT clock, status, count(*) AS clocks, count(*) FILTER (is_breached) AS breached FROM t GROUP BY ALL ORDER BY ALL LIMIT 8",
        "SELECT ticket, clock, target_due_at, segments FROM t WHERE len(segments) > 0 LIMIT 3",
    ],
    "policy_versions.parquet": ["SELECT number, since, apply, actor FROM t ORDER BY number"],
    "escalations": [
        "SELECT kind, clock, level, count(*) AS records, min(recorded_at) AS first FROM t GROUP BY ALL ORDER BY ALL LIMIT 8",
        "SELECT escalation_id, due_at, fired_at, notify, reason FROM t ORDER BY sequence LIMIT 3",
    ],
    "cycles": [
        "SELECT clock, result, count(*) AS cycles, avg(business_ms) / 60000 AS minutes FROM t GROUP BY ALL ORDER BY ALL LIMIT 8",
    ],
}


def fault(text):
    FAULTS.append(text)
    print("FAULT:", text)


def look(name, files, rows):
    """Reads the files of a table with both and compares."""
    files = [str(file) for file in files]
    table = duckdb.read_parquet(files)
    for column, kind in zip(table.columns, table.types):
        if "BLOB" in str(kind):
            fault(f"{name}: {column} is opaque in DuckDB: {kind}")
        is_time = column in ("at", "since", "day") or column.endswith("_at")
        if is_time and str(kind) != "TIMESTAMP WITH TIME ZONE":
            fault(f"{name}: {column} has no zone in DuckDB: {kind}")
    found = table.count("*").fetchall()[0][0]
    frame = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    for column, kind in frame.dtypes.items():
        is_time = column in ("at", "since", "day") or column.endswith("_at")
        if is_time and getattr(kind, "tz", None) is None:
            fault(f"{name}: {column} has no zone in pandas: {kind}")
        values = frame[column].dropna()
        if len(values) and isinstance(values.iloc[0], bytes):
            fault(f"{name}: {column} is opaque in pandas")
    if not found == len(frame) == rows:
        fault(f"{name}: DuckDB has {found} rows, pandas {len(frame)}, {rows} were written")
    for column in frame.columns:
        if frame[column].dtype.name in ("category", "object", "str", "string") and len(frame):
            ours = table.project(f'count("{column}")').fetchall()[0][0]
            if ours != frame[column].count():
                fault(f"{name}: {column} is filled in {ours} rows for DuckDB, in {frame[column].count()} for pandas")
    print(f"\n== {name}: {found} rows in {len(files)} file(s)")
    print("   " + ", ".join(f"{column} {kind}" for column, kind in zip(table.columns, table.types)))
    for question in QUESTIONS.get(name, []):
        print(f"\n   {question}")
        print(table.query("t", question))


def main(place):
    snapshots = [place] if (place / "manifest.json").exists() else sorted((place / "snapshots").glob("[0-9]*"))
    for snapshot in snapshots:
        if snapshot.suffix:
            continue
        manifest = json.loads((snapshot / "manifest.json").read_text())
        print(f"snapshot {manifest['number']}")
        for file in manifest["files"]:
            look(file["name"], [snapshot / file["name"]], file["rows"])
    for kind in ("escalations", "cycles"):
        files = sorted((place / "history" / kind).glob("*/*.parquet"))
        numbers = [file.name.split(".")[0].split("-") for file in files]
        if files:
            look(kind, files, sum(int(last) - int(first) + 1 for first, last in numbers))
    if not snapshots:
        fault(f"no snapshots in {place}")
    print(f"\n{len(FAULTS)} faults")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    duckdb.sql("SET TimeZone = 'UTC'")
    sys.exit(main(Path(sys.argv[1])))
