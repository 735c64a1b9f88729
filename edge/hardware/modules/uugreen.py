"""UUGreenPower UR1000X0 modules: CAN with 29-bit ids, one value a frame (as public drivers state it; pure).

Id: bits 28-25 protocol (1), 24-21 monitor (1), 20-14 address (0 all), 13-9 date, 8-0 serial number. Data: byte 0 group
and kind of message, byte 1 what, bytes 4-7 the value. What is not certain: the bit rate of 125 kbit/s.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Final

from edge.can.frame import Frame
from edge.hardware.modules.family import Ask, ModuleNews, ModuleOrder, Topic, Trouble
from powerctl.core.errors import MalformedFrame

EVERYONE: Final = 0
_HEAD: Final = 1 << 25 | 1 << 21
_HEAD_MASK: Final = 0xF << 25 | 0xF << 21
SET, READ, READ_ANSWER = 0, 2, 3
V_REFERENCE, I_LIMIT, SHUTDOWN, STATUS = 2, 3, 4, 8
TEMPERATURE, I_FAST, RANGE, RANGE_STATUS, V_FAST, CAPABILITY = 30, 48, 95, 96, 98, 104
HIGH, LOW = 1, 2
_IS_OFF: Final = 1 << 25
_TROUBLES: Final = (
    (0x1 | 0x2 | 0x4, Trouble.INPUT),
    (0x40 | 0x80, Trouble.OVER_VOLTAGE),
    (0x200, Trouble.FAN),
    (0x1000 | 0x4000 | 0x8000 | 0x10000 | 0x20000, Trouble.OVER_TEMPERATURE),
    (0x40000 | 0x100000 | 0x200000, Trouble.FAULT),
    (0x80000000, Trouble.BLEEDER),
)
"""Masks of the status, as two public projects list them."""


def identifier(address: int) -> int:
    """The 29-bit id of a frame to a module; its answer carries the same, with date and serial number."""
    return _HEAD | address << 14


def _frame(address: int, kind: int, what: int, value: int = 0) -> Frame:
    return Frame(identifier(address), struct.pack(">BBHI", kind, what, 0, value), extended=True)


class UuGreenPower:
    """The UR1000X0 family: a low range to 500 V and a high range to 1000 V."""

    name: str = "uugreen"
    bitrate: int = 125_000
    self_off_s: float | None = None
    split_v: float | None = 500.0

    def orders(self, address: int, order: ModuleOrder) -> tuple[Frame, ...]:
        """Off; or current, voltage and on: a lower current comes first."""
        if not order.is_on:
            return (_frame(address, SET, SHUTDOWN, 1),)
        return (
            _frame(address, SET, I_LIMIT, round(order.current_a * 1000)),
            _frame(address, SET, V_REFERENCE, round(order.voltage_v * 1000)),
            _frame(address, SET, SHUTDOWN, 0),
        )

    def all_off(self) -> tuple[Frame, ...]:
        """One frame to everyone."""
        return self.orders(EVERYONE, ModuleOrder(is_on=False))

    def ranged(self, address: int, *, high: bool) -> tuple[Frame, ...]:
        """To be sent only while the module is off."""
        return (_frame(address, SET, RANGE, HIGH if high else LOW),)

    def questions(self, address: int) -> tuple[Frame, ...]:
        """What flows."""
        return _frame(address, READ, V_FAST), _frame(address, READ, I_FAST)

    def seldom(self, address: int) -> tuple[Frame, ...]:
        """How it is, what it can give now, how warm, in which range."""
        return tuple(_frame(address, READ, what) for what in (STATUS, CAPABILITY, TEMPERATURE, RANGE_STATUS))

    def heard(self, frame: Frame) -> tuple[int, ModuleNews] | None:
        """One module's answer."""
        if not frame.extended or frame.frame_id & _HEAD_MASK != _HEAD:
            return None
        if len(frame.data) != 8:
            raise MalformedFrame(frame.frame_id, frame.data, "not eight bytes")
        kind, what, _, value = struct.unpack(">BBHI", frame.data)
        address = frame.frame_id >> 14 & 0x7F
        if kind & 0xF != READ_ANSWER or what not in _NEWS:
            return None
        return address, _NEWS[what](value)

    def asked(self, frame: Frame) -> Ask | None:
        """The module's half."""
        if not frame.extended or frame.frame_id & _HEAD_MASK != _HEAD or len(frame.data) != 8:
            return None
        kind, what, _, value = struct.unpack(">BBHI", frame.data)
        address = frame.frame_id >> 14 & 0x7F or None
        if kind & 0xF == READ:
            return Ask(address, _ASKED.get(what, ()))
        return _set(address, what, value) if kind & 0xF == SET else None

    def answer(self, address: int, topic: Topic, news: ModuleNews) -> Frame | None:
        """The module's half; `OUTPUT` stands for the voltage, and `RATING` for the current."""
        what, value = _SAID[topic](news)
        return _frame(address, READ_ANSWER, what, value & 0xFFFFFFFF)


def _set(address: int | None, what: int, value: int) -> Ask | None:
    match what:
        case 2:
            return Ask(address, voltage_v=value / 1000)
        case 3:
            return Ask(address, current_a=value / 1000)
        case 4:
            return Ask(address, is_on=value == 0)
        case 95:
            return Ask(address, is_high_range=value == HIGH)
    return None


def _status_news(value: int) -> ModuleNews:
    return ModuleNews(
        is_on=not value & _IS_OFF, troubles=frozenset(trouble for mask, trouble in _TROUBLES if value & mask)
    )


def _signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


_NEWS: Final[Mapping[int, Callable[[int], ModuleNews]]] = {
    V_FAST: lambda value: ModuleNews(voltage_v=value / 1000),
    I_FAST: lambda value: ModuleNews(current_a=max(0, _signed(value)) / 1000),
    STATUS: _status_news,
    CAPABILITY: lambda value: ModuleNews(available_a=value / 1000),
    TEMPERATURE: lambda value: ModuleNews(temperature_c=_signed(value) / 1000),
    RANGE_STATUS: lambda value: ModuleNews(is_high_range=value == HIGH),
}
_ASKED: Final = {
    V_FAST: (Topic.OUTPUT,),
    I_FAST: (Topic.RATING,),
    STATUS: (Topic.STATUS,),
    CAPABILITY: (Topic.AVAILABLE,),
    TEMPERATURE: (Topic.TEMPERATURE,),
    RANGE_STATUS: (Topic.RANGE,),
}


def _status_value(news: ModuleNews) -> int:
    value = 0 if news.is_on else _IS_OFF
    for mask, trouble in _TROUBLES:
        if trouble in (news.troubles or ()):
            value |= mask & -mask
    return value


_SAID: Final[Mapping[Topic, Callable[[ModuleNews], tuple[int, int]]]] = {
    Topic.OUTPUT: lambda news: (V_FAST, round((news.voltage_v or 0.0) * 1000)),
    Topic.RATING: lambda news: (I_FAST, round((news.current_a or 0.0) * 1000)),
    Topic.STATUS: lambda news: (STATUS, _status_value(news)),
    Topic.AVAILABLE: lambda news: (CAPABILITY, round((news.available_a or 0.0) * 1000)),
    Topic.TEMPERATURE: lambda news: (TEMPERATURE, round((news.temperature_c or 0.0) * 1000)),
    Topic.RANGE: lambda news: (RANGE_STATUS, HIGH if news.is_high_range else LOW),
}
