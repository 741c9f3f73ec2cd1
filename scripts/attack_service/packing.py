"""Compressed bytes that expand far more than the output of a standard compressor: written byte by byte."""

import struct
import zlib


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def zstd(size, byte=b"\0", head=b""):
    """A frame of `head` and then one repeated byte: four bytes for each 128 KiB."""
    blocks, left = [], size
    if head:
        blocks.append((0, head))
    while left:
        step = min(left, 128 << 10)
        blocks.append((1, step))
        left -= step
    # No content size, a window of 8 MiB.
    out = bytearray(b"\x28\xb5\x2f\xfd\x00\x68")
    for place, (kind, content) in enumerate(blocks):
        last = int(place == len(blocks) - 1)
        length = content if kind else len(content)
        out += struct.pack("<I", last | kind << 1 | length << 3)[:3] + (byte if kind else content)
    return bytes(out)


def gzip(size, byte=b"\0", head=b""):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    out, piece, left = [packer.compress(head)], byte * (1 << 20), size
    while left:
        step = min(left, len(piece))
        out.append(packer.compress(piece[:step]))
        left -= step
    return b"".join(out) + packer.flush()


def snappy(size, head=b""):
    """Raw snappy: copies of 64 bytes, three bytes each."""
    out = bytearray(varint(len(head) + size))
    first = head + b"\0"
    out += bytes([60 << 2, len(first) - 1]) if len(first) > 60 else bytes([(len(first) - 1) << 2])
    out += first
    left = size - 1
    while left:
        step = min(left, 64)
        out += bytes([(step - 1) << 2 | 2, 1, 0])
        left -= step
    return bytes(out)


def lz4(size, head=b""):
    """A raw LZ4 block: one match over all, 255 bytes per byte."""
    first, tail = head + b"\0", 5
    match = size - 1 - tail - 4
    literals = len(first)
    out = bytearray([min(literals, 15) << 4 | 15])
    if literals >= 15:
        out += b"\xff" * ((literals - 15) // 255) + bytes([(literals - 15) % 255])
    out += first + b"\x01\x00" + b"\xff" * ((match - 15) // 255) + bytes([(match - 15) % 255])
    return bytes(out + bytes([tail << 4]) + b"\0" * tail)


def _xxh32(data):
    """XXH32 of less than 16 bytes."""
    mask, primes = 0xFFFFFFFF, (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1)
    value = (primes[4] + len(data)) & mask
    while len(data) >= 4:
        value = (value + int.from_bytes(data[:4], "little") * primes[2]) & mask
        value = ((value << 17 | value >> 15) & mask) * primes[3] & mask
        data = data[4:]
    for byte in data:
        value = (value + byte * primes[4]) & mask
        value = ((value << 11 | value >> 21) & mask) * primes[0] & mask
    for shift, prime in ((15, primes[1]), (13, primes[2]), (16, 1)):
        value = (value ^ value >> shift) * prime & mask
    return value


def lz4_frame(size):
    """A frame of independent blocks of 4 MiB."""
    description = b"\x60\x70"
    out = bytearray(b"\x04\x22\x4d\x18" + description + bytes([_xxh32(description) >> 8 & 0xFF]))
    while size:
        step = min(size, 4 << 20)
        block = lz4(step)
        out += struct.pack("<I", len(block)) + block
        size -= step
    return bytes(out + bytes(4))
