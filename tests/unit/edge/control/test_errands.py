"""Commands that the energy manager carries out wait for it, and not for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from edge.control.errands import MOST, Errands
from powerctl.core.order import DropReservation, StationCommand
from powerctl.core.record import CommandOutcome, CommandResult

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def command(name: str) -> StationCommand:
    return StationCommand(name, NOON, DropReservation("r"))


async def test_each_is_said_once_per_stream_and_answered_once() -> None:
    errands = Errands()
    done = errands.add(command("a"))
    assert [one.command_id for one in errands.unsaid()] == ["a"]
    assert errands.unsaid() == []
    errands.begin_again()
    assert len(errands.unsaid()) == 1
    result = CommandResult("a", CommandOutcome.ACCEPTED, "")
    errands.done(result)
    errands.done(result)
    assert await done == result


async def test_what_nobody_answers_expires() -> None:
    errands = Errands()
    done = errands.add(command("a"))
    errands.expire(NOON - timedelta(seconds=1))
    assert not done.done()
    errands.expire(NOON)
    assert (await done).outcome is CommandOutcome.EXPIRED


async def test_too_many_are_refused_at_once() -> None:
    errands = Errands()
    waiting = [errands.add(command(str(number))) for number in range(MOST + 1)]
    assert (await waiting[-1]).outcome is CommandOutcome.REJECTED
    assert not waiting[0].done()
