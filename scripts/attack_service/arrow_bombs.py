"""Small Arrow streams that are expensive to read. A flatbuffer is written from its end, as in the official builder."""

import struct

import packing

SCHEMA, DICTIONARY_BATCH, RECORD_BATCH = 1, 2, 3
NULL, INT, UTF8 = 1, 2, 5
LZ4_FRAME, ZSTD = 0, 1
TIME = b"2026-01-05T08:00:00Z"


class Flat:
    """Bytes that grow downwards; a place is its distance from the end."""

    def __init__(self):
        self.data = b""

    def pad(self, size, alignment):
        self.data = bytes(-(len(self.data) + size) % alignment) + self.data

    def put(self, content, alignment):
        self.pad(len(content), alignment)
        self.data = content + self.data
        return len(self.data)

    def text(self, value):
        content = value.encode() + b"\0"
        self.pad(4 + len(content), 4)
        return self.put(struct.pack("<I", len(content) - 1) + content, 1)

    def places(self, places):
        self.pad(4 * len(places) + 4, 4)
        end = len(self.data)
        # From the last to the first: each offset is relative to its own position.
        for place in reversed(places):
            self.data = struct.pack("<I", len(self.data) + 4 - place) + self.data
        assert len(self.data) == end + 4 * len(places)
        return self.put(struct.pack("<I", len(places)), 1)

    def structs(self, packed, count):
        self.pad(len(packed), 8)
        self.put(packed, 1)
        return self.put(struct.pack("<I", count), 1)

    def table(self, fields):
        """Fields by their number: ("place", p), or a format of struct and a value."""
        end = len(self.data)
        at = {}
        for number, (kind, value) in sorted(fields.items(), key=lambda item: -_size(item[1][0])):
            if kind == "place":
                self.pad(4, 4)
                at[number] = self.put(struct.pack("<I", len(self.data) + 4 - value), 1)
            else:
                at[number] = self.put(struct.pack("<" + kind, value), _size(kind))
        self.pad(4, 4)
        start = len(self.data) + 4
        count = max(fields, default=-1) + 1
        offsets = [start - at[number] if number in at else 0 for number in range(count)]
        vtable = struct.pack(f"<HH{count}H", 4 + 2 * count, start - end, *offsets)
        self.data = struct.pack("<i", len(vtable)) + self.data
        self.data = vtable + self.data
        return start

    def finish(self, root):
        self.pad(4, 8)
        self.data = struct.pack("<I", len(self.data) + 4 - root) + self.data
        return self.data


def _size(kind):
    return 4 if kind == "place" else struct.calcsize("<" + kind)


def message(kind, build, body=b"", body_length=None):
    flat = Flat()
    header = build(flat)
    length = len(body) if body_length is None else body_length
    root = flat.table({0: ("h", 4), 1: ("B", kind), 2: ("place", header), 3: ("q", length)})
    content = flat.finish(root)
    content += bytes(-len(content) % 8)
    return struct.pack("<Ii", 0xFFFFFFFF, len(content)) + content + body


def schema(fields):
    """Fields are (name, type, dictionary id or None)."""

    def build(flat):
        places = []
        for name, kind, dictionary in fields:
            of = flat.table({0: ("i", 32), 1: ("?", True)} if kind == INT else {})
            parts = {0: ("place", flat.text(name)), 1: ("?", True), 2: ("B", kind), 3: ("place", of)}
            if dictionary is not None:
                index = flat.table({0: ("i", 32), 1: ("?", True)})
                parts[4] = ("place", flat.table({0: ("q", dictionary), 1: ("place", index)}))
            parts[5] = ("place", flat.places([]))
            places.append(flat.table(parts))
        return flat.table({0: ("h", 0), 1: ("place", flat.places(places))})

    return message(SCHEMA, build)


def batch(rows, columns, codec=None, dictionary=None, body_length=None):
    """Columns are (values, nulls, buffers); `dictionary` makes it a dictionary batch of that id."""
    nodes, buffers, body = b"", b"", bytearray()
    count = 0
    for values, nulls, contents in columns:
        nodes += struct.pack("<qq", values, nulls)
        for content in contents:
            buffers += struct.pack("<qq", len(body), len(content))
            body += content + bytes(-len(content) % 8)
            count += 1

    def build(flat):
        parts = {0: ("q", rows), 1: ("place", flat.structs(nodes, len(columns))), 2: ("place", flat.structs(buffers, count))}
        if codec is not None:
            parts[3] = ("place", flat.table({0: ("b", codec), 1: ("b", 0)}))
        records = flat.table(parts)
        return records if dictionary is None else flat.table({0: ("q", dictionary), 1: ("place", records), 2: ("?", False)})

    return message(RECORD_BATCH if dictionary is None else DICTIONARY_BATCH, build, bytes(body), body_length)


def texts(*values):
    """A column of strings: no nulls, offsets, bytes."""
    ends, content = [0], b""
    for value in values:
        content += value
        ends.append(len(content))
    return len(values), 0, [b"", struct.pack(f"<{len(ends)}i", *ends), content]


def packed(size, codec, said=None):
    """A buffer of zeros in a codec, with the length that it claims."""
    content = packing.zstd(size) if codec == ZSTD else packing.lz4_frame(size)
    return struct.pack("<q", size if said is None else said) + content


def as_is(content):
    """A buffer that is not compressed, inside a compressed batch."""
    return struct.pack("<q", -1) + content if content else b""


END = struct.pack("<Ii", 0xFFFFFFFF, 0)
TICKET = [("id", UTF8, None), ("opened_at", UTF8, None)]


def bombs(size):
    made = {}
    ticket = [texts(b"T-1"), texts(TIME)]
    loose = [(values, nulls, [as_is(content) for content in contents]) for values, nulls, contents in ticket]
    ends = struct.pack("<ii", 0, size - 1)
    for name, codec in (("ZSTD", ZSTD), ("LZ4_FRAME", LZ4_FRAME)):
        fields = [(f"d{number}", UTF8, number) for number in range(8)]
        kept = [batch(1, [(1, 0, [b"", as_is(ends), packed(size - 1, codec)])], codec, number) for number in range(8)]
        made[f"dictionaries in {name}"] = schema(TICKET + fields) + b"".join(kept) + END
        column = (1, 0, [b"", as_is(ends), packed(size - 1, codec)])
        made[f"a column in {name}"] = schema(TICKET + [("subject", UTF8, None)]) + batch(1, [*loose, column], codec) + END
        column = (1, 0, [b"", as_is(ends), packed(1 << 20, codec, 1 << 40)])
        made[f"a length that is not true in {name}"] = (
            schema(TICKET + [("subject", UTF8, None)]) + batch(1, [*loose, column], codec) + END)
    value, rows = b"x" * (64 << 10), size >> 16
    index = (rows, 0, [b"", bytes(4 * rows)])
    made["indices of one long value"] = (
        schema([("id", UTF8, 0), ("opened_at", UTF8, 1), ("subject", UTF8, 2)])
        + b"".join(batch(1, [texts(content)], dictionary=number) for number, content in enumerate((b"T-1", TIME, value)))
        + batch(rows, [index, index, index]) + END)
    rows = 1 << 40
    made["empty rows"] = schema([("id", NULL, None), ("opened_at", NULL, None)]) + batch(rows, [(rows, rows, [])] * 2) + END
    made["empty batches"] = schema(TICKET) + batch(0, [texts(), texts()]) * 20_000 + END
    made["a body length that is not true"] = schema(TICKET) + batch(1, ticket, body_length=1 << 40) + END
    made["columns"] = schema(TICKET + [(f"c{number}", UTF8, None) for number in range(20_000)]) + END
    return made
