"""The `[station]` table: what every program of one station must know about it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from powerctl.core.ids import ConnectorId, station_id
from powerctl.core.topology import ConnectorCapability, ConnectorType
from powerctl.core.units import Current, Power, Voltage
from powerctl.runtime.settings import Section


class ConnectorSettings(Section):
    """One connector: its ratings, DC, and what it may draw with nobody in charge."""

    id: int = Field(ge=1, le=64)
    """1-based; 1 is the left one as a person stands in front of the station."""
    type: Literal["chademo", "ccs"]
    position: Literal["left", "right"]
    max_power_w: float = Field(gt=0, le=1e6)
    max_current_a: float = Field(gt=0, le=1000)
    max_voltage_v: float = Field(gt=0, le=1500)
    min_power_w: float = Field(ge=0)
    """Smallest DC power that the power stage can hold."""
    fallback_w: float = Field(ge=0)
    """Commissioned share, DC: what the connector may draw when the energy manager is silent. No default: the
    installer must say what is safe with no one in charge."""

    @model_validator(mode="after")
    def _fallback_within_rating(self) -> Self:
        if self.fallback_w > self.max_power_w:
            raise ValueError(f"fallback_w {self.fallback_w:g} is above max_power_w {self.max_power_w:g}")
        if self.min_power_w > self.max_power_w:
            raise ValueError(f"min_power_w {self.min_power_w:g} is above max_power_w {self.max_power_w:g}")
        return self

    def capability(self) -> ConnectorCapability:
        """The same as a domain value."""
        return ConnectorCapability(
            connector=ConnectorId(self.id),
            type=ConnectorType(self.type),
            max_power=Power(self.max_power_w),
            max_current=Current(self.max_current_a),
            max_voltage=Voltage(self.max_voltage_v),
            min_power=Power(self.min_power_w),
            fallback=Power(self.fallback_w),
        )


class StationSettings(Section):
    """The station as a whole."""

    id: str
    """Common name of the station's certificates."""
    display_name: str = Field(min_length=1, max_length=100)
    address: str = Field(default="", max_length=300)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    rating_w: float = Field(gt=0, le=1e7)
    """What the grid connection carries, AC, auxiliaries included. No default."""
    simulated: bool = False
    """True when vehicles or power stage are simulated; said on every page."""
    state_dir: Path
    """Folder for what must survive a restart; each program keeps a sub-folder of its own."""
    connectors: tuple[ConnectorSettings, ...] = Field(alias="connector", min_length=1, max_length=64)

    @field_validator("id")
    @classmethod
    def _id_is_a_name(cls, value: str) -> str:
        return station_id(value)

    @model_validator(mode="after")
    def _connectors_are_distinct(self) -> Self:
        numbers = [connector.id for connector in self.connectors]
        if len(set(numbers)) != len(numbers):
            raise ValueError("two connectors have the same id")
        return self

    def capabilities(self) -> tuple[ConnectorCapability, ...]:
        """The connectors as domain values, in order of their ids."""
        return tuple(sorted((c.capability() for c in self.connectors), key=lambda c: c.connector))
