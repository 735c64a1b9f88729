"""Ports can be moved, and one in use is a clear error that names how to move it."""

from __future__ import annotations

import socket

import pytest

from powerctl.app.demo.ports import Ports, moved, refuse_used
from powerctl.core.errors import ConfigError


def test_the_defaults_are_the_documented_ones() -> None:
    ports = Ports()
    assert (ports.web, ports.grpc, ports.modbus, ports.modbus_tls) == (8080, 50051, 5020, 5802)
    assert (ports.metrics_powerctl, ports.metrics_edge, ports.metrics_cloud) == (9464, 9465, 9466)
    assert (ports.can_left, ports.can_right, ports.plant_left, ports.plant_right) == (29536, 29537, 7001, 7002)
    assert (ports.dispatch, ports.mqtt) == (50061, 8883)


def test_a_port_is_moved_by_name() -> None:
    ports = moved(Ports(), ["web=8088", "can-left=1234"])
    assert (ports.web, ports.can_left, ports.grpc) == (8088, 1234, 50051)


@pytest.mark.parametrize(
    ("setting", "words"),
    [("wbe=1", "Ports are can_left"), ("web", "no port number"), ("web=0", "no port"), ("web=٣", "no port number")],
)
def test_a_wrong_move_says_what_is_possible(setting: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        moved(Ports(), [setting])


def free_ports() -> Ports:
    held = [socket.socket() for _ in Ports.__dataclass_fields__]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = Ports(**{name: one.getsockname()[1] for name, one in zip(Ports.__dataclass_fields__, held, strict=True)})
    for one in held:
        one.close()
    return ports


def test_a_port_in_use_names_the_setting_that_moves_it() -> None:
    ports = free_ports()
    with socket.create_server(("127.0.0.1", ports.modbus)):
        with pytest.raises(ConfigError, match=rf"port {ports.modbus} \(modbus\).*--set modbus=PORT"):
            refuse_used(ports)
        refuse_used(ports, besides=frozenset({"modbus"}))


def test_two_things_on_one_port_are_refused() -> None:
    with pytest.raises(ConfigError, match="is the port of web already"):
        refuse_used(moved(free_ports(), ["web=9999", "grpc=9999"]))
