"""The `[edge]` table of a station file: how this controller reaches vehicles, hardware and the energy manager."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from edge import ccs
from edge.can.port import check_parameters
from edge.chademo.config import ConnectorConfig
from edge.chademo.timing import Time
from edge.chademo.vehicles import VehicleRule
from edge.control.hardware_settings import (
    CabinetSettings,
    GpioSettings,
    InsulationSettings,
    LocalSettings,
    MeterSettings,
    RealtimeSettings,
    check_cabinet,
    check_gpio,
)
from edge.hardware.plant import parse_address
from edge.hardware.simulated_station import AcModel
from powerctl.core.errors import ConfigError
from powerctl.core.ids import ConnectorId
from powerctl.core.session import Flexibility
from powerctl.core.topology import ConnectorCapability
from powerctl.core.units import Power, Voltage
from powerctl.runtime.private_key import check_private
from powerctl.runtime.settings import HttpListener, Section, TlsFiles, load
from powerctl.runtime.station import StationSettings


class VehicleRuleSettings(Section):
    """How a kind of vehicle is treated. What is absent does not matter for the match, or is not ruled."""

    name: str = Field(min_length=1, max_length=40)
    """For people."""
    maker: int | None = Field(default=None, ge=0, le=255)
    """Code in the vehicle's frame 0x700."""
    protocol_number: int | None = Field(default=None, ge=0, le=255)
    max_voltage_v: int | None = Field(default=None, gt=0)
    """As the vehicle states it in 0x100."""
    min_current_a: int | None = Field(default=None, ge=0)
    """As the vehicle states it in 0x100."""
    flexibility: Flexibility | None = None
    """firm: only started and stopped, available current never changes."""
    slope_a_s: float | None = Field(default=None, gt=0, le=20)
    """How fast available current falls for it."""
    floor_a: float | None = Field(default=None, gt=0)
    """The smallest current, when it is more than the vehicle states."""
    pause_s: float | None = Field(default=None, ge=0)
    """How long it stays in its session without current; 0: not at all."""

    def rule(self) -> VehicleRule:
        """The same as a domain value."""
        return VehicleRule(**dict(self))


class ChademoSettings(Section):
    """What a CHAdeMO connector was commissioned with beyond its ratings."""

    test_voltage_v: float = Field(default=500.0, ge=100, le=1000)
    """Of the insulation test; at most the connector's `max_voltage_v` is used."""
    test_hold_s: float = Field(default=2.0, ge=0.2, le=6)
    min_insulation_kohm: float = Field(default=100.0, gt=0)
    lower_a_s: float = Field(default=10.0, gt=0, le=20)
    """How fast available current falls until the vehicle has shown that it follows faster."""
    raise_a_s: float = Field(default=20.0, gt=0, le=20)
    dynamic_current: bool = True
    """False: for vehicles that end the session when available current changes."""
    excess_request_a: float | None = Field(default=None, gt=0)
    """A request so far above available current for 15 s is a fault. Absent: it is clamped for as long as it lasts."""
    reset_time_bit: int | None = Field(default=None, ge=3, le=7)
    """Bit of byte 0 of 0x118 that lets the vehicle state its charging time anew; its place is not public. Absent: never
    sent, and charging ends when the vehicle's maximum time is over."""
    vehicles: tuple[VehicleRuleSettings, ...] = ()
    """Rules for kinds of vehicles; the first that fits counts."""
    times: dict[Time, float] = Field(default_factory=dict)
    """Overrides of the protocol's time limits, seconds."""

    def config(self, capability: ConnectorCapability) -> ConnectorConfig:
        """The same with the connector's ratings, for the protocol core."""
        return ConnectorConfig(
            connector=capability.connector,
            max_power=capability.max_power,
            max_current=capability.max_current,
            max_voltage=capability.max_voltage,
            min_power=capability.min_power,
            test_voltage=Voltage(self.test_voltage_v),
            test_hold_s=self.test_hold_s,
            min_insulation_kohm=self.min_insulation_kohm,
            lower_a_s=self.lower_a_s,
            raise_a_s=self.raise_a_s,
            dynamic_current=self.dynamic_current,
            excess_request_a=self.excess_request_a,
            reset_time_bit=self.reset_time_bit,
            rules=tuple(vehicle.rule() for vehicle in self.vehicles),
            times=dict(self.times),
        )


class EdgeConnectorSettings(Section):
    """One connector's bus and power path."""

    id: int
    """As in `[[station.connector]]`."""
    can: dict[str, str | int | float | bool]
    """Passed to python-can: `interface`, `channel`, and what the interface needs beyond (`host`, `port`, `bitrate`)."""
    plant: str | None = None
    """`tcp://HOST:PORT`: pilot lines and power path are simulated by whoever listens there. Absent: they are real, and
    need `[edge.gpio]`, `[edge.cabinet]`, `insulation` and `meter`."""
    insulation: InsulationSettings | None = None
    """The insulation monitor. Absent: the plant's."""
    meter: MeterSettings | None = None
    """The DC meter. Absent: a simulated one, whose serial says so."""
    chademo: ChademoSettings = ChademoSettings()

    @field_validator("can")
    @classmethod
    def _names_a_bus(cls, value: dict[str, str | int | float | bool]) -> dict[str, str | int | float | bool]:
        missing = [key for key in ("interface", "channel") if key not in value]
        if missing:
            raise ValueError(f"{missing[0]} is missing")
        return value


class DispatchSettings(Section):
    """The way to the energy manager."""

    target: str = Field(min_length=1)
    """HOST:PORT."""
    tls: TlsFiles
    server_name: str | None = None
    """Expected name in the manager's certificate, when it is not the host of `target`."""


class SimulatedSettings(Section):
    """Parameters of the simulated station."""

    efficiency: tuple[tuple[float, float], ...] = (
        (500.0, 0.80),
        (2000.0, 0.91),
        (6000.0, 0.945),
        (15000.0, 0.955),
        (30000.0, 0.95),
    )
    """Points (DC watts of one connector, efficiency), rising."""
    auxiliary_w: float = Field(default=120.0, ge=0)
    frequency_hz: float = Field(default=50.0, gt=0)
    ac_voltage_v: float = Field(default=230.0, gt=0)

    @model_validator(mode="after")
    def _efficiency_rises(self) -> Self:
        watts = [point[0] for point in self.efficiency]
        if not watts or watts != sorted(set(watts)) or watts[0] <= 0:
            raise ValueError("efficiency: needs points with rising watts above 0")
        if not all(0 < point[1] <= 1 for point in self.efficiency):
            raise ValueError("efficiency: each must be above 0 and at most 1")
        return self

    def ac_model(self) -> AcModel:
        """The same as a domain value."""
        return AcModel(self.efficiency, Power(self.auxiliary_w), self.frequency_hz, Voltage(self.ac_voltage_v))


class EdgeSettings(Section):
    """The controller."""

    connectors: tuple[EdgeConnectorSettings, ...] = Field(alias="connector", min_length=1)
    dispatch: DispatchSettings
    outbox: Path | None = None
    """Shared with the uplink. Absent: `outbox.sqlite` in `station.state_dir`."""
    http: HttpListener = HttpListener(port=9465)
    simulated: SimulatedSettings = SimulatedSettings()
    cabinet: CabinetSettings | None = None
    """The power modules. Absent: the power stage is simulated."""
    gpio: GpioSettings | None = None
    """Pilot lines, relays, buttons and lights. Absent: the plant's lines, and no panel."""
    measures_cable: bool = True
    """False: the voltage on the cable is taken from the power modules even where a monitor or meter measures it."""
    trust_clock: bool = False
    """True: the computer's clock is right although its kernel does not know: a hypervisor or a receiver sets it. False:
    a session that is billed by time goes to review while the kernel's clock is not synchronised."""
    local: LocalSettings = LocalSettings()
    realtime: RealtimeSettings = RealtimeSettings()

    def outbox_path(self, station: StationSettings) -> Path:
        """Where the outbox lies."""
        return self.outbox or station.state_dir / "outbox.sqlite"


def load_settings(path: Path) -> tuple[StationSettings, EdgeSettings]:
    """The settings of the controller, checked against each other.

    Raises:
        ConfigError: They cannot be used.
    """
    sections = load(path, {"station": StationSettings, "edge": EdgeSettings})
    station: StationSettings = sections["station"]
    edge: EdgeSettings = sections["edge"]
    check(path, station, edge)
    return station, edge


def check(path: Path, station: StationSettings, edge: EdgeSettings) -> None:
    """Refuse tables that do not fit each other.

    Raises:
        ConfigError: They do not.
    """
    for rated in station.connectors:
        if rated.type == "ccs":
            raise ccs.refuse(f"{path}: station.connector", ConnectorId(rated.id))
    wanted = sorted(connector.id for connector in station.connectors)
    given = sorted(connector.id for connector in edge.connectors)
    if wanted != given:
        raise ConfigError(
            f"{path}: edge.connector", f"has the ids {given}, but the station has {wanted}.", "Give each one table."
        )
    for connector in edge.connectors:
        where = f"{path}: edge.connector {connector.id}"
        check_parameters(f"{where}.can", connector.can)
        if connector.plant is not None:
            parse_address(f"{where}.plant", connector.plant)
    _check_hardware(str(path), edge, set(given))
    _check_honest(str(path), station, edge)


def _check_hardware(path: str, edge: EdgeSettings, connectors: set[int]) -> None:
    if edge.cabinet is not None:
        check_cabinet(f"{path}: edge.cabinet", edge.cabinet, connectors)
    if edge.gpio is not None:
        check_gpio(f"{path}: edge.gpio", edge.gpio, {c.id for c in edge.connectors if c.plant is None})
    for connector in edge.connectors:
        needed = {
            "edge.gpio": edge.gpio,
            "edge.cabinet": edge.cabinet,
            f"edge.connector {connector.id}.insulation": connector.insulation,
            f"edge.connector {connector.id}.meter": connector.meter,
        }
        missing = [name for name, table in needed.items() if table is None]
        if connector.plant is None and missing:
            raise ConfigError(
                f"{path}: {missing[0]}",
                f"is missing, and connector {connector.id} has no plant that simulates it.",
                "Add it, or name a plant.",
            )


def _check_honest(path: str, station: StationSettings, edge: EdgeSettings) -> None:
    if not station.simulated and any(connector.plant is not None for connector in edge.connectors):
        raise ConfigError(
            f"{path}: station.simulated",
            "is false, but a plant over TCP simulates vehicle and power stage.",
            "Set it to true: a simulated station says so.",
        )


def check_readable(tls: TlsFiles) -> None:
    """Refuse certificate files that cannot be read, and a key that others can.

    Raises:
        ConfigError: One of them cannot.
    """
    for key, file in (("ca", tls.ca), ("certificate", tls.certificate), ("key", tls.key)):
        try:
            file.read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConfigError(
                f"edge.dispatch.tls.{key}", f"{file} cannot be read: {reason}.", "Give it a readable PEM file."
            ) from error
    check_private(tls.key, "edge.dispatch.tls.key")


def describe(station: StationSettings, edge: EdgeSettings) -> list[str]:
    """What the controller will do, in sentences."""
    shares = ", ".join(f"{Power(c.fallback_w)} on connector {c.id}" for c in station.connectors)
    return [
        f"At start, and when the energy manager at {edge.dispatch.target} is silent for 3 s, "
        f"the controller allows at most its last setpoint or the commissioned share, whichever is lower: {shares}.",
        "After an emergency or a pause it allows nothing until the energy manager is heard again.",
        *(
            f"Connector {connector.id} speaks CHAdeMO on {connector.can['interface']} {connector.can['channel']}; "
            f"{_where(edge, connector)}."
            for connector in edge.connectors
        ),
        *_habits(edge),
    ]


def _where(edge: EdgeSettings, connector: EdgeConnectorSettings) -> str:
    if connector.plant is None:
        return "its pilot lines and power stage are real"
    simulated = "pilot lines and power stage are" if edge.cabinet is None else "pilot lines are"
    return f"{simulated} simulated by {connector.plant}"


def _habits(edge: EdgeSettings) -> list[str]:
    sentences = []
    if edge.cabinet is not None:
        moves = "" if edge.cabinet.switch_s is None else ", which are moved between the connectors at zero current"
        sentences.append(f"Power comes from {len(edge.cabinet.module)} modules ({edge.cabinet.family}){moves}.")
    if edge.local.start:
        sentences.append("Anybody may start charging at the station's own button; nobody is billed for that.")
    return sentences
