"""Faults are states: raised, cleared, perhaps latched."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A physical or protocol condition that keeps a connector from charging."""

    code: str
    """Stable and machine readable, for example `insulation`."""
    detail: str
    """One sentence for a person, with the remedy where there is one."""
    latched: bool
    """True: holds until an operator releases it, across restarts."""
