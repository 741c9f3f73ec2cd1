"""Rows of the final table, and whether a limit was exceeded."""


class Report:
    HEADER = ("attack", "held before", "held at most", "healthy p99 before", "during", "failed", "result")

    def __init__(self):
        self.rows = []
        self.is_broken = False

    def add(self, what, result, faults=(), memory=None, before=None, during=None):
        """A row. `faults` describes the exceeded limits; `memory` is (before, most) in bytes."""
        faults = list(faults)
        held = [f"{size / (1 << 20):.0f} MiB" for size in memory] if memory else ["", ""]
        times = [f"{part.p99 * 1e3:.1f} ms" if part and part.times else "" for part in (before, during)]
        failed = f"{during.failed} of {during.failed + len(during.times)}" if during else ""
        self.is_broken |= bool(faults)
        said = " ".join((f"{result}; BROKEN: {'; '.join(faults)}" if faults else result).split())
        self._put((what, *held, *times, failed, said))

    def broken(self, what, why):
        self.add(what, "", [why])

    def _put(self, row):
        self.rows.append(row)
        print("  " + "  ".join(cell for cell in row if cell), flush=True)

    def print(self):
        table = [self.HEADER, *self.rows]
        widths = [max(len(row[column]) for row in table) for column in range(len(self.HEADER))]
        print()
        for number, row in enumerate(table):
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
            if number == 0:
                print("  ".join("-" * width for width in widths))
