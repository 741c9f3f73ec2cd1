"""Results and their table. Results worse than the rival's are printed like the others."""


def count(number):
    """1234567 as 1.23M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def duration(seconds):
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} us"


class Report:
    """Rows of a table: what, ours, the rival's, the ratio, and the CPU time of each."""

    HEADER = ("what", "overdue", "rival", "ratio", "CPU seconds", "goal")

    def __init__(self):
        self.rows = []

    def rate(self, what, ours, rival=None, cpu="", goal=""):
        """Rates: more is better. The rival is (name, rate)."""
        ratio, shown = "", ""
        if rival:
            shown = f"{rival[0]} {count(rival[1])}/s"
            ratio = f"{ours / rival[1]:.2f}x the rate" if rival[1] else ""
        self._add(what, f"{count(ours)}/s", shown, ratio, cpu, goal)

    def time(self, what, ours, rival=None, cpu="", goal=""):
        """Times in seconds: less is better."""
        ratio, shown = "", ""
        if rival:
            shown = f"{rival[0]} {duration(rival[1])}"
            ratio = f"{rival[1] / ours:.2f}x as fast" if ours else ""
        self._add(what, duration(ours), shown, ratio, cpu, goal)

    def value(self, what, ours, rival="", ratio="", goal=""):
        self._add(what, ours, rival, ratio, "", goal)

    def missing(self, what, why):
        self._add(what, f"not measured: {why}", "", "", "", "")

    def _add(self, *row):
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
