"""A PostgreSQL server that the tests start themselves, on a Unix socket in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg


def binaries() -> Path | None:
    """Where Debian keeps the newest server's programs, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class PostgresqlServer:
    """One server process. Durability is off: these tests end processes of ours, not of the database."""

    def __init__(self, programs: Path, *options: str) -> None:
        """``options`` are settings of its own, as ``autovacuum=off``."""
        self._options = options
        self._folder = Path(tempfile.mkdtemp(prefix="gw-pg-"))
        self._made = 0
        data = self._folder / "data"
        # PostgreSQL refuses to run as root.
        self._user: list[str] = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            # the linux plane's API is neither root nor postgres
            self._folder.chmod(0o755)
            self._user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        subprocess.run(
            [
                *self._user,
                programs / "initdb",
                "-D",
                data,
                "-U",
                "gatewright",
                "--auth=trust",
                "--no-sync",
                "-E",
                "UTF8",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
        )
        self._programs, self._data = programs, data
        self.begin()

    def begin(self) -> None:
        """Start the server, and wait until it answers."""
        options = ["fsync=off", "full_page_writes=off", "listen_addresses=", f"unix_socket_directories={self._folder}"]
        options += ["max_connections=200", "shared_buffers=32MB", "logging_collector=off", *self._options]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self._user,
                    self._programs / "postgres",
                    "-D",
                    self._data,
                    *(word for o in options for word in ("-c", o)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        self._wait()

    def url(self, database: str) -> str:
        return f"postgresql://gatewright@/{database}?host={self._folder}"

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return

    def create(self) -> str:
        """A new, empty database. Returns its URL."""
        self._made += 1
        name = f"t{self._made}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is connected to it."""
        name = url.partition("@/")[2].partition("?")[0]
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def halt(self) -> None:
        """End the server; its data stay."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=30)

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """Within the block the server neither answers nor closes connections."""
        stopped = [self._process.pid]
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            for path in Path("/proc").glob("[0-9]*/stat"):
                with contextlib.suppress(OSError):
                    if int(path.read_text().rpartition(")")[2].split()[1]) == self._process.pid:
                        os.kill(int(path.parts[2]), signal.SIGSTOP)
                        stopped.append(int(path.parts[2]))
            yield
        finally:
            for pid in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        self.halt()
        shutil.rmtree(self._folder)
