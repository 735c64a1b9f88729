"""The power stage of one connector that is made of modules: orders go out at once and are repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from edge.can.frame import Frame
from edge.hardware.modules import bank as banks
from edge.hardware.modules.bank import Bank, Module
from edge.hardware.modules.family import OFF, Family, ModuleNews, ModuleOrder
from edge.hardware.ports import NO_OUTPUT, Output, OutputRelay, StageCapability
from powerctl.core.clock import Clock, Monotonic, after
from powerctl.core.ids import ConnectorId
from powerctl.core.units import Current, Voltage
from powerctl.runtime import log

RETIRE_S: Final = 5.0
"""For the vehicle to follow before a module is taken away; every slope that is learnt needs less."""
SHARED: Final = "The other vehicle has its share of the power modules."
REFRESH_S: Final = 1.0
"""An unchanged order is repeated; modules switch themselves off after 10 s, and 2 s is promised."""
RANGE_REST_S: Final = 2.0
"""A module must be off for so long before its range changes, and again after it (public driver)."""
SMALLEST_STEP_A: Final = 0.05

_log = log.get(__name__)
Send = Callable[[Iterable[Frame]], None]


class Mode(Enum):
    """What the core wants."""

    OFF = auto()
    TEST = auto()
    CHARGE = auto()


class ModuleStage:
    """A `PowerStage` of modules.

    Args:
        send: Puts frames on the modules' bus; never blocks.
        relay: Connects the modules to the cable, and discharges it.
        cable: The voltage on the cable where somebody measures it; None: unknown now.
    """

    def __init__(
        self,
        connector: ConnectorId,
        family: Family,
        bank: Bank,
        clock: Clock,
        send: Send,
        relay: OutputRelay,
        cable: Callable[[], Voltage | None] = lambda: None,
    ) -> None:
        self.bank = bank
        self._retiring: frozenset[int] = frozenset()
        self._retire_by = clock.monotonic()
        self._family = family
        self._clock = clock
        self._send = send
        self._relay = relay
        self._cable = cable
        self._mode = Mode.OFF
        self._order = NO_OUTPUT
        self._sent: dict[int, tuple[ModuleOrder, Monotonic]] = {}
        self._high_range: bool | None = None if family.split_v else False
        self._range_at = clock.monotonic()
        self._log = _log.bind(connector=connector)
        self._flowing = (bank, clock.monotonic(), NO_OUTPUT)

    # The port.

    def command(self, voltage: Voltage, current: Current) -> None:
        """Energise."""
        self._mode, self._order = Mode.CHARGE, Output(voltage, current)
        self._relay.connect(True)
        self.push()

    def test_insulation(self, voltage: Voltage) -> None:
        """Raise the cable at no current."""
        self._mode, self._order = Mode.TEST, Output(voltage, Current(0.0))
        self._relay.connect(True)
        self.push()

    def off(self, *, urgent: bool) -> None:
        """Every module off, then the output relay open; `urgent` does not wait until the current is gone."""
        was_on = self._mode is not Mode.OFF
        self._mode, self._order = Mode.OFF, NO_OUTPUT
        if was_on or urgent:
            self._range_at = self._clock.monotonic()
            self.push()
        if urgent:
            self._relay.connect(False)

    def measure(self) -> Output:
        """What flows; the voltage of the cable where it is measured, otherwise that of the modules."""
        output = self._output()
        cable = self._cable()
        return output if cable is None else Output(cable, output.current)

    def _output(self) -> Output:
        """What the modules give together; added up again when one has spoken, or may have gone missing."""
        bank, until, output = self._flowing
        now = self._clock.monotonic()
        if bank is not self.bank or now >= until:
            output = banks.output(self.bank, now)
            self._flowing = (self.bank, banks.known_until(self.bank, now), output)
        return output

    # What it can do.

    @property
    def is_measured(self) -> bool:
        """False while no module answers."""
        return banks.is_heard(self.bank, self._clock.monotonic())

    @property
    def is_live(self) -> bool:
        """True while it is energised, or current flows."""
        return self._mode is not Mode.OFF or self.measure().current.a > banks.NO_CURRENT_A

    def capability(self) -> StageCapability:
        """What it can do now; modules that are to leave are given up within `RETIRE_S`."""
        now = self._clock.monotonic()
        if not self._retiring:
            return banks.capability(self.bank, now)
        staying = banks.capability(self._staying(), now)
        return replace(staying, detail=SHARED, settle_s=max(0.0, self._retire_by - now))

    def retire(self, addresses: frozenset[int]) -> None:
        """These modules, and only these, are to leave: the vehicle is told first, then they come to zero current."""
        if addresses != self._retiring:
            self._retiring = addresses
            self._retire_by = after(self._clock.monotonic(), RETIRE_S)

    # What the cabinet does with it.

    def heard(self, address: int, news: ModuleNews) -> None:
        """A module has answered."""
        now = self._clock.monotonic()
        before = self.bank.modules[address]
        module = banks.heard(before, news, now)
        self.bank = banks.with_module(self.bank, module)
        if module.is_usable(now) != before.is_usable(now):
            troubles = sorted(module.troubles)
            self._log.info("module_changed", module=address, usable=module.is_usable(now), troubles=troubles)
            self.push()

    def gain(self, module: Module) -> None:
        """A module was connected; it is told to be off until it has a share."""
        self.bank = banks.with_module(self.bank, module)
        self._sent.pop(module.address, None)
        self._high_range = None if self._family.split_v else False

    def lose(self, address: int) -> Module:
        """A module is being disconnected."""
        module = self.bank.modules[address]
        self.bank = banks.without_module(self.bank, address)
        self._sent.pop(address, None)
        return module

    def push(self) -> None:
        """Send what has changed and what is due; lower orders first."""
        now = self._clock.monotonic()
        orders = self._orders(now)
        due = [address for address, order in orders.items() if self._is_due(address, order, now)]
        due.sort(key=lambda address: (orders[address].is_on, orders[address].current_a))
        for address in due:
            self._sent[address] = (orders[address], now)
            self._send(self._family.orders(address, orders[address]))
        if self._mode is Mode.OFF and self.measure().current.a <= banks.NO_CURRENT_A:
            self._relay.connect(False)

    def idle_modules(self) -> list[int]:
        """Modules that were told to be off and carry no current."""
        return [
            address
            for address, module in self.bank.modules.items()
            if self._sent.get(address, (OFF, 0.0))[0] == OFF and module.current_a <= banks.NO_CURRENT_A
        ]

    def _orders(self, now: Monotonic) -> dict[int, ModuleOrder]:
        if self._mode is Mode.OFF or not self._is_in_range(now):
            return banks.all_off(self.bank)
        working = self._working(now)
        if self._mode is Mode.TEST:
            orders = banks.testing(working, self._order.voltage, now)
        else:
            orders = banks.shares(working, self._order.voltage, self._allowed(working), now)
        return {**banks.all_off(self.bank), **orders}

    def _staying(self) -> Bank:
        staying = self.bank
        for address in self._retiring:
            staying = banks.without_module(staying, address)
        return staying

    def _working(self, now: Monotonic) -> Bank:
        """The modules that share the order: retiring ones only while the others cannot carry it."""
        if not self._retiring or now >= self._retire_by:
            return self._staying()
        carried = banks.ability(self._staying(), now)
        return self._staying() if self._order.current <= carried else self.bank

    def _allowed(self, working: Bank) -> Current:
        """The ordered current without what modules that were told to leave still give."""
        leaving = [module for address, module in self.bank.modules.items() if address not in working.modules]
        return Current(max(0.0, self._order.current.a - sum(module.current_a for module in leaving)))

    def _is_due(self, address: int, order: ModuleOrder, now: Monotonic) -> bool:
        sent = self._sent.get(address)
        if sent is None or now - sent[1] >= REFRESH_S or sent[0].is_on is not order.is_on:
            return True
        moved_a = abs(order.current_a - sent[0].current_a)
        return moved_a >= SMALLEST_STEP_A or order.voltage_v != sent[0].voltage_v

    def _is_in_range(self, now: Monotonic) -> bool:
        """True when the modules are in the range of the ordered voltage; changes it, which takes twice its rest."""
        split_v = self._family.split_v
        if split_v is None:
            return True
        high = self._order.voltage.v > split_v
        if self._high_range is high:
            return now - self._range_at >= RANGE_REST_S
        if self._high_range is not None and now - self._range_at < RANGE_REST_S:
            return False
        if any(module.current_a > banks.NO_CURRENT_A for module in self.bank.modules.values()):
            self._range_at = now
            return False
        for address in self.bank.modules:
            self._send((*self._family.orders(address, OFF), *self._family.ranged(address, high=high)))
        self._high_range, self._range_at = high, now
        return False
