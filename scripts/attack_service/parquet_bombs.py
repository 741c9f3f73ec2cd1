"""Small Parquet files that are expensive to read: written byte by byte, because no Parquet writer creates them."""

import struct

import packing
from packing import varint

PLAIN, RLE, DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY, RLE_DICTIONARY = 0, 3, 5, 6, 7, 8
UNCOMPRESSED, SNAPPY, GZIP, ZSTD, LZ4_RAW = 0, 1, 2, 6, 7
TIME = b"2026-01-05T08:00:00Z"


def zigzag(number):
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return 8, varint(len(value)) + value


def i32(number):
    return 5, zigzag(number)


def i64(number):
    return 6, zigzag(number)


def array(items):
    kind = items[0][0] if items else 12
    head = bytes([len(items) << 4 | kind]) if len(items) < 15 else bytes([0xF0 | kind]) + varint(len(items))
    return 9, head + b"".join(content for _, content in items)


def struct_of(**fields):
    """A Thrift struct in the compact protocol; the fields are f1=..., f2=... in order."""
    out, last = bytearray(), 0
    for name, (kind, content) in fields.items():
        number = int(name[1:])
        out += bytes([(number - last) << 4 | kind]) if number - last < 16 else bytes([kind]) + zigzag(number)
        out += content
        last = number
    return 12, bytes(out + b"\0")


def page(content, values, encoding, size=None, is_dictionary=False):
    """A data or dictionary page with its header; `size` is the expanded size that it claims."""
    numbers = {"f1": i32(values), "f2": i32(encoding)}
    head = {"f1": i32(2 if is_dictionary else 0), "f2": i32(len(content) if size is None else size), "f3": i32(len(content))}
    if is_dictionary:
        head["f7"] = struct_of(**numbers)
    else:
        head["f5"] = struct_of(**numbers, f3=i32(RLE), f4=i32(RLE))
    return struct_of(**head)[1] + content


class Column:
    """A column of strings and its pages."""

    def __init__(self, name, pages, values, codec=UNCOMPRESSED, dictionary=None, optional=False):
        self.name, self.pages, self.values, self.codec = name, pages, values, codec
        self.dictionary, self.optional = dictionary, optional


def file(columns, rows):
    out, chunks = bytearray(b"PAR1"), []
    for column in columns:
        meta = {"f1": i32(6), "f2": array([i32(PLAIN), i32(RLE)]), "f3": array([text(column.name)]), "f4": i32(column.codec),
                "f5": i64(column.values)}
        start, dictionary = len(out), {}
        if column.dictionary:
            dictionary = {"f11": i64(start)}
            out += column.dictionary
        first = len(out)
        out += column.pages
        size = i64(len(out) - start)
        meta = struct_of(**meta, f6=size, f7=size, f9=i64(first), **dictionary)
        chunks.append(struct_of(f2=i64(start), f3=meta))
    leaves = [struct_of(f1=i32(6), f3=i32(int(column.optional)), f4=text(column.name), f6=i32(0)) for column in columns]
    schema = array([struct_of(f4=text("schema"), f5=i32(len(columns))), *leaves])
    group = struct_of(f1=array(chunks), f2=i64(len(out)), f3=i64(rows))
    footer = struct_of(f1=i32(1), f2=schema, f3=i64(rows), f4=array([group]))[1]
    return bytes(out + footer + struct.pack("<I", len(footer)) + b"PAR1")


def plain(value):
    return struct.pack("<I", len(value)) + value


def first_delta(count, first, delta):
    """DELTA_BINARY_PACKED: `first`, then `first + delta` for all others."""
    out = bytearray(varint(128) + varint(4) + varint(count) + zigzag(first))
    for start in range(0, count - 1, 128):
        deltas = [delta if start + place == 0 else 0 for place in range(min(128, count - 1 - start))]
        least = min(deltas)
        out += zigzag(least)
        widths, packed = bytearray(4), bytearray()
        for mini in range(4):
            piece = [number - least for number in deltas[32 * mini:32 * mini + 32]]
            widths[mini] = max(piece, default=0).bit_length()
            bits = sum(number << widths[mini] * place for place, number in enumerate(piece))
            packed += bits.to_bytes(4 * widths[mini], "little")
        out += widths + packed
    return bytes(out)


def repeated(value, count):
    """A dictionary of one value, and pages of its index."""
    dictionary = page(plain(value), 1, PLAIN, is_dictionary=True)
    return dictionary, page(b"\x01" + varint(count << 1) + b"\0", count, RLE_DICTIONARY)


def constant(name, value, count):
    dictionary, pages = repeated(value, count)
    return Column(name, pages, count, dictionary=dictionary)


def frame(column, rows):
    """A file with a bomb in `column`, and the columns that a ticket needs."""
    needed = {"id": b"T-1", "opened_at": TIME}
    others = [constant(name, value, rows) for name, value in needed.items() if name != column.name]
    return file([*others, column], rows)


def bombs(size):
    """Name and bytes of each; they expand to `size` bytes, or claim to."""
    value, made = 64 << 10, {}
    count = size // value
    # The first value is written out, the others share all of it as their prefix.
    prefixes, suffixes = first_delta(count, 0, value), first_delta(count, value, -value)
    content = prefixes + suffixes + b"x" * value
    made["DELTA_BYTE_ARRAY"] = frame(Column("subject", page(content, count, DELTA_BYTE_ARRAY), count), count)
    made["RLE_DICTIONARY"] = frame(constant("subject", b"x" * value, count), count)
    made["DELTA_LENGTH_BYTE_ARRAY"] = frame(
        Column("subject", page(first_delta(count, 0, 1 << 30), count, DELTA_LENGTH_BYTE_ARRAY), count), count)
    head = struct.pack("<I", size - 4)
    for name, codec, content in (
        ("GZIP", GZIP, packing.gzip(size - 4, head=head)),
        ("ZSTD", ZSTD, packing.zstd(size - 4, head=head)),
        ("SNAPPY", SNAPPY, packing.snappy(min(size, 256 << 20) - 4, head=struct.pack("<I", min(size, 256 << 20) - 4))),
        ("LZ4_RAW", LZ4_RAW, packing.lz4(size - 4, head=head)),
    ):
        said = min(size, 256 << 20) if name == "SNAPPY" else size
        made[f"PLAIN in {name}"] = frame(Column("subject", page(content, 1, PLAIN, said), 1, codec), 1)
        made[f"PLAIN in {name}, size not true"] = frame(Column("subject", page(content, 1, PLAIN, (1 << 31) - 1), 1, codec), 1)
    rows = 1 << 31
    made["rows that the footer claims"] = frame(Column("subject", page(plain(b"x"), 1, PLAIN), rows - 1), rows - 1)
    for rows in (200_000_000, 50_000_000):
        nulls = struct.pack("<I", len(varint(rows << 1)) + 1) + varint(rows << 1) + b"\0"
        nothing = [Column(name, page(nulls, rows, PLAIN), rows, optional=True) for name in ("id", "opened_at")]
        made[f"{rows // 1_000_000}M empty rows"] = file(nothing, rows)
        made[f"{rows // 1_000_000}M rows of one id"] = file([constant("id", b"T-1", rows), constant("opened_at", TIME, rows)], rows)
    made["columns"] = file([constant("id", b"T-1", 1), constant("opened_at", TIME, 1),
                            *(Column(f"c{number}", b"", 0) for number in range(20_000))], 1)
    made["footer length"] = b"PAR1" + bytes(100 << 10) + struct.pack("<I", 0x7FFFFFFF) + b"PAR1"
    return made
