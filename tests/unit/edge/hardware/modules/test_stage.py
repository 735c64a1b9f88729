"""One connector's modules over a bus, the same stories for every family."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from edge.hardware.modules.family import Family
from edge.hardware.modules.infypower import InfypowerReg
from edge.hardware.modules.simulated import ModuleFault
from edge.hardware.modules.stage import REFRESH_S
from edge.hardware.modules.uugreen import UuGreenPower
from powerctl.core.units import Current, Power, Voltage
from tests.unit.edge.control.rig import in_virtual_time
from tests.unit.edge.hardware.modules.story import BATTERY, LEFT, CabinetStory

FAMILIES = [pytest.param(InfypowerReg(), id="infypower"), pytest.param(UuGreenPower(), id="uugreen")]
pytestmark = pytest.mark.parametrize("family", FAMILIES)
Tell = Callable[[CabinetStory], Awaitable[None]]


def tell(family: Family, story: Tell) -> None:
    async def told() -> None:
        async with CabinetStory(family) as world:
            await world.passes(1.0)
            await story(world)

    in_virtual_time(told())


async def charging(world: CabinetStory, current_a: float = 40.0) -> None:
    """At `current_a` into a battery of 380 V."""
    world.left.command(Voltage(410.0), Current(current_a))
    await world.passes(6.0)
    world.loads[LEFT] = BATTERY
    await world.passes(2.0)


def test_modules_share_the_current_equally(family: Family) -> None:
    async def story(world: CabinetStory) -> None:
        await charging(world)
        assert world.left.measure().current.a == pytest.approx(40.0, abs=0.1)
        assert world.left.measure().voltage.v == pytest.approx(380.0, abs=0.1)
        assert [m.current_a for m in world.left_modules.modules.values()] == pytest.approx([20.0, 20.0], abs=0.1)
        assert world.relays[LEFT].is_closed

    tell(family, story)


def test_an_order_is_on_the_bus_before_command_returns(family: Family) -> None:
    async def story(world: CabinetStory) -> None:
        await charging(world)
        before = len(world.bus.log)
        world.left.command(Voltage(410.0), Current(10.0))
        asks = [ask for frame in world.sent(before) if (ask := family.asked(frame)) is not None]
        assert {ask.address for ask in asks if ask.current_a == 5.0} == {1, 2}

    tell(family, story)


def test_an_order_is_repeated_in_time(family: Family) -> None:
    async def story(world: CabinetStory) -> None:
        await charging(world)
        before = len(world.bus.log)
        await world.passes(2.0)
        asks = [ask for frame in world.sent(before) if (ask := family.asked(frame)) is not None]
        assert sum(ask.address == 1 and ask.current_a == 20.0 for ask in asks) >= 1
        assert REFRESH_S <= 2.0
        await world.passes(20.0)
        assert world.left.measure().current.a == pytest.approx(40.0, abs=0.1)

    tell(family, story)


@pytest.mark.parametrize("fault", [ModuleFault.DEAD, ModuleFault.HOT, ModuleFault.BROKEN])
def test_a_lost_module_leaves_what_the_other_can_give(family: Family, fault: ModuleFault) -> None:
    async def story(world: CabinetStory) -> None:
        await charging(world)
        world.breaks(2, fault)
        await world.passes(2.5)
        present = world.left.capability()
        assert present.max_power == Power(11_000.0)
        assert "1 of 2 power modules work: module 2" in present.detail
        world.left.command(Voltage(410.0), Current(25.0))
        await world.passes(15.0)
        if family.self_off_s is not None or fault is not ModuleFault.DEAD:
            assert world.left_modules.modules[1].current_a == pytest.approx(25.0, abs=0.1)
        world.breaks(2, None)
        await world.passes(2.5)
        assert world.left.capability().detail == ""
        assert world.left_modules.current_a == pytest.approx(25.0, abs=0.2)

    tell(family, story)


def test_a_silent_module_that_still_delivers_is_never_added_to(family: Family) -> None:
    async def story(world: CabinetStory) -> None:
        await charging(world)
        world.breaks(2, ModuleFault.SILENT)
        highest_a = 0.0
        for _ in range(90):
            await world.passes(0.1)
            highest_a = max(highest_a, world.left_modules.current_a)
        assert highest_a <= 40.5

    tell(family, story)


def test_a_weak_module_is_relieved_by_the_other(family: Family) -> None:
    async def story(world: CabinetStory) -> None:
        await charging(world)
        world.breaks(2, ModuleFault.WEAK)
        await world.passes(3.0)
        assert world.left.capability().max_current == Current(45.0)
        assert "protects itself" in world.left.capability().detail
        assert world.left_modules.current_a == pytest.approx(40.0, abs=0.2)
        assert world.left_modules.modules[1].current_a == pytest.approx(25.0, abs=0.1)

    tell(family, story)


def test_answers_that_cannot_be_decoded_are_no_answers(family: Family) -> None:
    async def story(world: CabinetStory) -> None:
        world.breaks(1, ModuleFault.GARBLED)
        world.breaks(2, ModuleFault.GARBLED)
        await world.passes(2.0)
        assert not world.left.is_measured
        assert world.left.capability().max_power == Power(0.0)

    tell(family, story)


def test_the_insulation_test_raises_the_cable_at_no_current(family: Family) -> None:
    async def story(world: CabinetStory) -> None:
        world.left.test_insulation(Voltage(500.0))
        await world.passes(6.0)
        assert world.left.measure().voltage.v == pytest.approx(500.0, abs=1.0)
        assert [module.is_on for module in world.left_modules.modules.values()] == [True, False]
        world.left.off(urgent=False)
        await world.passes(2.0)
        assert world.left.measure().voltage.v < 10.0
        assert not world.relays[LEFT].is_closed

    tell(family, story)


def test_an_urgent_off_opens_the_relay_without_waiting(family: Family) -> None:
    async def story(world: CabinetStory) -> None:
        await charging(world)
        before = len(world.bus.log)
        world.left.off(urgent=True)
        asks = [ask for frame in world.sent(before) if (ask := family.asked(frame)) is not None]
        assert {ask.address for ask in asks if ask.is_on is False} == {1, 2}
        assert not world.relays[LEFT].is_closed
        await world.passes(0.5)
        assert world.left_modules.current_a == 0.0

    tell(family, story)


def test_closing_the_cabinet_switches_every_module_off(family: Family) -> None:
    async def story(world: CabinetStory) -> None:
        await charging(world)
        world.cabinet.close()
        await world.passes(0.01)
        assert not any(module.is_on for module in world.left_modules.modules.values())

    tell(family, story)
