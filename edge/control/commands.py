"""Commands from the cloud: taken from the mailbox, carried out at most once and in time, and answered."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final, NoReturn, Protocol

from powerctl.core.clock import Clock
from powerctl.core.errors import RemoteError
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.order import (
    ChargingAction,
    ResetConnector,
    StartCharging,
    StationAction,
    StationCommand,
    StopCharging,
    UnlockConnector,
)
from powerctl.core.record import CommandOutcome, CommandResult
from powerctl.core.session import StopReason
from powerctl.runtime import log, metrics
from powerctl.runtime.outbox import CommandEntry, OutboxFull
from powerctl.wire.batch import decode_command

EVERY_S: Final = 0.2
LATE: Final = "The command came too late."
DOUBTFUL: Final = " The station's clock is not synchronised: it may be wrong."
STOPPED: Final = {
    StopReason.DRIVER: "The driver stopped it.",
    StopReason.OPERATOR: "The operator stopped it.",
}

_log = log.get(__name__)


class Chargeable(Protocol):
    """A connector that can be told to start and stop."""

    @property
    def session(self) -> SessionId | None:
        """The session that is plugged in."""
        ...

    def start(self, command_id: str) -> str | None:
        """Begin; a sentence when not."""
        ...

    def stop(self, reason: StopReason, detail: str) -> str | None:
        """End; a sentence when not."""
        ...

    def unlock(self) -> str | None:
        """Open the lock; a sentence when not."""
        ...

    def reset(self) -> str | None:
        """Let go of latched faults; a sentence when not."""
        ...


Elsewhere = Callable[[StationCommand], "asyncio.Future[CommandResult]"]
"""Has somebody else carry a command out; the result comes when it is known."""


def obey(
    command: StationCommand,
    connectors: Mapping[ConnectorId, Chargeable],
    now: datetime,
    *,
    clock_is_good: bool = True,
) -> CommandResult:
    """Carry out `command`, unless it is late by our clock, however good that is, or does not fit what is plugged in."""
    if now >= command.expire_time:
        detail = LATE if clock_is_good else LATE + DOUBTFUL
        return CommandResult(command.command_id, CommandOutcome.EXPIRED, detail)
    refusal = _carry_out(command, connectors)
    outcome = CommandOutcome.ACCEPTED if refusal is None else CommandOutcome.REJECTED
    return CommandResult(command.command_id, outcome, refusal or "")


def _carry_out(command: StationCommand, connectors: Mapping[ConnectorId, Chargeable]) -> str | None:
    action = command.action
    if not isinstance(action, StartCharging | StopCharging | UnlockConnector | ResetConnector):
        return "This station does not do that."
    connector = connectors.get(action.connector)
    if connector is None:
        return f"The station has no connector {action.connector}."
    match action:
        case UnlockConnector():
            return connector.unlock()
        case ResetConnector():
            return connector.reset()
        case _:
            return _charge(command.command_id, action, connector)


def _charge(command_id: str, action: ChargingAction, connector: Chargeable) -> str | None:
    if connector.session is None:
        return "Nothing is plugged in."
    if connector.session != action.session:
        return "Another vehicle is plugged in by now."
    match action:
        case StartCharging():
            return connector.start(command_id)
        case StopCharging(reason=reason):
            return connector.stop(reason, STOPPED.get(reason, ""))


class CommandDesk:
    """Looks into the mailbox ten times a second, in a thread of its own.

    Args:
        take: The commands that were not handed out before; called in the thread.
        answer: What became of a command.
        elsewhere: Who carries out what is not about a connector, by the kind of action.
        clock_is_good: Whether our clock is synchronised.
    """

    def __init__(
        self,
        take: Callable[[], list[CommandEntry]],
        connectors: Mapping[ConnectorId, Chargeable],
        answer: Callable[[CommandResult], object],
        clock: Clock,
        elsewhere: Mapping[type[StationAction], Elsewhere] | None = None,
        *,
        clock_is_good: Callable[[], bool] = lambda: True,
    ) -> None:
        self._clock_is_good = clock_is_good
        self._elsewhere = elsewhere or {}
        self._take = take
        self._connectors = connectors
        self._answer = answer
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commands")

    async def run(self) -> NoReturn:
        """Work until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                entries = await loop.run_in_executor(self._thread, self._take)
            except (OutboxFull, sqlite3.Error) as error:
                _log.error("commands_cannot_be_taken", reason=str(error))
                entries = []
                await asyncio.sleep(1.0)
            for entry in entries:
                self._handle(entry)
            await asyncio.sleep(EVERY_S)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=True)

    def _handle(self, entry: CommandEntry) -> None:
        try:
            command = decode_command(entry.payload)
        except RemoteError as error:
            detail = f"The station does not understand: {error}"
            self._tell(CommandResult(entry.command_id, CommandOutcome.REJECTED, detail))
            return
        now, other = self._clock.utc(), self._elsewhere.get(type(command.action))
        if other is None or now >= command.expire_time:
            self._tell(obey(command, self._connectors, now, clock_is_good=self._clock_is_good()))
        else:
            other(command).add_done_callback(self._known)

    def _known(self, done: asyncio.Future[CommandResult]) -> None:
        if not done.cancelled():
            self._tell(done.result())

    def _tell(self, result: CommandResult) -> None:
        metrics.counter("edge_commands_total").labels(result.outcome).inc()
        _log.info("command_answered", command=result.command_id, outcome=result.outcome, detail=result.detail)
        self._answer(result)
