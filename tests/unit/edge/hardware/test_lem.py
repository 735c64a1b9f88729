"""The DC meter's driver against a simulated device over HTTPS, and what its answers mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.hardware import lem
from edge.hardware.lem_meter import FRESH_S, LemMeter, MeterAddress
from edge.hardware.simulated_lem import SERIAL, LemDevice, LemServer, self_signed
from powerctl.core.clock import ManualClock
from powerctl.core.errors import RemoteError
from powerctl.core.units import Energy, Voltage
from powerctl.runtime import pki


class Bench:
    """A driver and a device."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.device = LemDevice()
        certificate, key = self_signed(folder)
        self.server = LemServer(self.device, certificate, key)
        self.meter = self.driver(certificate.parent / "ca.pem")

    def driver(self, certificate: Path) -> LemMeter:
        address = MeterAddress("127.0.0.1", self.server.port, certificate)
        return LemMeter(address, self.clock, self.folder / "ocmf", connector=1, evse="DE*ABC*E1")

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 8
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    world = Bench(tmp_path)
    yield world
    world.meter.close()
    world.server.close()


def test_the_register_arrives_with_the_meters_serial(bench: Bench) -> None:
    bench.meter.start()
    bench.until(lambda: bench.meter.read().is_valid)
    register = bench.meter.read()
    assert (register.serial, register.energy) == (SERIAL, Energy(12_345.0))
    bench.device.voltage_v = 398.5
    bench.until(lambda: bench.meter.cable() == Voltage(398.5))


def test_the_clock_is_set_before_anything_else(bench: Bench) -> None:
    bench.meter.start()
    bench.until(lambda: bench.meter.read().is_valid)
    assert bench.device.time == "2026-01-01T00:00:00Z"


def test_an_old_register_is_not_billed(bench: Bench) -> None:
    assert not bench.meter.read().is_valid
    bench.meter.start()
    bench.until(lambda: bench.meter.read().is_valid)
    bench.server.close()
    bench.clock.advance(FRESH_S + 1.0)
    bench.until(lambda: not bench.meter.read().is_valid)
    assert bench.meter.read().energy == Energy(12_345.0)
    bench.server = LemServer(bench.device, *self_signed(bench.folder / "again"))


def test_a_meter_with_a_fault_is_not_billed(bench: Bench) -> None:
    bench.device.faults = {"voltageOverRange": True}
    bench.meter.start()
    bench.until(lambda: bench.meter.status is not None)
    assert not bench.meter.read().is_valid


def test_a_signed_record_is_kept_byte_for_byte(bench: Bench) -> None:
    told: list[tuple[str, bytes]] = []
    bench.meter.on_signed = lambda transaction, content: told.append((transaction, content))
    bench.meter.start()
    bench.meter.began("s-1")
    bench.until(lambda: bench.device.running == "s-1")
    bench.device.energy_kwh = 20.0
    bench.meter.ended("s-1")
    kept = bench.folder / "ocmf" / "s-1.ocmf"
    bench.until(kept.exists)
    assert kept.read_bytes() == bench.device.answer("GET", "/v1/ocmf?transactionId=s-1", None)[1]
    bench.until(lambda: told == [("s-1", kept.read_bytes())])
    assert bench.device.transactions["s-1"]["evseId"] == "DE*ABC*E1"


def test_an_order_that_the_meter_refuses_holds_up_nothing(bench: Bench) -> None:
    bench.meter.start()
    bench.meter.ended("never-began")
    bench.meter.began("s-2")
    bench.until(lambda: bench.device.running == "s-2")


def test_a_meter_with_another_certificate_is_not_believed(bench: Bench, tmp_path: Path) -> None:
    other = pki.create_ca(tmp_path / "other", "Somebody else")
    meter = bench.driver(other.certificate_file)
    meter.start()
    time.sleep(0.5)
    meter.close()
    assert meter.status is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"voltage": true}', '{"voltage": 1, "current": 2}', "[" * 5000])
def test_answers_that_say_nothing_are_refused(text: str) -> None:
    with pytest.raises(RemoteError):
        lem.live_from(text)
    with pytest.raises(RemoteError):
        lem.status_from(text)


@pytest.mark.parametrize("document", [b"", b"OCMF", b"XYZ|{}|{}", b"OCMF|" + b"x" * lem.MOST_OCMF + b"|"])
def test_what_is_no_signed_record_is_refused(document: bytes) -> None:
    with pytest.raises(RemoteError):
        lem.check_ocmf(document)


def test_a_long_transaction_is_cut_only_where_the_meter_needs_it() -> None:
    body = lem.begin("x" * 50, evse="E")
    assert (len(body["clientId"]), len(body["transactionId"])) == (37, 50)


def test_the_time_is_utc() -> None:
    assert lem.set_time(datetime(2026, 5, 1, 12, tzinfo=UTC))["time"]["utc"] == "2026-05-01T12:00:00Z"
