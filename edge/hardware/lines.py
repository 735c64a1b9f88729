"""Wires by name: what switches and senses pilot circuits, relays, buttons and lights, whatever carries them.

A name is `CONNECTOR.ROLE` (`1.d1`), `station.ROLE`, or `module.ADDRESS.CONNECTOR` for a contactor of the switching
matrix. `gpio.py` carries them over the kernel's character device, `MemoryLines` carries them in this process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from edge.hardware.ports import Lines
from powerctl.core.errors import ConfigError
from powerctl.core.ids import ConnectorId

INPUTS: Final = frozenset({"k", "prox", "lock_feedback", "pe", "start", "stop", "emergency", "door"})
OUTPUTS: Final = frozenset({"d1", "d2", "lock", "relay", "discharge", "green", "blue", "red"})
NEEDED: Final = ("d1", "d2", "lock", "k", "prox")
"""Without these there is no pilot circuit."""
_NAME: Final = re.compile(r"(?:\d{1,2}\.([a-z0-9_]+)|station\.(emergency|door)|module\.\d{1,2}\.\d{1,2})")


class Wires(Protocol):
    """Named lines. An input that changes calls back at once."""

    def has(self, name: str) -> bool:
        """True when there is such a line."""
        ...

    def switch(self, name: str, on: bool) -> None:
        """Drive an output; nothing happens where there is no such line."""
        ...

    def sense(self, name: str, *, absent: bool = False) -> bool:
        """An input, or the last order of an output; `absent` where there is no such line."""
        ...

    @property
    def is_alive(self) -> bool:
        """False: the lines cannot be read any more; no input says anything."""
        ...


def is_input(name: str) -> bool:
    """True for lines that are sensed. The rest is driven."""
    return name.rpartition(".")[2] in INPUTS


def check_names(where: str, names: Collection[str], connectors: Collection[int]) -> None:
    """Refuse names that mean nothing, and pilot circuits that are not whole.

    Raises:
        ConfigError: There is one.
    """
    for name in names:
        match = _NAME.fullmatch(name)
        if match is None or match[1] == "door" or (match[1] is not None and match[1] not in INPUTS | OUTPUTS):
            known = ", ".join(sorted((INPUTS | OUTPUTS) - {"door"}))
            raise ConfigError(f"{where}.{name}", "is no line.", f"Write CONNECTOR.ROLE with one of {known}.")
    for connector in connectors:
        for role in NEEDED:
            if f"{connector}.{role}" not in names:
                raise ConfigError(f"{where}.{connector}.{role}", "is missing.", "Every pilot circuit needs it.")


class MemoryLines:
    """Wires in this process: for tests, and for a bench without a GPIO chip.

    Args:
        names: The lines that there are.
        on_change: Called when an input changed.
    """

    def __init__(self, names: Collection[str], on_change: Callable[[str], None] = lambda _: None) -> None:
        self.is_alive = True
        self.history: list[tuple[str, bool]] = []
        """Every order to an output that changed it, oldest first."""
        self._levels = dict.fromkeys(names, False)
        self._on_change = on_change

    def has(self, name: str) -> bool:
        """True when there is such a line."""
        return name in self._levels

    def switch(self, name: str, on: bool) -> None:
        """Drive an output."""
        if name in self._levels and self._levels[name] is not on:
            self._levels[name] = on
            self.history.append((name, on))

    def sense(self, name: str, *, absent: bool = False) -> bool:
        """The level of a line."""
        return self._levels.get(name, absent)

    def show(self, **levels: bool) -> None:
        """Let inputs change, as the world outside would; `k_1` is the line `1.k`."""
        for key, on in levels.items():
            role, _, connector = key.rpartition("_")
            name = f"{connector}.{role}"
            if self._levels[name] is not on:
                self._levels[name] = on
                self._on_change(name)


class WiredPilotLines:
    """The pilot circuit of one connector on named lines. Without a line for it, the lock answers for itself."""

    def __init__(self, wires: Wires, connector: ConnectorId) -> None:
        self._wires = wires
        self._prefix = f"{connector}."

    def switch_d1(self, on: bool) -> None:
        """Charge sequence signal 1."""
        self._wires.switch(f"{self._prefix}d1", on)

    def switch_d2(self, on: bool) -> None:
        """Charge sequence signal 2."""
        self._wires.switch(f"{self._prefix}d2", on)

    def lock(self, on: bool) -> None:
        """Hold the plug."""
        self._wires.switch(f"{self._prefix}lock", on)

    def read(self) -> Lines:
        """The inputs now. Lines that cannot be read are an unplugged vehicle without earth."""
        if not self._wires.is_alive:
            return Lines(k=False, prox=False, lock_feedback=False, pe=False)
        locked = self._wires.sense(f"{self._prefix}lock")
        return Lines(
            k=self._wires.sense(f"{self._prefix}k"),
            prox=self._wires.sense(f"{self._prefix}prox"),
            lock_feedback=self._wires.sense(f"{self._prefix}lock_feedback", absent=locked),
            pe=self._wires.sense(f"{self._prefix}pe", absent=True),
        )


class WiredRelay:
    """The output relay and the discharge circuit of one connector, never both closed."""

    def __init__(self, wires: Wires, connector: ConnectorId) -> None:
        self._wires = wires
        self._relay, self._discharge = f"{connector}.relay", f"{connector}.discharge"

    def connect(self, on: bool) -> None:
        """Closed or open; the one opens before the other closes."""
        first, second = (self._discharge, self._relay) if on else (self._relay, self._discharge)
        self._wires.switch(first, False)
        self._wires.switch(second, True)


class WiredContactors:
    """The switching matrix: one contactor for each module and connector."""

    def __init__(self, wires: Wires, home: Mapping[int, ConnectorId]) -> None:
        self._wires = wires
        self._connectors = sorted(set(home.values()))
        for address, connector in home.items():
            self.connect(address, connector)

    def connect(self, address: int, connector: ConnectorId | None) -> None:
        """Open what is closed, then close what is wanted."""
        for other in self._connectors:
            if other != connector:
                self._wires.switch(f"module.{address}.{other}", False)
        if connector is not None:
            self._wires.switch(f"module.{address}.{connector}", True)
