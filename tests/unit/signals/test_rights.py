"""Who may write what."""

from __future__ import annotations

import pytest

from powerctl.signals.grid_signal import Authority, Channel
from powerctl.signals.register_map import REGISTER_MAP
from powerctl.signals.rights import TABLE, Area, Rights, Role, Standing, networks

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


@pytest.mark.parametrize("path", ["701.W", "704.WMaxLimPct", "64300.Src.0.AckSeq", "64302.Con.0.AlcW", "1.SN"])
def test_read_only_and_unserved_points_are_closed(path: str) -> None:
    assert not RIGHTS.is_open(REGISTER_MAP.by_path[path])


UTILITY, MAYOR = "aa" * 32, "bb" * 32
FAILSAFE_0, FAILSAFE_1 = (REGISTER_MAP.by_path[f"64300.Src.{slot}.FsW"] for slot in (0, 1))
HEARTBEAT = REGISTER_MAP.by_path["715.ControllerHb"]
SET_POINT = REGISTER_MAP.by_path["704.WSet"]
OPERATION = REGISTER_MAP.by_path["715.OpCtl"]
ADDRESS = REGISTER_MAP.by_path["1.DA"]
SECURE = Rights(
    {0: (), 1: ()},
    certificates={UTILITY: frozenset({0}), MAYOR: frozenset({1, 2})},
    lines={"/dev/ttyS0": Standing(frozenset({Role.GRID_SERVICE}), frozenset({1}))},
    control_slot=0,
)
EVERYTHING = {
    "slot 0": LIMIT_0,
    "slot 1": LIMIT_1,
    "failsafe 0": FAILSAFE_0,
    "failsafe 1": FAILSAFE_1,
    "heartbeat": HEARTBEAT,
    "set-point": SET_POINT,
    "settings": CHARGE_RATE,
    "operation": OPERATION,
    "address": ADDRESS,
}


def tls(role: str | None, fingerprint: str = UTILITY) -> Authority:
    return Authority(Channel.MODBUS_TLS, "10.0.0.7", role, fingerprint)


@pytest.mark.parametrize(
    ("role", "fingerprint", "may"),
    [
        (None, UTILITY, set()),
        ("SomebodySunSpec", UTILITY, set()),
        ("ReadOnlySunSpec", UTILITY, set()),
        ("GridServiceSunSpec", UTILITY, {"slot 0", "failsafe 0", "heartbeat", "set-point"}),
        ("GridServiceSunSpec", MAYOR, {"slot 1", "heartbeat"}),
        ("GridServiceSunSpec", "cc" * 32, set()),
        ("NetworkAdministratorSunSpec", UTILITY, {"operation", "address"}),
        ("SuperAdministratorSunSpec", MAYOR, {"failsafe 0", "failsafe 1", "settings", "operation", "address"}),
    ],
)
def test_the_table_of_roles(role: str | None, fingerprint: str, may: set[str]) -> None:
    peer = tls(role, fingerprint)
    assert {name for name, field in EVERYTHING.items() if SECURE.permits(peer, field)} == may
    assert SECURE.is_writer(peer) is bool(may)


def test_every_role_has_a_row_and_every_right_an_area() -> None:
    assert set(TABLE) == set(Role)
    assert {area for row in TABLE.values() for area in row} == set(Area)


@pytest.mark.parametrize("role", Role)
def test_every_role_reads(role: Role) -> None:
    assert SECURE.may_read(tls(role))


@pytest.mark.parametrize("role", [None, "", "gridservicesunspec"])
def test_a_secure_peer_without_a_role_does_not_even_read(role: str | None) -> None:
    assert not SECURE.may_read(tls(role))


def test_everybody_reads_where_there_are_no_roles() -> None:
    assert SECURE.may_read(tcp("10.0.0.8"))
    assert SECURE.may_read(Authority(Channel.MODBUS_RTU, "/dev/ttyS1"))


def test_a_serial_line_speaks_for_the_slots_it_was_commissioned_for() -> None:
    line = Authority(Channel.MODBUS_RTU, "/dev/ttyS0")
    assert SECURE.permits(line, LIMIT_1)
    assert not SECURE.permits(line, LIMIT_0)
    assert SECURE.slots_of(line) == {1}
    assert not SECURE.permits(Authority(Channel.MODBUS_RTU, "/dev/ttyS1"), LIMIT_1)


def test_a_certificate_speaks_only_for_slots_that_are_commissioned() -> None:
    assert SECURE.slots_of(tls("GridServiceSunSpec", MAYOR)) == {1}
    assert SECURE.slots_of(tls("SuperAdministratorSunSpec", MAYOR)) == frozenset()


def test_a_channel_without_front_end_may_write_nothing() -> None:
    assert not SECURE.is_writer(Authority(Channel.CONTACT, "input 1"))
