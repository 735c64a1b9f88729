"""Contacts that dim the station."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.signals.sources.contact import Contact, ContactRules, contribution, observe

ONE = ContactRules((None, Power(4200)))
TWO = ContactRules((None, Power(13_200), Power(6_600), Power(0)))
"""The FNN two-bit coding of 22 kW: 100, 60, 30 and 0 per cent."""


def seen(contact: Contact, *readings: tuple[float, tuple[bool, ...]]) -> Contact:
    for at, closed in readings:
        contact = observe(contact, closed, Monotonic(at))
    return contact


def cap_w(contact: Contact, at: float) -> float | None:
    asked = contribution(contact, Monotonic(at))
    return None if asked is None or asked.cap is None else asked.cap.w


def test_before_the_first_reading_the_station_is_limited() -> None:
    asked = contribution(Contact(ONE), Monotonic(0))
    assert asked is not None
    assert (asked.cap, asked.source) == (Power(4200), LimitSource.FAILSAFE)


def test_a_closed_contact_limits_to_its_cap_and_an_open_one_does_not() -> None:
    contact = seen(Contact(ONE), (0.0, (False,)), (0.1, (False,)))
    assert cap_w(contact, 0.1) is None
    contact = seen(contact, (0.2, (True,)), (0.35, (True,)))
    asked = contribution(contact, Monotonic(0.35))
    assert asked is not None
    assert (asked.cap, asked.source) == (Power(4200), LimitSource.LOCAL_CONTACT)


def test_a_bouncing_contact_changes_nothing_until_it_rests() -> None:
    contact = seen(Contact(ONE), (0.0, (False,)), (0.1, (False,)))
    contact = seen(contact, (0.15, (True,)), (0.2, (False,)), (0.25, (True,)), (0.3, (False,)))
    assert cap_w(contact, 0.3) is None


def test_two_contacts_tell_four_levels() -> None:
    levels = []
    for number, closed in enumerate([(False, False), (True, False), (False, True), (True, True)]):
        contact = seen(Contact(TWO), (float(number), closed), (number + 0.1, closed))
        levels.append(cap_w(contact, number + 0.1))
    assert levels == [None, 13_200, 6_600, 0]


def test_two_relays_that_do_not_switch_together_show_no_level_in_between() -> None:
    contact = seen(Contact(TWO), (0.0, (True, False)), (0.1, (True, False)))
    contact = seen(contact, (0.15, (True, True)), (0.2, (False, True)), (0.25, (False, True)))
    assert cap_w(contact, 0.25) == 13_200
    contact = seen(contact, (0.35, (False, True)))
    assert cap_w(contact, 0.35) == 6_600


def test_an_input_that_cannot_be_read_counts_as_the_lowest_cap() -> None:
    contact = seen(Contact(TWO), (0.0, (False, False)), (0.1, (False, False)))
    assert cap_w(contact, 2.0) is None
    assert cap_w(contact, 2.1) == 0


def test_after_a_gap_the_level_must_rest_again() -> None:
    contact = seen(Contact(ONE), (0.0, (False,)), (0.1, (False,)), (10.0, (False,)))
    contact = seen(contact, (20.0, (False,)))
    assert cap_w(contact, 20.0) is None


@given(st.lists(st.tuples(st.floats(0.01, 5), st.booleans(), st.booleans()), min_size=1))
def test_the_cap_is_always_one_of_the_table_or_none(steps: list[tuple[float, bool, bool]]) -> None:
    contact, at = Contact(TWO), 0.0
    for wait, first, second in steps:
        at += wait
        contact = observe(contact, (first, second), Monotonic(at))
        assert cap_w(contact, at) in {None, 13_200, 6_600, 0}
