"""How long `GET /v1/metrics` takes, asked again and again on one connection by a process of its own.

The prober has a higher priority than what it measures (where the system lets it), so that it says how long the answer took and
not how long the prober itself waited for a core.
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
    """Probes while the block runs; the list that it gives holds the sorted times after it."""
    receiver, sender = multiprocessing.Pipe(False)
    stop = multiprocessing.Event()
    process = multiprocessing.Process(target=_probe, args=(service.port, stop, sender), daemon=True)
    process.start()
    times = []
    try:
        yield times
    finally:
        stop.set()
        # Received before the process is awaited: a full pipe would keep it from ending.
        received = receiver.recv() if receiver.poll(60) else None
        process.join(10)
    if received is None:
        raise SystemExit("GET /v1/metrics failed while it was measured")
    times.extend(sorted(received))


def quantile(times, part):
    return times[min(len(times) - 1, int(len(times) * part))]
