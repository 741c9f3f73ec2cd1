"""Many clients at once: idle connections, readers of the feed that never read, slow uploads."""

import contextlib
import http.client
import json
import resource
import select
import socket
import threading
import time

from healthy import calm, watching
from target import MEMORY_BYTES, NDJSON, Refused, tickets

# Connections that one attacker opens if nothing prevents it.
FEED_READERS = 400
UPLOADS = 24

# More than a segment of the journal, which has 64 MiB.
LOAD_TICKETS = 5_000
SEGMENT_LOADS = 40


class Loader:
    """Loads tickets over one connection, opened once; again only after it broke."""

    def __init__(self, target):
        self.target = target
        self.connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=60)
        self.connection.connect()

    def load(self, body):
        headers = {"authorization": f"Bearer {self.target.tokens['admin']}", "content-type": NDJSON}
        try:
            self.connection.request("POST", "/v1/tickets", body, headers)
            answer = self.connection.getresponse()
            body = json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise
        if answer.status != 200 or body["rejected"]:
            raise RuntimeError(f"status {answer.status}: {body}")


def raise_own_limit():
    """This process needs more descriptors than the service it attacks."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connect(port, small=False):
    connection = socket.socket()
    if small:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.settimeout(5)
    connection.connect(("127.0.0.1", port))
    return connection


def head(target, token, method, path, *lines):
    named = [f"{method} {path} HTTP/1.1", "host: x", f"authorization: Bearer {target.tokens[token]}", *lines]
    return ("\r\n".join(named) + "\r\n\r\n").encode()


def finish(report, what, target, held, before, during, result, faults=()):
    """The row of an attack that the service should have survived."""
    faults = list(faults)
    peak = target.peak()
    if not target.is_alive:
        faults.append(f"the process ended with {target.stop()}: {target.said().strip()[-200:]}")
    elif peak - held > MEMORY_BYTES:
        faults.append(f"held {(peak - held) >> 20} MiB more than before, at most {MEMORY_BYTES >> 20}")
    report.add(what, result, [*faults, *during.faults(before)], (held, peak), before, during)


def descriptors(attack):
    raise_own_limit()
    for limit in (64, 1024):
        what = f"idle connections at ulimit -n {limit}"
        target = attack.target(f"descriptors-{limit}", descriptors=limit)
        try:
            target.start()
        except Refused as refused:
            explained = refused.code not in (None, 101, 134, 139) and "descriptor" in refused.said
            attack.report.add(what, "the start fails with a reason", [] if explained else [f"the start failed: {refused}"])
            attack.discard(target)
            continue
        _descriptors(attack, target, what, limit)
        attack.discard(target)


def _descriptors(attack, target, what, limit):
    before, held, faults = calm(target), target.held(), []
    opened, acknowledged, refused = [], 0, 0
    # It connects before the crowd, and fills segments of the journal: new files for the store while no descriptors are left.
    own = Loader(target)
    own.load(tickets("before-", 100))
    with watching(target) as during:
        # The healthy client connects before the crowd.
        time.sleep(0.5)
        for number in range(limit + 200):
            with contextlib.suppress(OSError):
                connection = connect(target.port)
                opened.append(connection)
                if number % 2:
                    connection.sendall(b"GET /v1/metrics HTTP/1.1\r\nhost: x\r\n")
            if number % 100 == 0:
                own.load(tickets("before-", 100))
        end = time.monotonic() + attack.options.seconds
        while (time.monotonic() < end or acknowledged < SEGMENT_LOADS) and refused < SEGMENT_LOADS and target.is_alive:
            try:
                own.load(tickets(f"full-{acknowledged}-", LOAD_TICKETS, customer=f"{acknowledged}-" + "x" * 200))
                acknowledged += 1
            except (OSError, http.client.HTTPException, RuntimeError):
                refused += 1
                time.sleep(0.1)
    if target.is_alive and acknowledged < SEGMENT_LOADS:
        faults.append(f"only {acknowledged} loads were acknowledged, {refused} were rejected on their own connection")
    came_back = target.is_alive and target.until("a new connection", 60, lambda: target.request("GET", "/readyz", timeout=2)[0] == 200)
    if target.is_alive and not came_back:
        faults.append("a new connection gets no response within a minute: idle ones stay")
    for connection in opened:
        connection.close()
    if target.is_alive:
        for number in range(0, acknowledged, 10):
            if target.request("GET", f"/v1/tickets/full-{number}-0", headers=target.headers("admin"))[0] != 200:
                faults.append(f"the acknowledged ticket full-{number}-0 is missing")
                break
    finish(attack.report, what, target, held, before, during,
           f"{len(opened)} opened; {acknowledged} loads acknowledged, {refused} rejected", faults)


def feed(attack):
    raise_own_limit()
    target = attack.target("feed").start()
    # Records to read: a level of each of these fires at once.
    for number in range(5):
        target.load(tickets(f"due-{number}-", 4000, opened_s=time.time() - 86_400), query="?catch_up=all")
    before, held, faults = calm(target), target.held(), []
    readers = []
    with watching(target) as during:
        for _ in range(FEED_READERS):
            with contextlib.suppress(OSError):
                reader = connect(target.port, small=True)
                reader.sendall(head(target, "attacker", "GET", "/v1/escalations/feed?after=0"))
                readers.append(reader)
        time.sleep(2)
        status = _feed_status(target, "viewer")
        if status != 200:
            faults.append(f"another token's reader of the feed gets {status}")
        end = time.monotonic() + attack.options.seconds
        number = 0
        while time.monotonic() < end and target.is_alive:
            with contextlib.suppress(OSError, RuntimeError):
                target.load(tickets(f"more-{number}-", 1000, opened_s=time.time() - 86_400), query="?catch_up=all")
            number += 1
            time.sleep(0.2)
        ended = sum(1 for reader in readers if _is_ended(reader))
    for reader in readers:
        reader.close()
    finish(attack.report, f"{len(readers)} readers of the feed that never read", target, held, before, during,
           f"{ended} were rejected or dropped; another token's reader: {status}", faults)
    attack.discard(target)


def _feed_status(target, token):
    with contextlib.suppress(OSError), connect(target.port) as reader:
        reader.settimeout(10)
        reader.sendall(head(target, token, "GET", "/v1/escalations/feed?after=0"))
        return int(reader.recv(64).split()[1])
    return None


def _is_ended(reader):
    """Whether the service has closed a connection; received bytes are only peeked at and stay in the socket."""
    with contextlib.suppress(OSError):
        reader.setblocking(False)
        start = reader.recv(16, socket.MSG_PEEK)
        if not start or not start.startswith(b"HTTP/1.1 200"):
            return True
        poller = select.poll()
        poller.register(reader, select.POLLRDHUP)
        return bool(poller.poll(0))
    return True


def uploads(attack):
    raise_own_limit()
    target = attack.target("uploads").start()
    before, held, stop = calm(target), target.held(), threading.Event()
    outcomes = []
    senders = [threading.Thread(target=_upload, args=(target, stop, outcomes, number), daemon=True) for number in range(UPLOADS)]
    with watching(target) as during:
        for sender in senders:
            sender.start()
        # Bulk loads of another token continue.
        loads, failed, slowest, end = 0, 0, 0.0, time.monotonic() + attack.options.seconds
        while time.monotonic() < end and target.is_alive:
            began = time.monotonic()
            try:
                target.load(tickets(f"bulk-{loads}-", 5000), timeout=20)
                loads += 1
            except (OSError, RuntimeError):
                failed += 1
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.2)
    stop.set()
    for sender in senders:
        sender.join(10)
    faults = [f"{failed} bulk loads of another token failed"] if failed else []
    ended = sum(1 for outcome in outcomes if outcome)
    finish(attack.report, f"{UPLOADS} slow uploads", target, held, before, during,
           f"{loads} bulk loads of another token, the slowest {slowest:.1f} s; {ended} uploads were ended by the service", faults)
    attack.discard(target)


def _upload(target, stop, outcomes, number):
    """Sends a row at intervals: at first enough to be opened, then the minimum."""
    ended = False
    with contextlib.suppress(OSError), connect(target.port) as sender:
        sender.sendall(head(target, "attacker", "POST", "/v1/tickets", f"content-type: {NDJSON}", "transfer-encoding: chunked"))
        rows = tickets(f"slow-{number}-", 8000 if number % 2 else 1)
        sender.settimeout(2)
        while not stop.is_set():
            try:
                sender.sendall(f"{len(rows):x}\r\n".encode() + rows + b"\r\n")
                rows = b"\n"
                if select.select([sender], [], [], 1.0)[0]:
                    ended = True
                    break
            except TimeoutError:
                continue
            except OSError:
                ended = True
                break
    outcomes.append(ended)
