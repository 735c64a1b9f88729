"""What a station is made of, as far as every program must know it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from powerctl.core.ids import ConnectorId
from powerctl.core.units import Current, Power, Voltage


class ConnectorType(StrEnum):
    """The plug and its protocol."""

    CHADEMO = "chademo"
    CCS2 = "ccs"


@dataclass(frozen=True, slots=True)
class ConnectorCapability:
    """What a connector can do at best, DC."""

    connector: ConnectorId
    type: ConnectorType
    max_power: Power
    max_current: Current
    max_voltage: Voltage
    min_power: Power
    """The smallest power that the power stage can hold."""
    fallback: Power
    """The commissioned share: what the connector may draw with no energy manager."""
