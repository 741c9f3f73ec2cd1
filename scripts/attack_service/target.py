"""The service under attack: a process with bounded memory, separate tokens for attackers and others, and its memory use."""

import contextlib
import datetime
import http.client
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time

from service import cpu_of, free_port

CEILING_BYTES = int(os.environ.get("OVERDUE_ATTACK_CEILING_MB", "6144")) << 20
MEMORY_BYTES = int(os.environ.get("OVERDUE_ATTACK_MEMORY_MB", "1024")) << 20
START_S = 60
NDJSON = "application/x-ndjson"

# One clock that is due after hours, and one of two seconds, which tests that time passes.
POLICY = """
default_priority = "normal"
[calendars.always]
hours = "24x7"
time_zone = "UTC"
[priorities.normal]
calendar = "always"
[priorities.normal.clocks.resolution]
target = "8h"
levels = [{ at = "100%", notify = ["owner"] }]
[priorities.quick]
calendar = "always"
[priorities.quick.clocks.resolution]
target = "2s"
levels = [{ at = "100%", notify = ["owner"] }]
"""

TOKENS = {"admin": "admin", "healthy": "operator", "attacker": "operator", "viewer": "viewer"}


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def tickets(prefix, count, first=0, opened_s=None, priority="normal", **columns):
    """Tickets as NDJSON, opened now or at that second."""
    opened = rfc3339(time.time() if opened_s is None else opened_s)
    rest = {"opened_at": opened, "priority": priority, "team": "first_line", **columns}
    return "".join(json.dumps({"id": f"{prefix}{number}", **rest}) + "\n" for number in range(first, first + count)).encode()


class Refused(Exception):
    """The service did not start: its exit code and its output."""

    def __init__(self, code, said):
        super().__init__(f"exit code {code}: {said.strip()[-600:]}")
        self.code, self.said = code, said


class Target:
    def __init__(self, binary, folder, descriptors=None, flags=(), environment=None):
        self.binary, self.folder = binary, pathlib.Path(folder)
        self.descriptors, self.flags, self.environment = descriptors, list(flags), environment or {}
        self.process, self.port, self.tokens, self.logged = None, None, {}, 0
        self.policy, self.log = self.folder.with_suffix(".toml"), self.folder.with_suffix(".log")
        self.policy.write_text(POLICY)

    def make_tokens(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, role in TOKENS.items():
            command = [self.binary, "token", "create", "--data-dir", self.folder, "--name", name, "--role", role]
            made = subprocess.run(command, capture_output=True, text=True, timeout=60)
            if made.returncode:
                raise SystemExit(f"no token was created: {made.stderr}")
            self.tokens[name] = made.stdout.strip().splitlines()[-1]

    def start(self, *flags, ready=True):
        """Starts the service. Without `ready` any response is enough; raises Refused if it ends instead."""
        if not self.tokens:
            self.make_tokens()
        self.port = free_port()
        self.logged = self.log.stat().st_size if self.log.exists() else 0
        command = [self.binary, "serve", "--data-dir", self.folder, "--policy", self.policy, "--listen", f"127.0.0.1:{self.port}",
                   "--log-level", "warn", *self.flags, *flags]
        if "--snapshot-every" not in self.flags:
            command += ["--snapshot-every", "7d"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=self._bound,
                                            env={**os.environ, **self.environment})
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Refused(self.process.returncode, self.said())
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.request("GET", "/readyz" if ready else "/healthz", timeout=1)[0] == 200:
                    return self
            time.sleep(0.01)
        self.kill()
        raise Refused(None, f"not ready after {START_S} s: {self.said()}")

    def _bound(self):
        resource.setrlimit(resource.RLIMIT_DATA, (CEILING_BYTES, CEILING_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if self.descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))

    @property
    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def said(self):
        """The process's log since its start."""
        with open(self.log, "rb") as log:
            log.seek(self.logged)
            return log.read().decode(errors="replace")

    def stop(self, how=signal.SIGTERM, timeout=120):
        """Ends the process; returns its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = None
        self.process = None
        return code

    def kill(self):
        return self.stop(signal.SIGKILL)

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        for path in (self.policy, self.log):
            path.unlink(missing_ok=True)

    def _status(self, field):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
                if line.startswith(field):
                    return int(line.split()[1]) * 1024
        return 0

    def held(self):
        """Bytes of memory in use; the peak is counted from here on."""
        with contextlib.suppress(OSError):
            pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self._status("VmRSS:")

    def peak(self):
        """Peak memory in bytes since the call of `held` (or since the start, if the peak cannot be reset)."""
        return self._status("VmHWM:") if self.is_alive else 0

    def cpu(self):
        return cpu_of(self.process.pid) if self.is_alive else 0.0

    def headers(self, token, kind=None, **more):
        headers = {"authorization": f"Bearer {self.tokens[token]}", **more}
        return {**headers, "content-type": kind} if kind else headers

    def request(self, method, path, body=None, headers=None, timeout=60):
        """One request on a separate connection: status, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def json(self, method, path, body=None, token="admin", kind=None, timeout=60):
        """The response to a request that must succeed."""
        status, answer = self.request(method, path, body, self.headers(token, kind), timeout)
        if status != 200:
            raise RuntimeError(f"{method} {path}: {status} {answer[:600].decode(errors='replace')}")
        return json.loads(answer)

    def load(self, body, token="healthy", timeout=60, query=""):
        return self.json("POST", f"/v1/tickets{query}", body, token, NDJSON, timeout)

    def records(self, after=0, most=1_000_000, query=""):
        """Escalation records after a number, by number. A page may be empty and not the last."""
        found = {}
        while len(found) < most:
            page = self.json("GET", f"/v1/escalations?after={after}&limit=1000{query}")
            for record in page["escalations"]:
                found[record["sequence"]] = record
            if not page["escalations"] and page["next_after"] <= after:
                break
            after = page["next_after"]
            if after >= page["last_sequence"]:
                break
        return found

    def ids(self):
        """The ids of all tickets."""
        found, cursor = set(), ""
        while True:
            page = self.json("GET", f"/v1/tickets?limit=1000{cursor}")
            found.update(row["id"] for row in page["tickets"])
            if not page.get("next_cursor"):
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def until(self, what, seconds, condition):
        """Waits for a condition; returns whether it was met."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if condition():
                    return True
            if not self.is_alive:
                return False
            time.sleep(0.05)
        return False

    def engine_s(self):
        """The service's clock."""
        as_of = self.json("GET", "/v1/metrics")["as_of"]
        return datetime.datetime.fromisoformat(as_of.replace("Z", "+00:00")).timestamp()

    def is_time_passing(self, prefix):
        """Whether a ticket that is due in two seconds of the service's clock is escalated."""
        ticket = f"{prefix}{time.monotonic_ns()}-"
        with contextlib.suppress(RuntimeError):
            self.load(tickets(ticket, 1, opened_s=self.engine_s(), priority="quick"))
            return self.until("the level", 10, lambda: self.records(query=f"&ticket={ticket}0"))
        return False
