"""A running service, and a client for it that uses the standard library only."""

import contextlib
import http.client
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_of(pid):
    """CPU seconds of a process so far, including its ended children."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(fields[index]) for index in (11, 12, 13, 14)) / TICKS


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_of_self():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Service:
    """`overdue serve` in a data folder."""

    def __init__(self, binary, folder, policy):
        self.binary, self.folder, self.policy = binary, pathlib.Path(folder), policy
        self.process, self.port = None, None

    def start(self):
        """Starts the service; returns the seconds until it was ready."""
        self.port = free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        log = open(self.folder.with_suffix(".log"), "ab")
        began = time.monotonic()
        command = [self.binary, "serve", "--data-dir", self.folder, "--policy", self.policy, "--no-auth",
                   "--listen", f"127.0.0.1:{self.port}", "--snapshot-every", "7d", "--log-level", "warn"]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        while True:
            if self.process.poll() is not None:
                text = self.folder.with_suffix(".log").read_text(errors="replace")
                raise SystemExit(f"the service did not start:\n{text[-2000:]}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.request("GET", "/readyz", timeout=1)[0] == 200:
                    return time.monotonic() - began
            time.sleep(0.01)

    def stop(self, how=signal.SIGTERM):
        """Ends the process; returns the seconds until it had exited."""
        began = time.monotonic()
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=600)
        self.process = None
        return time.monotonic() - began

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def cpu(self):
        return cpu_of(self.process.pid)

    def memory(self):
        """Bytes of memory in use."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise SystemExit("no VmRSS")

    def request(self, method, path, body=None, headers=None, timeout=600):
        """One request on a separate connection: status, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def json(self, method, path, body=None, headers=None):
        """The response to a request that must succeed."""
        status, answer = self.request(method, path, body, headers)
        if status != 200:
            raise SystemExit(f"{method} {path}: {status} {answer[:2000].decode(errors='replace')}")
        return json.loads(answer)

    def put_file(self, path, file, kind):
        """Sends a file as one body: the response, seconds, CPU seconds of the service and of this client."""
        size = os.path.getsize(file)
        before, mine = self.cpu(), cpu_of_self()
        began = time.monotonic()
        with open(file, "rb") as body:
            # The file is sent in pieces of 1 MiB, not through one of Python's 8 KiB buffers.
            pieces = iter(lambda: body.read(1 << 20), b"")
            answer = self.json("POST", path, pieces, {"content-type": kind, "content-length": str(size)})
        seconds = time.monotonic() - began
        if answer["rejected"]:
            raise SystemExit(f"{path}: {answer['rejected']} rows rejected: {answer['errors'][:3]}")
        return answer, seconds, self.cpu() - before, cpu_of_self() - mine

    def metrics(self):
        return self.json("GET", "/v1/metrics")
