"""The rival: PostgreSQL 15 from Debian, in a separate cluster, configured in its favour (memory, few checkpoints)."""

import os
import pathlib
import pwd
import re
import shutil
import subprocess
import time

from service import cpu_of

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")

SETTINGS = """
listen_addresses = ''
shared_buffers = 2GB
work_mem = 64MB
maintenance_work_mem = 512MB
max_wal_size = 16GB
checkpoint_timeout = 60min
wal_buffers = 64MB
max_connections = 200
autovacuum = off
jit = off
"""

# A table of tickets whose timers can be polled: the due time, and an index of the open ones.
SCHEMA = """
DROP TABLE IF EXISTS tickets, escalations;
CREATE TABLE tickets (
  id text PRIMARY KEY, opened_at timestamptz, first_reply_at timestamptz, resolved_at timestamptz, closed_at timestamptz,
  state text, priority text, team text, owner text, channel text, category text, customer text, subject text,
  due_at timestamptz, fired_at timestamptz);
CREATE INDEX tickets_due ON tickets (due_at) WHERE fired_at IS NULL;
CREATE TABLE escalations (id bigserial PRIMARY KEY, ticket text, due_at timestamptz, fired_at timestamptz);
"""

COPIED = "id, opened_at, first_reply_at, resolved_at, closed_at, state, priority, team, owner, channel, category, customer, subject, due_at"

POLL = """
WITH due AS (
  SELECT id, due_at FROM tickets WHERE due_at <= now() AND fired_at IS NULL ORDER BY due_at LIMIT 1000 FOR UPDATE SKIP LOCKED),
fired AS (
  UPDATE tickets SET fired_at = now() FROM due WHERE tickets.id = due.id RETURNING tickets.id, due.due_at)
INSERT INTO escalations (ticket, due_at, fired_at) SELECT id, due_at, now() FROM fired;
"""

INSERT = """
\\set n random(1, 9000000000000000)
INSERT INTO tickets (id, opened_at, state, priority, team, owner, channel, category, customer, subject, due_at)
VALUES ('S' || :n, now(), 'open', 'normal', 'first_line', 'agent_001', 'email', 'billing', 'customer_000001',
        'Invoice shows the wrong amount', now() + interval '1 day') ON CONFLICT (id) DO NOTHING;
"""


class Postgres:
    """A cluster below a folder; the server runs while the object is open."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "postgres"
        # The server does not run as root.
        self.user = "postgres" if os.geteuid() == 0 else None
        self.folder.chmod(0o755)
        self.data.mkdir()
        if self.user:
            owner = pwd.getpwnam(self.user)
            os.chown(self.data, owner.pw_uid, owner.pw_gid)
        self._run(BIN / "initdb", "-D", self.data / "db", "-A", "trust", "-U", "bench", "--no-sync", "-E", "UTF8", "--locale=C")
        with open(self.data / "db" / "postgresql.conf", "a") as conf:
            conf.write(SETTINGS + f"unix_socket_directories = '{self.data}'\n")
        self._run(BIN / "pg_ctl", "-D", self.data / "db", "-l", self.data / "log", "-w", "start")
        self.sql("CREATE DATABASE bench", database="postgres")

    def close(self):
        self._run(BIN / "pg_ctl", "-D", self.data / "db", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.data, ignore_errors=True)

    def _run(self, *command):
        command = [str(part) for part in command]
        if self.user:
            command = ["runuser", "-u", self.user, "--", *command]
        done = subprocess.run(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stderr[-2000:]}")

    def _client(self, program, *arguments, stdin=None):
        command = [str(BIN / program), "-h", str(self.data), "-U", "bench", *[str(argument) for argument in arguments]]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{program}: {done.stderr[-2000:]}")
        return done.stdout

    def sql(self, text, database="bench"):
        return self._client("psql", "-d", database, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text).strip()

    def cpu(self):
        """CPU seconds of the server and all its children, ended ones included."""
        master = int((self.data / "db" / "postmaster.pid").read_text().splitlines()[0])
        total = cpu_of(master)
        for child in pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split():
            try:
                total += cpu_of(child)
            except FileNotFoundError:
                pass
        return total

    def create_tables(self):
        for statement in filter(None, map(str.strip, SCHEMA.split(";"))):
            self.sql(statement)

    def copy(self, file):
        """Loads a CSV with the columns of COPIED: seconds, CPU seconds."""
        before, began = self.cpu(), time.monotonic()
        self.sql(f"\\copy tickets ({COPIED}) FROM '{file}' (FORMAT csv, HEADER)")
        return time.monotonic() - began, self.cpu() - before

    def bytes_a_ticket(self):
        rows = int(self.sql("SELECT count(*) FROM tickets"))
        return int(self.sql("SELECT pg_total_relation_size('tickets')")) / max(rows, 1)

    def single_inserts(self, connections, seconds):
        """Rows per second, each in its own commit, and CPU seconds."""
        script = self.data / "insert.sql"
        script.write_text(INSERT)
        before = self.cpu()
        said = self._client("pgbench", "-n", "-c", connections, "-j", 2, "-T", seconds, "-f", script, "bench")
        return self._rate(said), self.cpu() - before

    def poll_all(self, rows):
        """Processes all due rows in batches of 1,000 by two pollers: seconds, CPU seconds."""
        script = self.data / "poll.sql"
        script.write_text(" ".join(POLL.split()) + "\n")
        self.sql("ANALYZE tickets")
        batches = -(-rows // 1000)
        before, began = self.cpu(), time.monotonic()
        self._client("pgbench", "-n", "-c", 2, "-j", 2, "-t", -(-batches // 2), "-f", script, "bench")
        while int(self.sql("SELECT count(*) FROM escalations")) < rows:
            # Each of the two pollers can find the last rows locked by the other.
            self.sql(POLL)
        return time.monotonic() - began, self.cpu() - before

    @staticmethod
    def _rate(said):
        return float(re.search(r"^tps = ([0-9.]+)", said, re.MULTILINE).group(1))
