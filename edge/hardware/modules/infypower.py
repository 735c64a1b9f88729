"""Infypower REG modules: CAN at 125 kbit/s with 29-bit ids (protocol V1.13, as public drivers state it; pure).

Id: bits 28-26 error, 25-22 device (0xA one module, 0xB a group), 21-16 command, 15-8 destination (0x3F all), 7-0 source
(0xF0 the controller). What is not certain: byte 4 of the status as the temperature in degrees.
"""

from __future__ import annotations

import math
import struct
from typing import Final

from edge.can.frame import Frame
from edge.hardware.modules.family import Ask, ModuleNews, ModuleOrder, Topic, Trouble
from powerctl.core.errors import MalformedFrame

CONTROLLER: Final = 0xF0
EVERYONE: Final = 0x3F
ONE_MODULE: Final = 0x0A
READ_OUTPUT: Final = 0x03
READ_STATUS: Final = 0x04
READ_RATING: Final = 0x0A
READ_AVAILABLE: Final = 0x0C
SWITCH: Final = 0x1A
SET_OUTPUT: Final = 0x1C
NOTHING: Final = bytes(8)

_TOPICS: Final = {
    READ_OUTPUT: Topic.OUTPUT,
    READ_STATUS: Topic.STATUS,
    READ_RATING: Topic.RATING,
    READ_AVAILABLE: Topic.AVAILABLE,
}
_COMMANDS: Final = {topic: command for command, topic in _TOPICS.items()}
_DC_OFF: Final = (6, 0)
_TROUBLES: Final = (
    (7, 0, Trouble.SHORT),
    (7, 5, Trouble.BLEEDER),
    (6, 1, Trouble.FAULT),
    (6, 2, Trouble.PROTECTION),
    (6, 3, Trouble.FAN),
    (6, 4, Trouble.OVER_TEMPERATURE),
    (6, 5, Trouble.OVER_VOLTAGE),
    (5, 1, Trouble.SAME_ADDRESS),
    (5, 3, Trouble.INPUT),
    (5, 5, Trouble.INPUT),
    (5, 6, Trouble.INPUT),
)
"""Byte, bit, meaning. Bit 7 of byte 6, a loss of communication, is what our own silence has caused."""


def identifier(command: int, *, destination: int, source: int, error: int = 0) -> int:
    """The 29-bit id of a frame for or from one module."""
    return error << 26 | ONE_MODULE << 22 | command << 16 | destination << 8 | source


def _order(command: int, address: int, data: bytes = NOTHING) -> Frame:
    return Frame(identifier(command, destination=address, source=CONTROLLER), data, extended=True)


class InfypowerReg:
    """The REG family: 15 to 40 kW modules, one voltage range that switches by itself."""

    name: str = "infypower"
    bitrate: int = 125_000
    self_off_s: float | None = 10.0
    split_v: float | None = None

    def orders(self, address: int, order: ModuleOrder) -> tuple[Frame, ...]:
        """Off, or the set point and on."""
        if not order.is_on:
            return (_order(SWITCH, address, bytes((1, 0, 0, 0, 0, 0, 0, 0))),)
        millis = struct.pack(">II", round(order.voltage_v * 1000), round(order.current_a * 1000))
        return _order(SET_OUTPUT, address, millis), _order(SWITCH, address)

    def all_off(self) -> tuple[Frame, ...]:
        """One frame to everyone."""
        return self.orders(EVERYONE, ModuleOrder(is_on=False))

    def ranged(self, address: int, *, high: bool) -> tuple[Frame, ...]:
        """Nothing: the module chooses by itself."""
        return ()

    def questions(self, address: int) -> tuple[Frame, ...]:
        """What flows."""
        return (_order(READ_OUTPUT, address),)

    def seldom(self, address: int) -> tuple[Frame, ...]:
        """How it is, what it is and what it can give now."""
        return tuple(_order(command, address) for command in (READ_STATUS, READ_AVAILABLE, READ_RATING))

    def heard(self, frame: Frame) -> tuple[int, ModuleNews] | None:
        """One module's answer."""
        destination, source = frame.frame_id >> 8 & 0xFF, frame.frame_id & 0xFF
        topic = _TOPICS.get(frame.frame_id >> 16 & 0x3F)
        is_ours = frame.extended and destination == CONTROLLER and frame.frame_id >> 22 & 0xF == ONE_MODULE
        if topic is None or not is_ours or source == CONTROLLER:
            return None
        if len(frame.data) != 8 or frame.frame_id >> 26:
            raise MalformedFrame(frame.frame_id, frame.data, "no complete answer")
        return source, _READ[topic](frame)

    def asked(self, frame: Frame) -> Ask | None:
        """The module's half."""
        destination, source = frame.frame_id >> 8 & 0xFF, frame.frame_id & 0xFF
        if not frame.extended or source != CONTROLLER or len(frame.data) != 8:
            return None
        address = None if destination == EVERYONE else destination
        command = frame.frame_id >> 16 & 0x3F
        if command == SWITCH:
            return Ask(address, is_on=frame.data[0] == 0)
        if command == SET_OUTPUT:
            millivolts, milliamperes = struct.unpack(">II", frame.data)
            return Ask(address, voltage_v=millivolts / 1000, current_a=milliamperes / 1000)
        return Ask(address, (_TOPICS[command],)) if command in _TOPICS else None

    def answer(self, address: int, topic: Topic, news: ModuleNews) -> Frame | None:
        """The module's half."""
        if topic not in _COMMANDS:
            return None
        identity = identifier(_COMMANDS[topic], destination=CONTROLLER, source=address)
        return Frame(identity, _WRITE[topic](news), extended=True)


def _read_output(frame: Frame) -> ModuleNews:
    voltage_v, current_a = struct.unpack(">ff", frame.data)
    if not (math.isfinite(voltage_v) and math.isfinite(current_a)):
        raise MalformedFrame(frame.frame_id, frame.data, "not a number")
    return ModuleNews(voltage_v=voltage_v, current_a=max(0.0, current_a))


def _read_status(frame: Frame) -> ModuleNews:
    data = frame.data
    byte, bit = _DC_OFF
    return ModuleNews(
        is_on=not data[byte] >> bit & 1,
        troubles=frozenset(trouble for place, bit, trouble in _TROUBLES if data[place] >> bit & 1),
        temperature_c=float(struct.unpack_from(">b", data, 4)[0]),
    )


def _read_rating(frame: Frame) -> ModuleNews:
    return ModuleNews(max_power_w=struct.unpack_from(">H", frame.data, 6)[0] * 10.0)


def _read_available(frame: Frame) -> ModuleNews:
    return ModuleNews(available_a=struct.unpack_from(">H", frame.data, 2)[0] / 10)


def _write_output(news: ModuleNews) -> bytes:
    return struct.pack(">ff", news.voltage_v or 0.0, news.current_a or 0.0)


def _write_status(news: ModuleNews) -> bytes:
    data = bytearray(8)
    data[4] = round(news.temperature_c or 0.0) & 0xFF
    byte, bit = _DC_OFF
    data[byte] |= int(not news.is_on) << bit
    for place, position, trouble in _TROUBLES:
        data[place] |= int(trouble in (news.troubles or ())) << position
    return bytes(data)


def _write_rating(news: ModuleNews) -> bytes:
    power_w = news.max_power_w or 0.0
    return struct.pack(">HHHH", 1000, 150, round((news.available_a or 0.0) * 10), round(power_w / 10))


def _write_available(news: ModuleNews) -> bytes:
    return struct.pack(">HHI", round((news.voltage_v or 0.0) * 10), round((news.available_a or 0.0) * 10), 0)


_READ: Final = {
    Topic.OUTPUT: _read_output,
    Topic.STATUS: _read_status,
    Topic.RATING: _read_rating,
    Topic.AVAILABLE: _read_available,
}
_WRITE: Final = {
    Topic.OUTPUT: _write_output,
    Topic.STATUS: _write_status,
    Topic.RATING: _write_rating,
    Topic.AVAILABLE: _write_available,
}
