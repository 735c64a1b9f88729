"""Who may write what."""

from __future__ import annotations

import pytest

from powerctl.signals.grid_signal import Authority, Channel
from powerctl.signals.register_map import REGISTER_MAP
from powerctl.signals.rights import Rights, networks

RIGHTS = Rights({0: networks(["10.0.0.7"]), 1: networks(["192.168.1.0/24"])}, networks(["::1"]))
LIMIT_0, LIMIT_1, LIMIT_2 = (REGISTER_MAP.by_path[f"64300.Src.{slot}.LimW"] for slot in (0, 1, 2))
CHARGE_RATE = REGISTER_MAP.by_path["702.WChaRteMax"]
COMMIT = REGISTER_MAP.by_path["64300.CmtMod"]


def tcp(peer: str) -> Authority:
    return Authority(Channel.MODBUS_TCP, peer)


def test_a_commissioned_writer_may_write_its_slot_and_no_other() -> None:
    assert RIGHTS.permits(tcp("10.0.0.7"), LIMIT_0)
    assert not RIGHTS.permits(tcp("10.0.0.7"), LIMIT_1)
    assert not RIGHTS.permits(tcp("10.0.0.7"), CHARGE_RATE)


def test_a_network_may_be_commissioned() -> None:
    assert RIGHTS.permits(tcp("192.168.1.200"), LIMIT_1)
    assert not RIGHTS.permits(tcp("192.168.2.200"), LIMIT_1)


def test_an_ipv4_peer_on_a_dual_stack_socket_is_itself() -> None:
    assert RIGHTS.permits(tcp("::ffff:10.0.0.7"), LIMIT_0)


@pytest.mark.parametrize("peer", ["", "10.0.0.8", "not an address", "::2"])
def test_everybody_else_may_write_nothing(peer: str) -> None:
    assert not any(RIGHTS.permits(tcp(peer), field) for field in (LIMIT_0, LIMIT_1, CHARGE_RATE, COMMIT))
    assert not RIGHTS.is_writer(tcp(peer))


def test_an_address_counts_only_on_the_channel_it_was_commissioned_for() -> None:
    assert not RIGHTS.permits(Authority(Channel.MODBUS_TLS, "10.0.0.7"), LIMIT_0)


def test_only_installers_write_the_stations_own_settings() -> None:
    assert RIGHTS.permits(tcp("::1"), CHARGE_RATE)
    assert RIGHTS.is_writer(tcp("::1"))


def test_the_writer_of_any_slot_may_write_the_commit_mode() -> None:
    assert RIGHTS.permits(tcp("10.0.0.7"), COMMIT)


def test_a_slot_that_is_not_commissioned_is_closed_to_everybody() -> None:
    assert RIGHTS.is_open(LIMIT_0)
    assert not RIGHTS.is_open(LIMIT_2)


@pytest.mark.parametrize("path", ["701.W", "704.WMaxLimPct", "64300.Src.0.AckSeq", "64302.Con.0.LimW", "1.DA"])
def test_read_only_and_unserved_points_are_closed(path: str) -> None:
    assert not RIGHTS.is_open(REGISTER_MAP.by_path[path])
