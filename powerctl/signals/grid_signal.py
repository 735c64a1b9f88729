"""One record for every channel: what a grid source said, whatever it said it with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power


class Channel(StrEnum):
    """The way a signal came in."""

    MODBUS_TLS = "modbus-tls"
    MODBUS_TCP = "modbus-tcp"
    MODBUS_RTU = "modbus-rtu"
    CONTACT = "contact"
    EEBUS = "eebus"
    OPENADR = "openadr"
    OCPP = "ocpp"
    IEEE_2030_5 = "2030.5"
    METER = "meter"


@dataclass(frozen=True, slots=True)
class Authority:
    """Who speaks: travels with every request, and stands in the evidence."""

    channel: Channel
    peer: str
    """Address, or the name of the serial line."""
    role: str | None = None
    """From the peer's certificate. None: it showed none."""
    fingerprint: str | None = None
    """SHA-256 of the peer's certificate, hexadecimal. None: it showed none."""


class Kind(StrEnum):
    """What a signal asks for."""

    CAP = "cap"
    SETPOINT = "setpoint"
    PAUSE = "pause"
    EMERGENCY = "emergency"
    PRICE = "price"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Reversion:
    """What becomes of the cap when nobody renews it."""

    after_s: float
    cap: Power
    enabled: bool
    """False: the cap ends."""


@dataclass(frozen=True, slots=True)
class GridSignal:
    """A signal as received. All power is AC at the grid connection."""

    source: LimitSource
    authority: Authority
    kind: Kind
    received_at: Monotonic
    received_time: datetime
    event_id: int = 0
    """The source's own number; 0: none."""
    sequence: int = 0
    import_cap: Power | None = None
    export_cap: Power | None = None
    setpoint: Power | None = None
    """Power to draw; never negative at a station that only charges."""
    starts_at: Monotonic | None = None
    """None: at once."""
    ends_at: Monotonic | None = None
    """None: until revoked."""
    ends_time: datetime | None = None
    """`ends_at` for records and people."""
    ramp_up_w_s: float | None = None
    ramp_down_w_s: float | None = None
    randomise_s: float = 0.0
    """Bound of a random delay of increases."""
    priority: int = 0
    """Among set-points of equal authority the lower one wins."""
    heartbeat_timeout_s: float = 0.0
    """0: silence means nothing."""
    failsafe: Power | None = None
    failsafe_min_s: float = 0.0
    reversion: Reversion | None = None
    price: Decimal | None = None
    """Per kilowatt hour."""
    currency: str = ""

    def started(self, now: Monotonic) -> bool:
        """True from the start on."""
        return self.starts_at is None or now >= self.starts_at

    def ended(self, now: Monotonic) -> bool:
        """True from the end on."""
        return self.ends_at is not None and now >= self.ends_at
