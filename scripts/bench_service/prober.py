"""Latency of `GET /v1/metrics`, requested repeatedly on one connection by a separate process.

The prober has a higher priority than the service (if the system permits it), so that it measures the response time and
not its own wait for a core.
"""

import contextlib
import http.client
import multiprocessing
import os
import time

EVERY_S = 0.005


def _probe(port, stop, results):
    with contextlib.suppress(OSError):
        os.nice(-10)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times = []
    while not stop.is_set():
        began = time.monotonic()
        connection.request("GET", "/v1/metrics")
        answer = connection.getresponse()
        answer.read()
        took = time.monotonic() - began
        if answer.status != 200:
            results.send(None)
            return
        times.append(took)
        time.sleep(max(0.0, EVERY_S - took))
    results.send(times)


@contextlib.contextmanager
def probing(service):
    """Probes while the block runs; after it, the yielded list contains the sorted times."""
    receiver, sender = multiprocessing.Pipe(False)
    stop = multiprocessing.Event()
    process = multiprocessing.Process(target=_probe, args=(service.port, stop, sender), daemon=True)
    process.start()
    times = []
    try:
        yield times
    finally:
        stop.set()
        # Received before the process is joined: a full pipe would block its exit.
        received = receiver.recv() if receiver.poll(60) else None
        process.join(10)
    if received is None:
        raise SystemExit("GET /v1/metrics failed while it was measured")
    times.extend(sorted(received))


def quantile(times, part):
    return times[min(len(times) - 1, int(len(times) * part))]
