"""A CAN frame as it travels between a bus and a protocol core."""

from __future__ import annotations

from typing import Final, NamedTuple

LENGTH: Final = 8
"""Every frame of the charging protocol carries eight bytes (IEEE 2030.1.1 via osx)."""


class Frame(NamedTuple):
    """One classical CAN data frame."""

    frame_id: int
    """11 bits, or 29 when `extended`."""
    data: bytes
    extended: bool = False


def rejection(frame: Frame) -> str | None:
    """Why no charging protocol core takes `frame`, as a metric label; None: it is well formed.

    A capture of a failing session shows a vehicle that sent 0x102 as an extended frame: a real SECC never saw it.
    """
    if frame.extended:
        return "extended"
    if len(frame.data) != LENGTH:
        return "length"
    return None


def module_rejection(frame: Frame) -> str | None:
    """Why no driver of power modules takes `frame`, as a metric label; None: it is well formed."""
    if not frame.extended:
        return "standard"
    return None if len(frame.data) == LENGTH else "length"
