"""A healthy client with its own token: reads and writes on one connection, and measures each."""

import contextlib
import http.client
import multiprocessing
import os
import time

from prober import quantile
from target import NDJSON, tickets

EVERY_S = 0.01
TIMEOUT_S = 10
P99_S = int(os.environ.get("OVERDUE_ATTACK_P99_MS", "1000")) / 1e3


class Seen:
    """Times of successful requests, and the number of failed ones."""

    def __init__(self):
        self.times, self.failed, self.last_failure = [], 0, ""

    @property
    def p99(self):
        return quantile(self.times, 0.99) if self.times else TIMEOUT_S

    def faults(self, before=None):
        """The faults: what was worse than a healthy client accepts."""
        faults = []
        if self.failed:
            faults.append(f"{self.failed} requests of a healthy client failed ({self.last_failure})")
        bound = max(P99_S, 3 * before.p99 if before else 0)
        if self.p99 > bound:
            faults.append(f"p99 of a healthy client {self.p99 * 1e3:.0f} ms, at most {bound * 1e3:.0f}")
        return faults


def _probe(port, headers, stop, results):
    with contextlib.suppress(OSError):
        os.nice(-10)
    times, failed, last, number, connection = [], 0, "", 0, None
    while not stop.is_set():
        began = time.monotonic()
        try:
            connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
            if number % 2:
                connection.request("GET", "/v1/metrics", headers=headers)
            else:
                body = tickets(f"healthy-{os.getpid()}-", 1, number)
                connection.request("POST", "/v1/tickets", body, {**headers, "content-type": NDJSON})
            answer = connection.getresponse()
            said = answer.read()
            took = time.monotonic() - began
            if answer.status == 200:
                times.append(took)
            else:
                failed, last = failed + 1, f"{answer.status} {said[:120].decode(errors='replace')}"
        except (OSError, http.client.HTTPException) as error:
            failed, last = failed + 1, f"{type(error).__name__}: {error}"
            with contextlib.suppress(OSError):
                connection.close()
            connection = None
            # Time without a response counts as well: a service that is gone is not fast.
            stop.wait(0.1)
        number += 1
        time.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))
    results.send((sorted(times), failed, last))


@contextlib.contextmanager
def watching(target, token="healthy"):
    """Probes while the block runs; its results are complete after it."""
    receiver, sender = multiprocessing.Pipe(False)
    stop = multiprocessing.Event()
    arguments = (target.port, target.headers(token), stop, sender)
    process = multiprocessing.Process(target=_probe, args=arguments, daemon=True)
    process.start()
    seen = Seen()
    try:
        yield seen
    finally:
        stop.set()
        if receiver.poll(2 * TIMEOUT_S):
            seen.times, seen.failed, seen.last_failure = receiver.recv()
        else:
            seen.failed, seen.last_failure = 1, "the client got no response at all"
        process.join(5)
        process.kill()


def calm(target, seconds=2):
    """The healthy client's times before the attack."""
    with watching(target) as seen:
        time.sleep(seconds)
    return seen
