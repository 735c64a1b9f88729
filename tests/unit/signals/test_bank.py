"""Requests are validated as a whole, then carried out as a whole."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.clock import Monotonic
from powerctl.signals.bank import MAX_PEERS, Bank, Change, WriteRate
from powerctl.signals.grid_signal import Authority, Channel
from powerctl.signals.image import Image
from powerctl.signals.pdu import Code, Refused
from powerctl.signals.register_map import REGISTER_MAP
from powerctl.signals.rights import Rights, networks

UTILITY = Authority(Channel.MODBUS_TCP, "10.0.0.7")
STRANGER = Authority(Channel.MODBUS_TCP, "10.0.0.8")
T0 = Monotonic(0.0)
SLOT = 40448


class Harness:
    def __init__(self, refuse: Code | None = None, per_s: float = 1000.0) -> None:
        self.taken: list[dict[str, int | None]] = []
        self.refuse = refuse
        self.image = Image(REGISTER_MAP)
        rights = Rights({0: networks(["10.0.0.7"])})
        self.bank = Bank(self.image, rights, WriteRate(per_s), self.take)

    def take(self, changes: Sequence[Change], authority: Authority) -> None:
        if self.refuse is not None:
            raise Refused(self.refuse)
        self.taken.append({change.field.point.name: change.value for change in changes})
        self.image.put_all({change.field.path: change.value for change in changes})

    def write(self, address: int, *words: int, who: Authority = UTILITY) -> bytes:
        pdu = struct.pack(f">BHHB{len(words)}H", 16, address, len(words), 2 * len(words), *words)
        return self.bank.execute(pdu, who, T0)

    def refused(self, address: int, *words: int, who: Authority = UTILITY) -> Code:
        with pytest.raises(Refused) as caught:
            self.write(address, *words, who=who)
        assert self.taken == []
        return caught.value.code


BLOCK = (4200, 0, 0, 0, 0, 0, 0, 0, 0, 60, 22000, 0, 0, 0, 4200, 60, 0, 7200, 0, 9, 0, 1, 3, 4)


def test_one_block_of_24_registers_is_one_write() -> None:
    harness = Harness()
    harness.write(SLOT, *BLOCK)
    (values,) = harness.taken
    assert (values["LimW"], values["DurTms"], values["FsTms"], values["Ena"], values["Hb"]) == (4200, 60, 7200, 1, 4)


def test_what_was_written_reads_back_in_the_same_request() -> None:
    pdu = struct.pack(">BHHHHBH", 23, SLOT, 1, SLOT, 1, 2, 4200)
    assert Harness().bank.execute(pdu, UTILITY, T0) == struct.pack(">BBH", 23, 2, 4200)


def test_one_bad_value_in_a_block_spoils_all_of_it() -> None:
    block = list(BLOCK)
    block[20] = 9
    assert Harness().refused(SLOT, *block) is Code.ILLEGAL_VALUE


@pytest.mark.parametrize(
    ("offset", "value"), [(0, 0xFFFF), (2, 0x8000), (2, 1), (15, 4), (15, 601), (20, 4), (21, 2), (21, 0xFFFF)]
)
def test_a_value_outside_the_table_is_refused(offset: int, value: int) -> None:
    assert Harness().refused(SLOT + offset, value) is Code.ILLEGAL_VALUE


@pytest.mark.parametrize("seconds", [0, 7199, 86401])
def test_a_failsafe_duration_outside_2_to_24_hours_is_refused(seconds: int) -> None:
    assert Harness().refused(SLOT + 16, seconds >> 16, seconds & 0xFFFF) is Code.ILLEGAL_VALUE


@pytest.mark.parametrize(
    ("address", "count"),
    [
        (SLOT + 8, 1),
        (SLOT + 7, 1),
        (SLOT + 7, 2),
        (SLOT + 6, 3),
        (SLOT + 24, 1),
        (SLOT + 23, 2),
        (SLOT + 32, 1),
        (40080, 1),
        (40310, 1),
        (39999, 1),
        (40909, 1),
        (65535, 2),
        (40000, 1),
        (40907, 1),
    ],
)
def test_a_cut_read_only_closed_or_absent_point_is_an_illegal_address(address: int, count: int) -> None:
    assert Harness().refused(address, *[0] * count) is Code.ILLEGAL_ADDRESS


def test_a_stranger_is_refused_without_detail() -> None:
    assert Harness().refused(SLOT, 4200, who=STRANGER) is Code.ILLEGAL_FUNCTION


def test_a_stranger_may_read() -> None:
    assert Harness().bank.execute(struct.pack(">BHH", 3, 40000, 2), STRANGER, T0) == b"\x03\x04SunS"


def test_a_read_write_with_a_bad_read_writes_nothing() -> None:
    harness = Harness()
    with pytest.raises(Refused) as caught:
        harness.bank.execute(struct.pack(">BHHHHBH", 23, 0, 1, SLOT, 1, 2, 4200), UTILITY, T0)
    assert (caught.value.code, harness.taken) == (Code.ILLEGAL_ADDRESS, [])


def test_a_write_that_cannot_be_stored_is_a_failure() -> None:
    assert Harness(refuse=Code.FAILURE).refused(SLOT, 4200) is Code.FAILURE


def test_a_peer_that_writes_too_often_hears_busy_until_time_passes() -> None:
    rate = WriteRate(10.0)
    assert [rate.admit("a", T0) for _ in range(21)] == [True] * 20 + [False]
    assert rate.admit("b", T0)
    assert rate.admit("a", Monotonic(0.1))
    assert not rate.admit("a", Monotonic(0.1))


def test_a_busy_write_changes_nothing_and_reading_goes_on() -> None:
    harness = Harness(per_s=0.4)
    assert harness.refused(SLOT, 4200) is Code.BUSY
    assert harness.bank.execute(struct.pack(">BHH", 3, 40000, 1), UTILITY, T0)


def test_a_storm_of_peers_does_not_grow_the_memory() -> None:
    rate = WriteRate(10.0)
    for number in range(3 * MAX_PEERS):
        rate.admit(str(number), T0)
    assert len(rate._buckets) <= MAX_PEERS


@given(st.integers(39990, 40890), st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=123))
def test_any_write_is_applied_whole_or_not_at_all(address: int, words: list[int]) -> None:
    harness = Harness()
    before = [harness.image.get(field.path) for field in REGISTER_MAP.fields]
    try:
        harness.write(address, *words)
    except Refused:
        assert [harness.image.get(field.path) for field in REGISTER_MAP.fields] == before
    else:
        (values,) = harness.taken
        assert values
