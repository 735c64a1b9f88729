"""Commands of the cloud that the energy manager carries out: kept until it has answered, or their time is over."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from powerctl.core.order import StationCommand
from powerctl.core.record import CommandOutcome, CommandResult

MOST: Final = 64
"""Commands that may wait for the manager."""
TOO_MANY: Final = "Too many commands wait for the energy manager."
UNANSWERED: Final = "The energy manager did not answer in time."


class Errands:
    """What waits for the manager. A command that is said twice does no harm: each replaces what it was before."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[StationCommand, asyncio.Future[CommandResult]]] = {}
        self._said: set[str] = set()

    def add(self, command: StationCommand) -> asyncio.Future[CommandResult]:
        """Keep a command; the result comes when it is known."""
        done: asyncio.Future[CommandResult] = asyncio.get_running_loop().create_future()
        if len(self._waiting) >= MOST:
            done.set_result(CommandResult(command.command_id, CommandOutcome.REJECTED, TOO_MANY))
        else:
            self._waiting[command.command_id] = command, done
        return done

    def begin_again(self) -> None:
        """A new stream: everything that waits is to be said on it."""
        self._said.clear()

    def unsaid(self) -> list[StationCommand]:
        """What is to be said now; each is handed out once per stream."""
        fresh = [command for name, (command, _) in self._waiting.items() if name not in self._said]
        self._said.update(command.command_id for command in fresh)
        return fresh

    def done(self, result: CommandResult) -> None:
        """The manager has answered."""
        self._finish(result)

    def expire(self, utc: datetime) -> None:
        """Answer what nobody has carried out in time."""
        late = [name for name, (command, _) in self._waiting.items() if command.expire_time <= utc]
        for name in late:
            self._finish(CommandResult(name, CommandOutcome.EXPIRED, UNANSWERED))

    def _finish(self, result: CommandResult) -> None:
        self._said.discard(result.command_id)
        _, done = self._waiting.pop(result.command_id, (None, None))
        if done is not None and not done.done():
            done.set_result(result)
