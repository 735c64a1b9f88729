"""A command is carried out in time and where it belongs, or refused with a sentence."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from edge.control.commands import CommandDesk, obey
from powerctl.core.clock import ManualClock
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.order import StartCharging, StationCommand, StopCharging
from powerctl.core.record import CommandOutcome, CommandResult
from powerctl.core.session import StopReason
from powerctl.runtime.outbox import CommandEntry, OutboxFull
from powerctl.wire.batch import encode_command
from tests.unit.edge.can.waiting import until

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LEFT = ConnectorId(1)
PLUGGED = SessionId("11111111-2222-4333-8444-555555555555")
OTHER = SessionId("99999999-2222-4333-8444-555555555555")


class Connector:
    """A connector that does as it is told, or says why not."""

    def __init__(self, session: SessionId | None = PLUGGED, refusal: str | None = None) -> None:
        self.session = session
        self.refusal = refusal
        self.done: list[str] = []

    def start(self, command_id: str) -> str | None:
        self.done.append(f"start {command_id}")
        return self.refusal

    def stop(self, reason: StopReason, detail: str) -> str | None:
        self.done.append(f"stop {reason} {detail}")
        return self.refusal

    def unlock(self) -> str | None:
        self.done.append("unlock")
        return self.refusal

    def reset(self) -> str | None:
        self.done.append("reset")
        return self.refusal


def start(session: SessionId = PLUGGED, connector: int = 1) -> StationCommand:
    return StationCommand("c-1", NOON, StartCharging(session, ConnectorId(connector)))


IN_TIME = NOON - timedelta(seconds=1)


def test_a_command_in_time_is_carried_out() -> None:
    connector = Connector()
    assert obey(start(), {LEFT: connector}, IN_TIME) == CommandResult("c-1", CommandOutcome.ACCEPTED, "")
    assert connector.done == ["start c-1"]


def test_a_stop_names_who_wanted_it() -> None:
    connector = Connector()
    obey(StationCommand("c-2", NOON, StopCharging(PLUGGED, LEFT, StopReason.DRIVER)), {LEFT: connector}, IN_TIME)
    assert connector.done == ["stop driver The driver stopped it."]


def test_a_late_command_does_nothing() -> None:
    connector = Connector()
    assert obey(start(), {LEFT: connector}, NOON).outcome is CommandOutcome.EXPIRED
    assert connector.done == []


def test_a_late_command_says_when_our_clock_may_be_wrong() -> None:
    assert "not synchronised" in obey(start(), {LEFT: Connector()}, NOON, clock_is_good=False).detail
    assert "not synchronised" not in obey(start(), {LEFT: Connector()}, NOON).detail


@pytest.mark.parametrize(
    ("command", "connector", "sentence"),
    [
        (start(connector=3), Connector(), "no connector 3"),
        (start(), Connector(session=None), "Nothing is plugged in"),
        (start(session=OTHER), Connector(), "Another vehicle"),
        (start(), Connector(refusal="The vehicle is charging already."), "charging already"),
    ],
)
def test_what_does_not_fit_is_rejected_with_a_sentence(
    command: StationCommand, connector: Connector, sentence: str
) -> None:
    result = obey(command, {LEFT: connector}, IN_TIME)
    assert result.outcome is CommandOutcome.REJECTED
    assert sentence in result.detail


async def answers(entries: list[list[CommandEntry] | OutboxFull], connector: Connector) -> list[CommandResult]:
    """What the desk answers to mailboxes with these contents, one after the other."""
    found: list[CommandResult] = []
    clock = ManualClock(utc=IN_TIME)

    def take() -> list[CommandEntry]:
        present = entries.pop(0) if entries else []
        if isinstance(present, OutboxFull):
            raise present
        return present

    desk = CommandDesk(take, {LEFT: connector}, found.append, clock)
    task = asyncio.create_task(desk.run())
    await until(lambda: not entries)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    desk.close()
    return found


async def test_commands_come_from_the_mailbox() -> None:
    connector = Connector()
    entry = CommandEntry("c-1", NOON, encode_command(start()))
    found = await answers([[entry], []], connector)
    assert [result.outcome for result in found] == [CommandOutcome.ACCEPTED]


async def test_what_cannot_be_read_is_rejected_by_its_id() -> None:
    found = await answers([[CommandEntry("c-9", NOON, b"\xff\xff")], []], Connector())
    assert [(result.command_id, result.outcome) for result in found] == [("c-9", CommandOutcome.REJECTED)]
