"""The table `[manager.grid.sources]`: grid sources beside the register map, and what they mean in words."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.runtime.settings import Section
from powerctl.signals.sources.contact import ContactRules
from powerctl.signals.sources.frequency import FFR_WITHIN_S, FrequencyRules, Product
from powerctl.signals.sources.openadr import OpenAdrRules
from powerctl.signals.sources.registers import Number, Register
from powerctl.signals.sources.site import SiteRules

Watts = Annotated[float, Field(ge=0, le=1e7)]
Cap = Watts | Literal["unlimited"]


def power_of(cap: Cap) -> Power | None:
    """The cap; None: no limit."""
    return None if isinstance(cap, str) else Power(cap)


class ContactSettings(Section):
    """Relays of the grid operator's control box: one that dims, or two in a two-bit coding."""

    inputs: tuple[Path, ...] = Field(min_length=1, max_length=2)
    """Files that hold 0 or 1, as Linux shows digital inputs."""
    closed: Literal[0, 1] = 1
    """What an input reads while its contact dims. 0 with contacts that open to dim: then a broken wire dims too."""
    caps_w: tuple[Cap, ...]
    """Watts AC, or `"unlimited"`, for each state of the contacts: none dims, the first one, the second one, both.
    FNN's two-bit coding is 100, 60, 30 and 0 per cent. No default."""
    settle_s: float = Field(default=2.0, ge=0, le=60)
    """Within this time a decrease must have reached the power stage."""

    @model_validator(mode="after")
    def _every_state_has_a_cap(self) -> Self:
        states = 2 ** len(self.inputs)
        if len(self.caps_w) != states:
            raise ValueError(f"{len(self.inputs)} inputs have {states} states, caps_w has {len(self.caps_w)}")
        return self

    def rules(self) -> ContactRules:
        """The same as the core takes it."""
        return ContactRules(tuple(power_of(cap) for cap in self.caps_w), settle_s=self.settle_s)


class RegisterSettings(Section):
    """One value in a peer's registers."""

    address: int = Field(ge=0, le=0xFFFF)
    """Zero-based, as on the wire."""
    type: Number
    scale: float = 1.0
    """Factor to watts, amperes or hertz; negative where the peer counts the other way."""
    function: Literal[3, 4] = 3
    """3: holding register, 4: input register."""
    low_word_first: bool = False

    def register(self) -> Register:
        """The same as the core takes it."""
        return Register(self.address, self.type, self.scale, self.function, self.low_word_first)


class PeerSettings(Section):
    """A Modbus/TCP peer that the station reads. Nothing proves who answers: keep it on a wire of your own."""

    host: str
    port: int = Field(default=502, ge=1, le=65535)
    unit: int = Field(default=1, ge=0, le=255)
    interval_s: float = Field(default=1.0, ge=0.1, le=60)
    """Between two readings."""


class MeterSettings(PeerSettings):
    """The meter at the grid connection, and what the connection carries."""

    drawn: Literal["positive", "negative"] = "positive"
    """How a SunSpec meter counts power that is drawn from the grid: meters differ."""
    power: RegisterSettings | None = None
    """Where the power lies, positive as drawn. Absent: a SunSpec meter (models 201 to 204, 211 to 214)."""
    currents: tuple[RegisterSettings, RegisterSettings, RegisterSettings] | None = None
    """Where the phases' currents lie, amperes. Absent: the meter does not tell, or is a SunSpec meter."""
    limit_w: Watts
    """What the grid connection carries, watts AC. No default."""
    others_max_w: Watts
    """The most that everything else behind the meter can draw: counts while the meter is silent. No default."""
    fuse_a: float | None = Field(default=None, gt=0, le=10_000)
    """Fuse of each phase, amperes. Absent: only the power is watched."""
    margin_w: Watts = 0.0
    """Kept free at all times."""
    stale_s: float = Field(default=10.0, ge=1, le=300)
    """A meter that is silent for so long is worst case."""
    rise_after_s: float = Field(default=10.0, ge=0, le=600)
    """More power is taken only after the others drew less for so long."""

    def rules(self) -> SiteRules:
        """The same as the core takes it."""
        return SiteRules(
            limit=Power(self.limit_w),
            others_max=Power(self.others_max_w),
            fuse_a=self.fuse_a,
            margin=Power(self.margin_w),
            stale_s=self.stale_s,
            rise_after_s=self.rise_after_s,
        )


class TerminalSettings(PeerSettings):
    """A utility's remote terminal that only serves registers: the station reads its commands there."""

    slot: int = Field(ge=0, le=3)
    """Commissioned slot of model 64300 that the terminal commands."""
    limit: RegisterSettings
    """The limit, watts after its scale."""
    enable: RegisterSettings | None = None
    """0: the limit does not hold. Absent: it always does."""
    heartbeat: RegisterSettings | None = None
    """A value that changes while the utility is in touch. Absent: every answer is a sign of life."""


class FrequencySettings(Section):
    """Local response to the line frequency."""

    product: Product
    """`ffr`: everything at once below a threshold; `fcr-d`: in proportion from 49.9 down to 49.5 Hz."""
    armed: bool
    """True: armed from the start. No default."""
    socket: Path
    """Unix socket of the program that measures: one line per sample, hertz, at least ten per second."""
    floor_w: Watts = 0.0
    """What the station still draws at full activation."""
    threshold_hz: float = 49.7
    """Of FFR: 49.7, 49.6 or 49.5."""
    ramp_up_w_s: float = Field(default=500.0, gt=0, le=1e6)
    """How fast power returns afterwards."""
    down_w: Watts = 0.0
    """FCR-D down: held back from the rating while armed, and drawn in proportion from 50.1 to 50.5 Hz, as far as every
    other cap allows. 0: FCR-D up only."""

    @field_validator("threshold_hz")
    @classmethod
    def _threshold_is_a_product(cls, value: float) -> float:
        if value not in FFR_WITHIN_S:
            raise ValueError("use 49.7, 49.6 or 49.5")
        return value

    @model_validator(mode="after")
    def _down_is_a_part_of_fcr_d(self) -> Self:
        if self.down_w and self.product is not Product.FCR_D:
            raise ValueError("down_w belongs to fcr-d")
        return self

    def rules(self, rating: Power) -> FrequencyRules:
        """The same as the core takes it.

        Args:
            rating: What the station's grid connection carries, AC.
        """
        return FrequencyRules(
            self.product,
            floor=Power(self.floor_w),
            ffr_hz=self.threshold_hz,
            ramp_up_w_s=self.ramp_up_w_s,
            rating=rating,
            down=min(Power(self.down_w), rating),
        )


class CallbackSettings(Section):
    """Where the server's notifications come in. They only make the station look at once."""

    url: str
    """As the server reaches it."""
    host: str = "127.0.0.1"
    port: int = Field(ge=0, le=65535)


class OpenAdrSettings(Section):
    """A server of OpenADR 3.1 (VTN) whose events the station follows."""

    url: str
    """Base of the API; https, unless it is on this machine."""
    client_id: str
    client_secret_file: Path
    """File with the secret, readable by this program's user only."""
    ven_name: str = Field(min_length=1, max_length=128)
    programs: tuple[str, ...] = ()
    """Names of the programs to follow. Empty: all that the server shows."""
    source: Literal["aggregator", "dso", "operator"] = "aggregator"
    """For whom the server speaks."""
    simple_w: tuple[Cap, Cap, Cap, Cap]
    """Watts AC, or `"unlimited"`, for the levels 0 to 3 of SIMPLE. No default."""
    emergency_w: Watts
    """What the station draws at most during ALERT_GRID_EMERGENCY; 0: an emergency stop. No default."""
    settle_s: float = Field(default=5.0, ge=0, le=60)
    poll_s: float = Field(default=30.0, ge=1, le=3600)
    report_s: float = Field(default=60.0, ge=1, le=3600)
    """Between two reports about an event in force."""
    silence_s: float = Field(default=0.0, ge=0, le=86400)
    """Silence of the server that starts the failsafe; 0: its events stay as they are known."""
    failsafe_w: Watts | None = None
    """Cap while the server is silent; needed with `silence_s`."""
    callback: CallbackSettings | None = None
    """Absent: the station only polls."""

    @field_validator("url")
    @classmethod
    def _url_is_private(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname)):
            return url
        raise ValueError("use https; http only to this machine")

    @model_validator(mode="after")
    def _silence_has_a_value(self) -> Self:
        if self.silence_s > 0 and self.failsafe_w is None:
            raise ValueError("silence_s needs failsafe_w")
        return self

    def rules(self, rating: Power) -> OpenAdrRules:
        """The same as the core takes it."""
        none, moderate, high, special = self.simple_w
        return OpenAdrRules(
            rating,
            (power_of(none), power_of(moderate), power_of(high), power_of(special)),
            emergency=Power(self.emergency_w),
            source=LimitSource(self.source),
            settle_s=self.settle_s,
            failsafe=None if self.failsafe_w is None else Power(self.failsafe_w),
            silence_s=self.silence_s,
        )


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


class SourcesSettings(Section):
    """Grid sources beside the register map. Absent: there is none."""

    contact: ContactSettings | None = None
    meter: MeterSettings | None = None
    utility: TerminalSettings | None = None
    frequency: FrequencySettings | None = None
    openadr: OpenAdrSettings | None = None

    def describe(self) -> list[str]:
        """What the sources make the station do, one sentence each."""
        lines = [] if self.contact is None else _contact(self.contact)
        lines += [] if self.meter is None else _meter(self.meter)
        lines += [] if self.utility is None else _utility(self.utility)
        lines += [] if self.frequency is None else _frequency(self.frequency)
        return lines + ([] if self.openadr is None else _openadr(self.openadr))


def _contact(settings: ContactSettings) -> list[str]:
    lowest = settings.rules().lowest
    caps = ", ".join("no limit" if isinstance(cap, str) else str(Power(cap)) for cap in settings.caps_w)
    lines = [f"Contacts of the grid operator limit the station; none, first, second, both: {caps}."]
    return lines if lowest is None else [*lines, f"While they cannot be read the station keeps to {lowest}."]


def _meter(settings: MeterSettings) -> list[str]:
    limit = Power(settings.limit_w)
    worst = Power(max(0.0, settings.limit_w - settings.margin_w - settings.others_max_w))
    return [
        f"The station takes what the other loads leave of {limit}, by the meter at {settings.host}:{settings.port}.",
        f"While the meter is silent for {settings.stale_s:g} s or more, the station keeps to {worst}.",
    ]


def _utility(settings: TerminalSettings) -> list[str]:
    peer = f"{settings.host}:{settings.port}"
    alive = "every answer" if settings.heartbeat is None else f"a change of register {settings.heartbeat.address}"
    return [f"Slot {settings.slot} is commanded by the registers of {peer}; {alive} is a heartbeat."]


_PRODUCTS: Final = {Product.FFR: "at once below {hz:g} Hz", Product.FCR_D: "in proportion from 49.9 to 49.5 Hz"}


def _frequency(settings: FrequencySettings) -> list[str]:
    how = _PRODUCTS[settings.product].format(hz=settings.threshold_hz)
    armed = "armed from the start" if settings.armed else "not armed"
    told = [f"Local frequency response ({settings.product}), {armed}: sheds to {Power(settings.floor_w)} {how}."]
    if settings.down_w:
        held = Power(settings.down_w)
        told.append(f"While it is armed {held} of the rating are held back, and drawn from 50.1 to 50.5 Hz.")
    return told


def _openadr(settings: OpenAdrSettings) -> list[str]:
    lines = [f"The {settings.source} speaks by OpenADR 3.1 through {urlsplit(settings.url).netloc}."]
    if settings.failsafe_w is None or not settings.silence_s:
        return [*lines, "While its server is silent, the events that are known stay in force."]
    return [*lines, f"After {settings.silence_s:g} s of silence the station keeps to {Power(settings.failsafe_w)}."]
