"""What schemathesis cannot know by itself: how the bodies of our media types are written. Loaded by scripts/test-api."""

import json

import schemathesis


def as_bytes(value):
    """A made-up value as a body: texts and bytes as they are, anything else as JSON. Not all of it can be read, and all of it must
    be answered as documented."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", errors="surrogatepass")
    if isinstance(value, list) and value and all(isinstance(item, int) and 0 <= item < 256 for item in value):
        return bytes(value)
    return json.dumps(value).encode()


@schemathesis.serializer("application/x-ndjson")
def ndjson(_context, value):
    rows = value if isinstance(value, list) else [value]
    return b"".join(as_bytes(row) + b"\n" for row in rows)


@schemathesis.serializer("application/toml", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream")
def raw(_context, value):
    return as_bytes(value)
