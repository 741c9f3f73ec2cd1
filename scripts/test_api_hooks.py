"""Serializers for our media types, which schemathesis does not have. Loaded by scripts/test-api."""

import json

import schemathesis


def as_bytes(value):
    """A generated value as a body: texts and bytes unchanged, anything else as JSON. Not all bodies are valid; each must get
    a documented response."""
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
