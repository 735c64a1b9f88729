"""Whose fault is it?

    PowerctlError
    ├── RemoteError      they broke it: drop, count, go on
    │   └── MalformedFrame
    └── ConfigError      an operator must act: the program ends with exit status 2

Everything else is our bug: it ends the process, the outputs go off, the supervisor restarts it.
"""

from __future__ import annotations


class PowerctlError(Exception):
    """Base of the product's own exceptions."""


class RemoteError(PowerctlError):
    """A peer sent something that cannot be accepted. It is dropped and counted."""


class MalformedFrame(RemoteError):
    """A CAN frame that cannot be decoded. The frame is dropped and counted."""

    def __init__(self, frame_id: int, data: bytes, why: str) -> None:
        super().__init__(f"frame {frame_id:#05x} [{data.hex(' ')}]: {why}")


class ConfigError(PowerctlError):
    """A setting cannot be used.

    Args:
        where: File, or file and key, for example `station.toml: grid.modbus.port`.
        why: What is wrong with it, as a sentence.
        remedy: What to do about it, as a sentence.
    """

    def __init__(self, where: str, why: str, remedy: str) -> None:
        super().__init__(f"{where}: {why} {remedy}")
        self.where = where
        self.why = why
        self.remedy = remedy
