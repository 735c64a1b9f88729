"""A local contact: relays of a control box that dim the station, one or two of them. Pure.

Two contacts give four states, as in the FNN two-bit coding. A contact has no heartbeat; an input that cannot be read
counts as its lowest cap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from powerctl.core.clock import Monotonic, after
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.signals.arbitration import Contribution
from powerctl.signals.mailbox import Stamp

DEBOUNCE_S: Final = 0.1
"""A relay bounces for some milliseconds, and two of them never switch together."""
STALE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class ContactRules:
    """What each state of the contacts means."""

    caps: tuple[Power | None, ...]
    """By the binary number that the contacts form, the first one being the lowest bit; None: no limit.
    Two entries for one contact, four for two."""
    settle_s: float = 2.0
    debounce_s: float = DEBOUNCE_S
    stale_s: float = STALE_S
    """Without a reading for so long the lowest cap holds."""

    @property
    def lowest(self) -> Power | None:
        """The strictest of all caps. None: no state limits."""
        return min((cap for cap in self.caps if cap is not None), default=None)


@dataclass(frozen=True, slots=True)
class Contact:
    """The contacts at one instant."""

    rules: ContactRules
    code: int | None = None
    """The state in force. None: none was ever stable, so the lowest cap holds."""
    candidate: int | None = None
    since: Monotonic | None = None
    """When `candidate` was seen first. None: none was."""
    read_at: Monotonic | None = None


def observe(contact: Contact, closed: Sequence[bool], now: Monotonic) -> Contact:
    """The contacts after a reading; a state counts once it was seen for the debounce time."""
    code = sum(1 << bit for bit, on in enumerate(closed) if on)
    if code != contact.candidate or stale(contact, now):
        return replace(contact, candidate=code, since=now, read_at=now)
    settled = contact.since is not None and now - contact.since >= contact.rules.debounce_s
    return replace(contact, code=code if settled else contact.code, read_at=now)


def stale(contact: Contact, now: Monotonic) -> bool:
    """True if the inputs have not been read for too long."""
    return contact.read_at is None or now - contact.read_at >= contact.rules.stale_s


def contribution(contact: Contact, now: Monotonic) -> Contribution | None:
    """What the contacts ask for. None: no limit."""
    if stale(contact, now) or contact.code is None:
        return _unreadable(contact)
    cap = contact.rules.caps[contact.code]
    if cap is None:
        return None
    detail = f"The grid operator's contact limits the station to {cap}."
    return Contribution(LimitSource.LOCAL_CONTACT, detail, cap=cap, settle_s=contact.rules.settle_s)


def _unreadable(contact: Contact) -> Contribution | None:
    cap = contact.rules.lowest
    if cap is None:
        return None
    detail = f"The grid operator's contact cannot be read: the station keeps to {cap} as agreed for this case."
    return Contribution(LimitSource.FAILSAFE, detail, cap=cap, settle_s=contact.rules.settle_s)


class ContactSource:
    """The contacts as a source."""

    def __init__(self, rules: ContactRules) -> None:
        self._contact = Contact(rules)

    def observe(self, closed: Sequence[bool], now: Monotonic) -> bool:
        """Take a reading. True: what the contacts ask for has changed."""
        before = contribution(self._contact, now)
        self._contact = observe(self._contact, closed, now)
        return contribution(self._contact, now) != before

    def contributions(self, stamp: Stamp) -> Sequence[Contribution]:
        """At most one."""
        asked = contribution(self._contact, stamp.now)
        return () if asked is None else (asked,)

    def deadline(self, stamp: Stamp) -> Monotonic | None:
        """When the newest reading becomes stale."""
        if self._contact.read_at is None or stale(self._contact, stamp.now):
            return None
        return after(self._contact.read_at, self._contact.rules.stale_s)
