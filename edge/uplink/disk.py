"""The outbox file, off the event loop: one thread, which alone uses the file's connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from powerctl.core.order import StationCommand
from powerctl.core.record import Lane, Record, lane_of
from powerctl.runtime.outbox import CommandBox, Entry, Outbox
from powerctl.wire.batch import encode_command, encode_record

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for the cloud."""

    depth: dict[Lane, int]
    oldest: datetime | None


class Disk:
    """Outbox and command box of the station.

    Raises:
        ConfigError: The file cannot be opened or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._outbox = Outbox(path)
        self._commands = CommandBox(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self.epoch = self._outbox.epoch

    async def _do(self, action: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, action)

    async def changed(self) -> bool:
        """True when the controller has written since the last call, and on the first."""
        return await self._do(self._outbox.changed)

    async def pending(self, limit: int, exclude: Container[int]) -> list[Entry]:
        """Up to `limit` records that wait, by lane, then by sequence."""
        return await self._do(lambda: self._outbox.pending(limit=limit, exclude=exclude))

    async def delete(self, ranges: Iterable[tuple[int, int]]) -> int:
        """Remove what the cloud has committed."""
        return await self._do(lambda: self._outbox.delete(self.epoch, ranges))

    async def put(self, command: StationCommand) -> bool:
        """Store a command for the controller. False: it is known already.

        Raises:
            OutboxFull: It was not stored.
        """
        payload = encode_command(command)
        return await self._do(lambda: self._commands.put(command.command_id, command.expire_time, payload))

    async def append(self, record: Record) -> None:
        """Add a record of our own. Raises OutboxFull."""
        lane, payload = lane_of(record.body), encode_record(record)
        await self._do(lambda: self._outbox.append(lane, payload))

    async def backlog(self) -> Backlog:
        """What waits."""
        return await self._do(lambda: Backlog(self._outbox.depth(), self._outbox.oldest()))

    def close(self) -> None:
        """Let the thread finish, and close the file."""
        self._thread.shutdown(wait=True)
        self._outbox.close()
        self._commands.close()
