"""A GPIO chip that the tests play: the same calls as libgpiod 2's Python bindings, and none of its hardware.

It takes the real library's settings objects, so that what a driver asks for is what the library would understand.
"""

from __future__ import annotations

import os
from typing import Any

import gpiod
from gpiod.line import Direction, Value


class FakeRequest:
    """Lines of the chip, as `gpiod.LineRequest` gives them."""

    def __init__(self, config: dict[int, gpiod.LineSettings], levels: dict[int, Value]) -> None:
        self.config = config
        for offset, settings in config.items():
            if settings.direction is Direction.OUTPUT:
                levels[offset] = settings.output_value
        self.values = levels
        self.history: list[tuple[int, bool]] = []
        self.is_released = False
        self.is_broken = False
        self._reading, self._writing = os.pipe()

    @property
    def fd(self) -> int:
        return self._reading

    def set_value(self, offset: int, value: Value) -> None:
        self._check()
        assert self.config[offset].direction is Direction.OUTPUT
        self.values[offset] = value
        self.history.append((offset, value is Value.ACTIVE))

    def get_values(self, offsets: list[int]) -> list[Value]:
        self._check()
        return [self.values[offset] for offset in offsets]

    def read_edge_events(self) -> None:
        self._check()
        os.read(self._reading, 64)

    def release(self) -> None:
        self.is_released = True
        os.close(self._reading)
        os.close(self._writing)

    def edge(self, offset: int, on: bool) -> None:
        """The world outside moves a line."""
        self.values[offset] = Value.ACTIVE if on else Value.INACTIVE
        os.write(self._writing, b"e")

    def wake(self) -> None:
        """An event of a chip that is gone."""
        self.is_broken = True
        os.write(self._writing, b"e")

    def _check(self) -> None:
        if self.is_broken:
            raise OSError(19, "No such device")


class FakeGpiod:
    """Stands for the module `gpiod`."""

    line = gpiod.line
    LineSettings = gpiod.LineSettings

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, FakeRequest]] = []
        self.levels: dict[int, Value] = {}
        """Of every line, which outlive a request."""
        self.refusal: OSError | None = None

    def request_lines(self, path: str, *, config: dict[int, Any], consumer: str) -> FakeRequest:
        if self.refusal is not None:
            raise self.refusal
        for offset in config:
            self.levels.setdefault(offset, Value.INACTIVE)
        request = FakeRequest(config, self.levels)
        self.requests.append((path, consumer, request))
        return request
