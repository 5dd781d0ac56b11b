"""``python -m tests.soak``: the long soak, on both databases, with what is needed to repeat it when it fails."""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.soak.soak import QUOTAS, Soak, database_of
from tests.support.linux import clean, unmet
from tests.support.postgresql import PostgresqlServer, binaries
from tests.support.service import Service

_DATABASES = ("sqlite", "postgresql")
_MINUTES = 20.0
#: Of a database's time, what is left for the reckoning when not all steps could be taken.
_RECKONING = 0.25


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 when everything held."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--steps", type=int, default=300, help="steps on each database (%(default)s)")
    parser.add_argument("--seed", type=int, help="repeat the soak of this seed; by default a new one")
    parser.add_argument("--database", choices=_DATABASES, action="append", help="on this database only")
    parser.add_argument("--minutes", type=float, default=_MINUTES, help="bound of all together (%(default)s)")
    parsed = parser.parse_args(arguments)
    if unmet():
        print(f"the soak cannot run here: {unmet()}", file=sys.stderr)
        return 2
    # the service has a session of its own: it is ended and cleaned up after also when this is told to end
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    seed = random.SystemRandom().randrange(1_000_000) if parsed.seed is None else parsed.seed
    databases = parsed.database or _DATABASES
    share = parsed.minutes * 60 / len(databases)
    failed = False
    for database in databases:
        failed |= not _one(database, seed, parsed.steps, share)
    return 1 if failed else 0


def _one(database: str, seed: int, steps: int, seconds: float) -> bool:
    """One soak, for so many seconds at the most and a reckoning. Whether everything held."""
    folder = Path(tempfile.mkdtemp(prefix="gw-soak-", dir="/var/tmp"))
    folder.chmod(0o755)  # the API may run as a user of its own
    print(f"{database}: seed {seed}, {steps} steps, at most {seconds:.0f} s", flush=True)
    until = time.monotonic() + seconds * (1 - _RECKONING)
    with _url(database) as url:
        service = Service(folder / "data", plane="linux", database=url, environment=QUOTAS)
        soak = None
        try:
            with service:
                soak = Soak(
                    service, url or database_of(service), seed, lambda line: print(f"  {line}", flush=True), until=until
                )
                print(f"{database}: held: {soak.run(steps)}", flush=True)
        except Exception:
            traceback.print_exc()
            print(f"{database}: FAILED with seed {seed}; the walks were at:\n{soak.where() if soak else '-'}")
            print(f"the service printed, at last:\n{service.printed()[-6000:]}\nall of it: {service.output}")
            print(f"repeat it: python -m tests.soak --seed {seed} --steps {steps} --database {database}", flush=True)
            return False
        finally:
            if service.started:
                clean(service.installation)
    shutil.rmtree(folder)
    return True


@contextlib.contextmanager
def _url(database: str) -> Iterator[str | None]:
    if database == "sqlite":
        yield None
        return
    programs = binaries()
    if programs is None:
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
    server = PostgresqlServer(programs)
    try:
        yield server.create()
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
