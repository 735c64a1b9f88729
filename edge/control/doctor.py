"""`powerctl-edge doctor`: looks at every device of a station and says what to do about each.

It opens the devices itself, so it is run while the controller rests; what the controller holds is said to be in use.
It switches nothing on: modules are only asked, and lines are only read.
"""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import can

from edge.can.frame import Frame
from edge.control.guard import open_bus
from edge.control.hardware_settings import CabinetSettings, InsulationSettings, MeterSettings
from edge.control.journal import Journal, journal_path
from edge.control.settings import EdgeConnectorSettings, EdgeSettings, load_settings
from edge.hardware import bender, lem
from edge.hardware.gpio import GpioLines, LineMap
from edge.hardware.insulation import RtuClient
from edge.hardware.lem_meter import CLOCK_OFF_S, Https
from edge.hardware.lines import is_input
from edge.hardware.modules.bank import DISABLING, Module, heard
from edge.hardware.plant import parse_address
from powerctl.core.clock import Monotonic
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.core.ids import ConnectorId
from powerctl.runtime.station import StationSettings

ROUNDS: Final = 4
"""Times that a module is asked before it counts as missing."""
LISTEN_S: Final = 1.0
CONNECT_S: Final = 2.0
LEAST_FREE: Final = 200 * 1024 * 1024
"""Bytes; some weeks of records without a cloud."""


class Health(StrEnum):
    """How a device is."""

    GOOD = "good"
    LOOK = "look"
    """It works, and somebody should know."""
    BAD = "BAD"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the table."""

    device: str
    health: Health
    found: str
    remedy: str = ""


Look = Callable[[], Finding]


def table(findings: list[Finding]) -> list[str]:
    """The findings as lines of text (pure)."""
    width = max(len(finding.device) for finding in findings)
    lines = []
    for finding in findings:
        remedy = f"  → {finding.remedy}" if finding.remedy else ""
        lines.append(f"{finding.health:<5} {finding.device:<{width}}  {finding.found}{remedy}")
    bad = sum(finding.health is Health.BAD for finding in findings)
    lines.append(f"{len(findings)} devices, {bad} of them bad." if bad else f"{len(findings)} devices, all usable.")
    return lines


def examine(config: Path) -> list[Finding]:
    """Look at every device.

    Raises:
        ConfigError: The settings cannot be used.
    """
    station, edge = load_settings(config)
    return list(_all(station, edge))


def _all(station: StationSettings, edge: EdgeSettings) -> Iterator[Finding]:
    yield disk(station.state_dir)
    yield _tried("energy manager", lambda: manager(edge.dispatch.target))
    for connector in edge.connectors:
        yield from _connector(connector)
    if edge.gpio is not None:
        mapped = edge.gpio.map()
        yield _tried("lines", lambda: lines(mapped))
    if edge.cabinet is not None:
        yield from modules(edge.cabinet)
    yield from faults(station)


def _connector(connector: EdgeConnectorSettings) -> Iterator[Finding]:
    name = f"connector {connector.id}"
    parameters, plant, monitor, meter = connector.can, connector.plant, connector.insulation, connector.meter
    yield _tried(f"{name} CAN", lambda: bus(f"{name} CAN", dict(parameters)))
    if plant is not None:
        yield _tried(f"{name} plant", lambda: reachable(f"{name} plant", *parse_address("plant", plant)))
    if monitor is not None:
        yield _tried(f"{name} insulation", lambda: insulation(f"{name} insulation", monitor))
    if meter is not None:
        yield _tried(f"{name} meter", lambda: dc_meter(f"{name} meter", meter))


def _tried(device: str, look: Look) -> Finding:
    try:
        return look()
    except ConfigError as error:
        return Finding(device, Health.BAD, error.why, error.remedy)
    except (OSError, RemoteError, can.CanError, ValueError) as error:
        return Finding(device, Health.BAD, str(error)[:120], "Check power, wiring and the settings of this device.")


def disk(folder: Path) -> Finding:
    """Room for what must survive."""
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if free < LEAST_FREE:
        return Finding("disk", Health.BAD, f"{free >> 20} MB free", "Make room: without it no session starts.")
    return Finding("disk", Health.GOOD, f"{free >> 20} MB free")


def manager(target: str) -> Finding:
    """Whether somebody listens where the energy manager should."""
    host, _, port = target.rpartition(":")
    return reachable("energy manager", host, int(port))


def reachable(device: str, host: str, port: int) -> Finding:
    """Whether somebody listens there."""
    socket.create_connection((host, port), CONNECT_S).close()
    return Finding(device, Health.GOOD, f"{host}:{port} answers")


def bus(device: str, parameters: dict[str, Any]) -> Finding:
    """A vehicle's bus: its state, and whether anybody talks."""
    opened = open_bus(parameters)
    try:
        frames = sum(1 for _ in _messages(opened, 0.5))
        state = str(getattr(opened.state, "name", "")).lower()
    except NotImplementedError:
        frames, state = 0, "unknown"
    finally:
        opened.shutdown()
    errors = _kernel_errors(str(parameters.get("channel", "")))
    if state in ("passive", "error"):
        return Finding(
            device, Health.BAD, f"bus {state}, {errors}", "Check termination (120 Ω at both ends) and wires."
        )
    return Finding(device, Health.GOOD, f"opens, {frames} frames in 0.5 s{', ' + errors if errors else ''}")


def _kernel_errors(channel: str, root: Path = Path("/sys/class/net")) -> str:
    counters = root / channel / "statistics"
    if not channel or not counters.is_dir():
        return ""
    rx, tx = ((counters / f"{way}_errors").read_text().strip() for way in ("rx", "tx"))
    return f"{rx} receive and {tx} transmit errors"


def _messages(opened: Any, seconds: float) -> Iterator[can.Message]:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        message = opened.recv(left)
        if message is not None:
            yield message


def modules(cabinet: CabinetSettings) -> Iterator[Finding]:
    """Every power module: asked, not switched."""
    known: dict[int, Module] = {module.address: Module(module.address) for module in cabinet.module}
    try:
        known = asked(cabinet, open_bus(dict(cabinet.can)), known)
    except (OSError, can.CanError, ValueError) as error:
        yield Finding("modules", Health.BAD, str(error)[:120], "Check the modules' bus and its settings.")
        return
    for module in known.values():
        yield module_finding(module)


def asked(cabinet: CabinetSettings, opened: Any, known: dict[int, Module]) -> dict[int, Module]:
    """What the modules say. Who does not answer is asked again: a frame may be lost, or the bus just waking up."""
    family = cabinet.make_family()
    try:
        for _ in range(ROUNDS):
            for address in (module.address for module in known.values() if module.heard_at is None):
                for frame in (*family.questions(address), *family.seldom(address)):
                    opened.send(can.Message(arbitration_id=frame.frame_id, data=frame.data, is_extended_id=True))
            for message in _messages(opened, LISTEN_S):
                said = family.heard(Frame(message.arbitration_id, bytes(message.data), bool(message.is_extended_id)))
                if said is not None and said[0] in known:
                    known[said[0]] = heard(known[said[0]], said[1], Monotonic(time.monotonic()))
            if all(module.heard_at is not None for module in known.values()):
                break
    finally:
        opened.shutdown()
    return known


def module_finding(module: Module) -> Finding:
    """One module as a row (pure)."""
    device = f"module {module.address}"
    if module.heard_at is None:
        return Finding(device, Health.BAD, "does not answer", "Check its mains, its address and the modules' bus.")
    warm = "" if module.temperature_c is None else f", {module.temperature_c:.0f} °C"
    if module.troubles:
        health = Health.BAD if module.troubles & DISABLING else Health.LOOK
        return Finding(device, health, ", ".join(sorted(module.troubles)) + warm, "See the module's manual.")
    if module.is_on:
        return Finding(
            device, Health.LOOK, f"is on{warm}", "Is the controller running? Stop it before the doctor comes."
        )
    return Finding(device, Health.GOOD, f"answers, off, {module.voltage_v:.0f} V{warm}")


def lines(mapped: LineMap) -> Finding:
    """The GPIO lines: levels of the inputs. Outputs are not touched."""
    inputs = {name: offset for name, offset in mapped.offsets.items() if is_input(name)}
    opened = GpioLines(LineMap(mapped.chip, inputs, mapped.active_low, "powerctl-doctor"))
    try:
        levels = ", ".join(f"{name} {'on' if opened.sense(name) else 'off'}" for name in sorted(inputs))
    finally:
        opened.close()
    return Finding("lines", Health.GOOD, levels)


def insulation(device: str, settings: InsulationSettings) -> Finding:
    """The insulation monitor: who it is, what it measures, and its self-test."""
    client = RtuClient(settings.line())
    try:
        name = bender.name_from(client.read(bender.NAME, bender.NAME_REGISTERS))
        client.write(bender.SELF_TEST, bender.TEST_NOW)
        reading = bender.insulation_from(client.read(bender.R_F, bender.SPAN))
    finally:
        client.close()
    if reading is None:
        return Finding(device, Health.LOOK, f"{name}, self-test begun, no reading yet", "Ask again in a minute.")
    return Finding(device, Health.GOOD, f"{name}, self-test begun, {reading.kohm:.0f} kΩ at {reading.voltage}")


def dc_meter(device: str, settings: MeterSettings) -> Finding:
    """The DC meter: who it is, its faults, and its clock."""
    meter = Https(settings.address())
    try:
        status = lem.status_from(meter.good("GET", lem.STATUS))
    finally:
        meter.close()
    if status.faults:
        return Finding(device, Health.BAD, f"{status.serial}: {', '.join(status.faults)}", "See the meter's manual.")
    off_s = None if status.time is None else abs((status.time - datetime.now(UTC)).total_seconds())
    if off_s is None or off_s > CLOCK_OFF_S:
        return Finding(
            device, Health.LOOK, f"{status.serial}, its clock is off", "The controller sets it when it starts."
        )
    return Finding(device, Health.GOOD, f"{status.serial}, clock within {off_s:.0f} s")


def faults(station: StationSettings) -> Iterator[Finding]:
    """Faults that wait for an operator."""
    if not journal_path(station.state_dir).exists():
        return
    journal = Journal(journal_path(station.state_dir))
    try:
        for connector in station.connectors:
            for fault in journal.faults(ConnectorId(connector.id)):
                yield Finding(
                    f"connector {connector.id}",
                    Health.BAD,
                    f"latched fault {fault.code}: {fault.detail}",
                    "Remove the cause, then powerctl-edge release.",
                )
    finally:
        journal.close()
