"""Named lines over the Linux GPIO character device (libgpiod 2).

The library is imported only where there are such lines. It was tested against a chip that is played by the tests; no
machine with a chip was at hand.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from edge.hardware.lines import is_input
from powerctl.core.errors import ConfigError
from powerctl.runtime import log

CONSUMER: Final = "powerctl-edge"
DEBOUNCE: Final = timedelta(milliseconds=2)
"""Longer than a relay bounces, far shorter than a period of 100 ms."""

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class LineMap:
    """Which line of a chip carries what."""

    chip: str
    """Path, for example `/dev/gpiochip0`."""
    offsets: Mapping[str, int]
    """By name."""
    active_low: frozenset[str] = frozenset()
    """Names of lines that are on when their level is low."""
    consumer: str = CONSUMER


class GpioLines:
    """The lines of one chip, requested for this process alone. Outputs start off; a lock stays as it is.

    Args:
        on_change: Called on the event loop with the name of an input that changed.
        library: The `gpiod` module, or what plays it in a test.

    Raises:
        ConfigError: The library is not installed, or the lines cannot be had.
    """

    def __init__(
        self, lines: LineMap, on_change: Callable[[str], None] = lambda _: None, *, library: Any = None
    ) -> None:
        self._gpiod = library or _library()
        self._map = lines
        self._names = {offset: name for name, offset in lines.offsets.items()}
        self._on_change = on_change
        self._outputs = {name: False for name in lines.offsets if not is_input(name)}
        self._outputs.update(self._held())
        self._request: Any = self._open()
        self._inputs: dict[str, bool] = {}
        self._read_inputs()

    @property
    def is_alive(self) -> bool:
        """False after the device was lost."""
        return self._request is not None

    def has(self, name: str) -> bool:
        """True when there is such a line."""
        return name in self._map.offsets

    def switch(self, name: str, on: bool) -> None:
        """Drive an output."""
        if name not in self._outputs:
            return
        self._outputs[name] = on
        if self._request is None:
            return
        try:
            self._request.set_value(self._map.offsets[name], self._value(on))
        except OSError as error:
            self._lost(error)

    def sense(self, name: str, *, absent: bool = False) -> bool:
        """An input, or the last order of an output."""
        return self._inputs.get(name, self._outputs.get(name, absent))

    def watch(self) -> None:
        """Hear of changes as they happen."""
        if self._request is not None and self._inputs:
            asyncio.get_running_loop().add_reader(self._request.fd, self._changed)

    def refresh(self) -> None:
        """Read every input again: an edge that was missed is not missed for long."""
        before = dict(self._inputs)
        self._read_inputs()
        for name, on in self._inputs.items():
            if before.get(name) is not on:
                self._on_change(name)

    def close(self) -> None:
        """Every output off, in the order current, d2, d1, and the lines given back."""
        for name in sorted(self._outputs, key=_closing_order):
            if not name.endswith(".lock"):
                self.switch(name, False)
        self._give_back()

    def _open(self) -> Any:
        line, settings = self._gpiod.line, self._gpiod.LineSettings
        config = {}
        for name, offset in self._map.offsets.items():
            low = name in self._map.active_low
            if is_input(name):
                config[offset] = settings(
                    direction=line.Direction.INPUT,
                    edge_detection=line.Edge.BOTH,
                    active_low=low,
                    debounce_period=DEBOUNCE,
                )
            else:
                config[offset] = settings(
                    direction=line.Direction.OUTPUT, active_low=low, output_value=self._value(self._outputs[name])
                )
        return self._requested(config)

    def _held(self) -> dict[str, bool]:
        """How the locks stand: nobody has measured yet, so none may open."""
        names = [name for name in self._outputs if name.endswith(".lock")]
        if not names:
            return {}
        settings, line = self._gpiod.LineSettings, self._gpiod.line
        offsets = [self._map.offsets[name] for name in names]
        config = {
            offset: settings(direction=line.Direction.AS_IS, active_low=name in self._map.active_low)
            for name, offset in zip(names, offsets, strict=True)
        }
        request = self._requested(config)
        try:
            values = request.get_values(offsets)
        finally:
            request.release()
        return {name: value == line.Value.ACTIVE for name, value in zip(names, values, strict=True)}

    def _requested(self, config: dict[int, Any]) -> Any:
        try:
            return self._gpiod.request_lines(self._map.chip, config=config, consumer=self._map.consumer)
        except (OSError, ValueError) as error:
            raise ConfigError(
                "edge.gpio.chip",
                f"{self._map.chip}: its lines cannot be had: {error}.",
                "Name the right chip and free lines, and let this user open it.",
            ) from error

    def _value(self, on: bool) -> Any:
        value = self._gpiod.line.Value
        return value.ACTIVE if on else value.INACTIVE

    def _read_inputs(self) -> None:
        offsets = [offset for offset, name in self._names.items() if is_input(name)]
        if self._request is None or not offsets:
            return
        try:
            values = self._request.get_values(offsets)
        except OSError as error:
            self._lost(error)
            return
        active = self._gpiod.line.Value.ACTIVE
        self._inputs = {self._names[o]: value == active for o, value in zip(offsets, values, strict=True)}

    def _changed(self) -> None:
        try:
            self._request.read_edge_events()
        except OSError as error:
            self._lost(error)
            return
        self.refresh()

    def _lost(self, error: OSError) -> None:
        _log.error("gpio_lost", chip=self._map.chip, reason=str(error))
        self._give_back()
        for name in self._inputs:
            self._on_change(name)

    def _give_back(self) -> None:
        request, self._request = self._request, None
        if request is None:
            return
        if self._inputs:
            with contextlib.suppress(RuntimeError):  # no loop runs: nothing was watched
                asyncio.get_running_loop().remove_reader(request.fd)
        request.release()


_CLOSING: Final = ("relay", "d2", "d1")


def _closing_order(name: str) -> int:
    role = name.rpartition(".")[2]
    return _CLOSING.index(role) if role in _CLOSING else len(_CLOSING)


def _library() -> Any:
    try:
        import gpiod
    except ImportError as error:
        raise ConfigError(
            "edge.gpio", "needs the library gpiod.", "Install powerctl[edge] on a Linux machine with libgpiod."
        ) from error
    return gpiod
