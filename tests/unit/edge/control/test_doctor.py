"""The doctor's table: every device gets a row, and every row that is not good says what to do."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import can
import pytest

from edge.can.frame import Frame, module_rejection
from edge.cli import main
from edge.control import doctor
from edge.control.doctor import Finding, Health, examine, module_finding, table
from edge.control.hardware_settings import CabinetSettings, InsulationSettings, MeterSettings
from edge.control.journal import Journal, journal_path
from edge.hardware.modules import simulated
from edge.hardware.modules.bank import Module
from edge.hardware.modules.family import Trouble
from edge.hardware.modules.infypower import InfypowerReg
from edge.hardware.modules.simulated import ModuleFault
from edge.hardware.simulated_bender import BenderOnTerminal, BenderRegisters
from edge.hardware.simulated_lem import LemDevice, LemServer, self_signed
from powerctl.core.clock import Monotonic
from powerctl.core.ids import ConnectorId
from tests.unit.edge.control.rig import a_fault
from tests.unit.edge.control.test_settings import GOOD
from tests.unit.edge.hardware.modules.story import RATING

CABINET = CabinetSettings.model_validate(
    {
        "family": "infypower",
        "can": {"interface": "virtual", "channel": "doctor"},
        "module": [{"address": address, "connector": 1} for address in (1, 2, 3)],
        "max_power_w": 11_000,
        "max_current_a": 30,
        "min_voltage_v": 150,
        "max_voltage_v": 1000,
    }
)


@pytest.fixture
def module_bus() -> Iterator[None]:
    """Three modules, of which one is hot and one is dead."""
    state = simulated.cabinet(InfypowerReg(), RATING, (1, 2, 3), Monotonic(0.0))
    state = simulated.faulted(simulated.faulted(state, 2, ModuleFault.HOT), 3, ModuleFault.DEAD)
    bus = can.Bus(interface="virtual", channel="doctor")
    stopping = threading.Event()

    def serve() -> None:
        while not stopping.is_set():
            message = bus.recv(0.05)
            if message is None:
                continue
            frame = Frame(message.arbitration_id, bytes(message.data), bool(message.is_extended_id))
            assert module_rejection(frame) is None
            for answer in simulated.received(state, frame, Monotonic(0.0))[1]:
                bus.send(can.Message(arbitration_id=answer.frame_id, data=answer.data, is_extended_id=True))

    thread = threading.Thread(target=serve)
    thread.start()
    yield
    stopping.set()
    thread.join()
    bus.shutdown()


@pytest.mark.usefixtures("module_bus")
def test_modules_are_asked_and_each_gets_its_row() -> None:
    found = list(doctor.modules(CABINET))
    assert [finding.health for finding in found] == [Health.GOOD, Health.BAD, Health.BAD]
    assert found[1].found == "over-temperature, 95 °C"
    assert found[2].found == "does not answer"
    assert "address" in found[2].remedy


def test_a_module_that_is_on_is_noticed() -> None:
    module = Module(1, Monotonic(0.0), is_on=True)
    assert module_finding(module).health is Health.LOOK
    assert module_finding(Module(1, Monotonic(0.0), troubles=frozenset({Trouble.FAN}))).health is Health.LOOK


def test_the_insulation_monitor_is_named_and_tests_itself() -> None:
    pytest.importorskip("serial")
    device = BenderOnTerminal(BenderRegisters(kohm=900.0, volts=0.0))
    try:
        finding = doctor.insulation("insulation", InsulationSettings(port=device.path))
    finally:
        device.close()
    assert finding == Finding("insulation", Health.GOOD, "isoCHA425HV-D4-4, self-test begun, 900 kΩ at 0 V")
    assert device.registers.self_tests == 1


def test_the_meters_clock_and_faults_are_looked_at(tmp_path: Path) -> None:
    device = LemDevice()
    certificate, key = self_signed(tmp_path)
    server = LemServer(device, certificate, key)
    settings = MeterSettings(
        url=f"https://127.0.0.1:{server.port}", certificate=certificate.parent / "ca.pem", evse="E"
    )
    try:
        assert doctor.dc_meter("meter", settings).health is Health.LOOK
        device.faults = {"currentOverRange": True}
        assert doctor.dc_meter("meter", settings).found == "SIM-LEM-0001: currentOverRange"
    finally:
        server.close()


def test_a_whole_station_without_devices_is_a_table_of_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "station.toml"
    nobody = GOOD.replace(":7001", ":1").replace(":50061", ":1")
    path.write_text(nobody.replace('state_dir = "state"', f'state_dir = "{tmp_path}/state"'))
    assert main(["doctor", "--config", str(path)]) == 2
    out = capsys.readouterr().out
    assert "BAD   energy manager" in out
    assert "BAD   connector 1 CAN" in out
    assert "BAD   connector 1 plant" in out
    assert out.count("→") >= 3


def test_latched_faults_are_in_the_table(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text(GOOD.replace('state_dir = "state"', f'state_dir = "{tmp_path}/state"'))
    journal = Journal(journal_path(tmp_path / "state"))
    journal.fault_latched(ConnectorId(1), a_fault("insulation"))
    journal.close()
    found = [finding for finding in examine(path) if "latched" in finding.found]
    assert [finding.remedy for finding in found] == ["Remove the cause, then powerctl-edge release."]


def test_a_full_disk_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1 << 20}))
    assert doctor.disk(tmp_path / "not" / "yet").health is Health.BAD


def test_somebody_who_listens_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert doctor.manager(f"127.0.0.1:{server.getsockname()[1]}").health is Health.GOOD


def test_errors_of_the_kernels_counters_are_shown(tmp_path: Path) -> None:
    statistics = tmp_path / "can0" / "statistics"
    statistics.mkdir(parents=True)
    (statistics / "rx_errors").write_text("7\n")
    (statistics / "tx_errors").write_text("0\n")
    assert doctor._kernel_errors("can0", tmp_path) == "7 receive and 0 transmit errors"
    assert doctor._kernel_errors("can1", tmp_path) == ""


def test_the_table_counts() -> None:
    rows = table([Finding("disk", Health.GOOD, "fine"), Finding("lines", Health.BAD, "gone", "Look.")])
    assert rows == ["good  disk   fine", "BAD   lines  gone  → Look.", "2 devices, 1 of them bad."]
