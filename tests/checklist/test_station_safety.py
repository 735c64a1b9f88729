"""Whatever comes down from the cloud, or does not: it raises no current and skips no insulation test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.control.commands import CommandDesk
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.order import (
    ResetConnector,
    SetFleetCap,
    StartCharging,
    StationAction,
    StationCommand,
    StopCharging,
    UnlockConnector,
)
from powerctl.core.record import CommandOutcome, CommandResult
from powerctl.core.session import StopReason
from powerctl.core.units import Current, Power, Voltage
from powerctl.runtime.outbox import CommandEntry
from powerctl.wire.batch import encode_command
from tests.unit.edge.control.rig import CONFIG, NEW_YEAR, ConnectorStory, in_virtual_time

LEFT: Final = ConnectorId(1)
LIMIT_W: Final = 6_000.0
"""What the energy manager grants; the cloud has no say in it."""
ENVELOPE_W: Final = max(0.02 * LIMIT_W, 200.0)
LASTS_S: Final = 40.0
GOOD_S: Final = 15.0
"""For how long a command is good."""
STRANGER: Final = SessionId("00000000-0000-4000-8000-000000000000")
ACTIONS: Final[dict[str, Callable[[SessionId], StationAction]]] = {
    "start": lambda session: StartCharging(session, LEFT),
    "start another": lambda _: StartCharging(STRANGER, LEFT),
    "start elsewhere": lambda session: StartCharging(session, ConnectorId(2)),
    "stop": lambda session: StopCharging(session, LEFT, StopReason.OPERATOR),
    "unlock": lambda _: UnlockConnector(LEFT),
    "reset": lambda _: ResetConnector(LEFT),
    "fleet cap": lambda _: SetFleetCap("d-1", Power(10_000_000.0), None, NEW_YEAR + timedelta(days=1), 0.0, 1_000.0),
}


@dataclass(frozen=True, slots=True)
class Down:
    """A command on its way to the station."""

    action: str
    sent_s: float
    delay_s: float = 0.0
    """Above `GOOD_S` it comes too late. Different delays change the order."""
    copies: int = 1
    """0: it is lost."""
    damage: int | None = None
    """Which bit is turned over."""
    cut: int | None = None
    """How many bytes arrive."""

    def payload(self, number: int, session: SessionId, story: ConnectorStory) -> bytes:
        """What arrives."""
        expires = story.clock.utc() + timedelta(seconds=GOOD_S - self.delay_s)
        whole = bytearray(encode_command(StationCommand(f"c-{number}", expires, ACTIONS[self.action](session))))
        if self.damage is not None:
            place = self.damage % (8 * len(whole))
            whole[place // 8] ^= 1 << place % 8
        return bytes(whole[: self.cut])


DOWNS = st.builds(
    Down,
    st.sampled_from(sorted(ACTIONS)),
    st.floats(0, LASTS_S - 15),
    st.floats(0, 20),
    st.integers(0, 2),
    st.none() | st.integers(0, 10_000),
    st.none() | st.integers(0, 60),
)


class Watched(ConnectorStory):
    """A connector whose power stage is watched."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.results: list[CommandResult] = []
        self._tested_from: float | None = None
        self.untested = 0
        """Orders of current without an insulation test that was held since the output was off."""

    def watch(self) -> None:
        """Look at every order from now on."""
        stage = self.hardware.stage
        command, test = stage.command, stage.test_insulation

        def commanded(voltage: Voltage, current: Current) -> None:
            held_s = -1.0 if self._tested_from is None else self.clock.monotonic() - self._tested_from
            self.untested += current.a > 0 and held_s < CONFIG.test_hold_s
            command(voltage, current)

        def tested(voltage: Voltage) -> None:
            if self._tested_from is None:
                self._tested_from = self.clock.monotonic()
            test(voltage)

        stage.command, stage.test_insulation = commanded, tested  # type: ignore[method-assign]


async def tale(story: Watched, downs: list[Down]) -> None:
    """A vehicle stands here for a while, and the cloud says what it says."""
    async with story:
        story.watch()
        desk = CommandDesk(list, {LEFT: story.connector}, story.results.append, story.clock)
        story.plug()
        await story.passes(0.5)
        session = story.connector.session
        assert session is not None
        story.grants(LIMIT_W, for_s=LASTS_S + 20)
        began, numbers = story.clock.monotonic(), count()
        for down in sorted(downs, key=lambda one: one.sent_s + one.delay_s):
            at = began + down.sent_s + down.delay_s
            await story.passes(max(0.0, at - story.clock.monotonic()))
            number = next(numbers)
            for _ in range(down.copies):
                desk._handle(CommandEntry(f"c-{number}", story.clock.utc(), down.payload(number, session, story)))
        await story.passes(max(0.0, began + LASTS_S - story.clock.monotonic()))
        desk.close()


def told(folder: Path, downs: list[Down]) -> Watched:
    """The tale, in virtual time."""
    story = Watched(folder)
    in_virtual_time(tale(story, downs))
    return story


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DOWNS, max_size=8))
def test_row_29_nothing_from_the_cloud_raises_current_or_skips_the_insulation_test(
    tmp_path_factory: pytest.TempPathFactory, downs: list[Down]
) -> None:
    story = told(tmp_path_factory.mktemp("safety"), downs)
    assert story.untested == 0
    assert story.highest_w <= LIMIT_W + ENVELOPE_W
    if all(down.damage is None and down.action != "start" for down in downs):
        assert story.highest_w == 0.0


def test_row_29_the_same_commands_in_time_do_charge(tmp_path: Path) -> None:
    good = Down("start", 1.0)
    story = told(tmp_path, [good, replace(good, action="fleet cap", sent_s=20.0)])
    assert LIMIT_W / 2 < story.highest_w <= LIMIT_W + ENVELOPE_W
    assert story.untested == 0
    assert [one.outcome for one in story.results] == [CommandOutcome.ACCEPTED, CommandOutcome.REJECTED]


@pytest.mark.parametrize(
    "down",
    [
        Down("start", 1.0, delay_s=GOOD_S),
        Down("start", 1.0, copies=0),
        Down("start", 1.0, cut=5),
        Down("start another", 1.0),
        Down("start elsewhere", 1.0),
    ],
)
def test_row_29_late_lost_cut_and_foreign_starts_start_nothing(tmp_path: Path, down: Down) -> None:
    story = told(tmp_path, [down])
    assert story.highest_w == 0.0
    assert all(one.outcome is not CommandOutcome.ACCEPTED for one in story.results)


def test_row_29_what_skips_the_insulation_test_is_seen(tmp_path: Path) -> None:
    story = Watched(tmp_path)

    async def skips() -> None:
        async with story:
            story.watch()
            story.hardware.stage.command(Voltage(400.0), Current(1.0))
            await asyncio.sleep(0)

    in_virtual_time(skips())
    assert story.untested == 1
