"""Settings of real hardware: the cabinet of power modules, named lines, insulation monitors, meters, real time."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from edge.can.port import check_parameters
from edge.hardware.bender import MODE_CHADEMO
from edge.hardware.gpio import LineMap
from edge.hardware.insulation import SerialLine, Watch
from edge.hardware.lem_meter import MeterAddress
from edge.hardware.lines import check_names
from edge.hardware.modules.bank import ModuleRating
from edge.hardware.modules.family import Family
from edge.hardware.modules.infypower import InfypowerReg
from edge.hardware.modules.matrix import MatrixConfig
from edge.hardware.modules.uugreen import UuGreenPower
from powerctl.core.errors import ConfigError
from powerctl.core.ids import ConnectorId
from powerctl.core.units import Current, Power, Voltage
from powerctl.runtime.settings import Section

CanSettings = dict[str, str | int | float | bool]


class ModuleSettings(Section):
    """One power module."""

    address: int = Field(ge=1, le=60)
    """As set on the module."""
    connector: int
    """Which connector it feeds; with a matrix, which one when both have a vehicle."""


class CabinetSettings(Section):
    """The power modules, on a bus that no vehicle shares."""

    family: Literal["infypower", "uugreen"]
    can: CanSettings
    """As for a connector; modules of both families speak at 125 kbit/s."""
    module: tuple[ModuleSettings, ...] = Field(min_length=1, max_length=16)
    max_power_w: float = Field(gt=0, le=100_000)
    """Of one module, DC."""
    max_current_a: float = Field(gt=0, le=400)
    """Of one module."""
    min_voltage_v: float = Field(gt=0, le=500)
    max_voltage_v: float = Field(gt=0, le=1500)
    switch_s: float | None = Field(default=None, gt=0, le=30)
    """How long the contactors of the switching matrix take. Absent: each module belongs to one connector for good."""

    @model_validator(mode="after")
    def _addresses_are_distinct(self) -> Self:
        addresses = [module.address for module in self.module]
        if len(set(addresses)) != len(addresses):
            raise ValueError("two modules have the same address")
        return self

    def make_family(self) -> Family:
        """The codec."""
        return InfypowerReg() if self.family == "infypower" else UuGreenPower()

    def rating(self) -> ModuleRating:
        """What one module can do at best."""
        return ModuleRating(
            Power(self.max_power_w),
            Current(self.max_current_a),
            Voltage(self.min_voltage_v),
            Voltage(self.max_voltage_v),
        )

    def matrix(self) -> MatrixConfig:
        """Where each module belongs, and whether it can be moved."""
        home = {module.address: ConnectorId(module.connector) for module in self.module}
        return MatrixConfig(home, self.switch_s)


class GpioSettings(Section):
    """Which line of the GPIO chip carries what."""

    chip: str = "/dev/gpiochip0"
    lines: dict[str, int]
    """From a name to the line's offset: `CONNECTOR.ROLE` with the outputs d1, d2, lock, relay, discharge, green, blue
    and red and the inputs k, prox, lock_feedback, pe, start, stop and emergency; `station.emergency`;
    `station.door`, on while a door is open;
    `module.ADDRESS.CONNECTOR` for a contactor of the switching matrix."""
    active_low: tuple[str, ...] = ()
    """Names of lines that are on when their level is low."""

    def map(self) -> LineMap:
        """The same as a domain value."""
        return LineMap(self.chip, self.lines, frozenset(self.active_low))


class InsulationSettings(Section):
    """A Bender isoCHA425HV on a serial line."""

    port: str
    """Device, for example `/dev/ttyUSB0`."""
    baud: int = 19_200
    """Even parity, one stop bit. Public sources name 19200 and 9600: look at the device."""
    unit: int = Field(default=3, ge=1, le=247)
    warning_kohm: float = Field(default=500.0, gt=0, le=1000)
    bad_kohm: float = Field(default=100.0, gt=0, le=1000)
    mode: int = Field(default=MODE_CHADEMO, ge=0, le=10)
    """What register 3023 takes for CHAdeMO; not certain, see the device's manual."""

    def line(self) -> SerialLine:
        """How it is reached."""
        return SerialLine(self.port, self.baud, self.unit)

    def watch(self) -> Watch:
        """What it watches for."""
        return Watch(self.warning_kohm, self.bad_kohm, self.mode)


class MeterSettings(Section):
    """A LEM DCBM 400/600."""

    url: str
    """`https://HOST[:PORT]`."""
    certificate: Path
    """PEM file with the certificate that the meter shows."""
    evse: str = Field(min_length=1, max_length=50)
    """Named in signed records."""

    @field_validator("url")
    @classmethod
    def _is_https(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" or not parts.hostname or parts.path.strip("/"):
            raise ValueError("needs https://HOST[:PORT]")
        return value

    def address(self) -> MeterAddress:
        """Where it is."""
        parts = urlsplit(self.url)
        return MeterAddress(parts.hostname or "", parts.port or 443, self.certificate)


class RealtimeSettings(Section):
    """How the controller keeps its beat."""

    cpus: tuple[int, ...] = ()
    """Numbers of the processors that it may use. Empty: any."""
    fifo_priority: int | None = Field(default=None, ge=1, le=90)
    """SCHED_FIFO with this priority. Absent: the scheduling class it was started with."""
    stall_s: float = Field(default=1.0, ge=0.3, le=10)
    """When the event loop stands still for so long, a guard of its own process switches real outputs off."""
    watchdog: Path | None = None
    """A hardware watchdog, for example `/dev/watchdog`; it is fed only while every connector beats."""


class LocalSettings(Section):
    """What people may do at the station itself."""

    start: bool = False
    """True: the start button begins charging without the cloud, and nobody is billed."""


def check_cabinet(where: str, cabinet: CabinetSettings, connectors: set[int]) -> None:
    """Refuse a cabinet that does not fit the station.

    Raises:
        ConfigError: A module feeds a connector that there is not, or a connector has none.
    """
    fed = {module.connector for module in cabinet.module}
    if fed != connectors:
        raise ConfigError(
            f"{where}.module",
            f"feeds the connectors {sorted(fed)}, not {sorted(connectors)}.",
            "Give each its modules.",
        )
    check_parameters(f"{where}.can", cabinet.can)


def check_gpio(where: str, gpio: GpioSettings, connectors: set[int]) -> None:
    """Refuse a table of lines that is not whole.

    Raises:
        ConfigError: It is not.
    """
    check_names(f"{where}.lines", gpio.lines, connectors)
    stray = sorted(set(gpio.active_low) - set(gpio.lines))
    if stray:
        raise ConfigError(f"{where}.active_low", f"{stray[0]} is no line of the table.", "Correct its spelling.")
    if len(set(gpio.lines.values())) != len(gpio.lines):
        raise ConfigError(f"{where}.lines", "names one line twice.", "Give each name a line of its own.")
