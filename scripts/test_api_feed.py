#!/usr/bin/env python3
"""Tests the feed of escalations against its description, with a reader that stops after a time: a feed has no end."""

import http.client
import json
import sys
import time
import urllib.parse

PATH = "/v1/escalations/feed"
# Time for which a feed is read.
LISTEN_S = 2.0
CASES = [
    # headers, query, expected status
    ({}, "", 200),
    ({"Last-Event-ID": "0"}, "", 200),
    ({"Last-Event-ID": "1"}, "", 200),
    ({"Last-Event-ID": "9007199254740991"}, "", None),
    ({"Last-Event-ID": "no number"}, "", 400),
    # From another service's data.
    ({"Last-Event-ID": "1.00000000-1"}, "", 410),
    ({"Last-Event-ID": "1.0-1"}, "", 400),
    ({}, "?after=0&kind=fired", 200),
    ({}, "?after=-1", 400),
    ({}, "?kind=nonsense", 400),
    ({}, "?no_such_parameter=1", None),
    ({"Authorization": "Bearer nonsense"}, "", 401),
    ({"Authorization": None}, "", 401),
]


def ask(url, token, headers, query):
    """Status, media type and the bytes received within the time."""
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=LISTEN_S)
    sent = {"Authorization": f"Bearer {token}", **headers}
    try:
        connection.request("GET", PATH + query, headers={name: value for name, value in sent.items() if value})
        answer = connection.getresponse()
        kind = answer.headers.get_content_type()
        text = b""
        until = time.monotonic() + LISTEN_S
        try:
            while time.monotonic() < until and (part := answer.read1(65_536)):
                text += part
        except TimeoutError:
            # Nothing more within the time: an idle feed.
            pass
        return answer.status, kind, text
    finally:
        connection.close()


def faults_of(status, kind, text, documented, expected):
    if expected is not None and status != expected:
        yield f"responds with {status}, expected {expected}"
    responses = documented["responses"]
    described = responses.get(str(status)) or (responses.get("default") if status >= 400 else None)
    if described is None:
        yield f"responds with {status}, documented are {', '.join(responses)}"
        return
    kinds = described.get("content", {})
    if kinds and kind not in kinds:
        yield f"responds with {status} and {kind}, documented are {', '.join(kinds)}"
    if status >= 400:
        problem = json.loads(text)
        if problem.get("status") != status or not problem.get("title"):
            yield f"responds with {status} without a problem document: {text[:200]!r}"
    elif text and not any(text.startswith(start) for start in (b":", b"id:", b"event:", b"data:", b"retry:")):
        yield f"sends no events: {text[:200]!r}"


def main():
    url, token = sys.argv[1:3]
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.request("GET", "/openapi.json")
    documented = json.loads(connection.getresponse().read())["paths"][PATH]["get"]
    failed = 0
    for headers, query, expected in CASES:
        for fault in faults_of(*ask(url, token, headers, query), documented, expected):
            print(f"GET {PATH}{query} {headers}: {fault}", file=sys.stderr)
            failed += 1
    print(f"feed: {len(CASES)} requests, {failed} faults")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
