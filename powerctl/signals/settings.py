"""The grid part of the `[manager]` table, and what it means in words."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.runtime.settings import Section
from powerctl.signals.certificate import normalized
from powerctl.signals.lpc import Autonomy
from powerctl.signals.sources.settings import SourcesSettings

SLOTS: Final = 4
"""Source slots of model 64300."""
DSO_SETTLE_S: Final = 2.0
OTHER_SETTLE_S: Final = 5.0
"""Settle times of architecture rule 4, unless commissioned otherwise."""


class ModbusTcpSettings(Section):
    """The Modbus/TCP server. Anyone who reaches it may read; writing is commissioned per slot."""

    host: str = "127.0.0.1"
    port: int = Field(default=5020, ge=0, le=65535)
    """0: any free port."""
    max_connections: int = Field(default=64, ge=1, le=1024)
    """Beyond this the connection that was silent longest gives way, those of commissioned writers last."""
    idle_timeout_s: float = Field(default=60.0, gt=0, le=3600)
    """A connection without a complete request for this long is closed."""
    max_writes_per_s: float = Field(default=10.0, gt=0, le=1000)
    """Sustained writes per peer, with bursts of twice as many; beyond it the answer is *busy*."""


class ClientSettings(Section):
    """A certificate that may write to slots; `powerctl grid enrol` prints these lines."""

    fingerprint: str
    """SHA-256 of the certificate, 64 hexadecimal digits; colons do not matter."""
    slots: tuple[int, ...]
    """Slots that its holder speaks for."""
    name: str = ""
    """For people."""

    @field_validator("fingerprint")
    @classmethod
    def _fingerprint_is_one(cls, fingerprint: str) -> str:
        return normalized(fingerprint)

    @field_validator("slots")
    @classmethod
    def _slots_exist(cls, slots: tuple[int, ...]) -> tuple[int, ...]:
        return _existing(slots)


def _existing(slots: tuple[int, ...]) -> tuple[int, ...]:
    if any(not 0 <= slot < SLOTS for slot in slots):
        raise ValueError(f"slots are 0 to {SLOTS - 1}")
    return slots


class ModbusTlsSettings(Section):
    """The secure server (Modbus/TCP Security). The role of a peer comes from its certificate."""

    host: str = "127.0.0.1"
    port: int = Field(default=5802, ge=0, le=65535)
    """802 is the registered one. 0: any free port."""
    certificate: Path
    """The station's certificate with everything between it and its root, PEM."""
    key: Path
    authorities: tuple[Path, ...] = Field(min_length=1, max_length=64)
    """Roots that may sign peers, PEM. Replaced files count from the next handshake on."""
    revoked: Path | None = None
    """Revocation list of these roots, PEM."""
    clients: tuple[ClientSettings, ...] = ()
    """Certificates that are bound to slots. Without one a grid service reads, and writes nothing."""
    max_connections: int = Field(default=64, ge=1, le=1024)
    idle_timeout_s: float = Field(default=60.0, gt=0, le=3600)


BaudRate = Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200]


class ModbusRtuSettings(Section):
    """A serial line, RS-485 as a rule. Whoever is on the line is one peer."""

    device: str
    """Path of the serial port."""
    baud: BaudRate = 19200
    parity: Literal["none", "even", "odd"] = "even"
    stop_bits: Literal[1, 2] = 1
    unit: int = Field(default=1, ge=1, le=247)
    """The station's address on the line, until 1.DA was written."""
    gap_s: float = Field(default=0.02, ge=0.001, le=1)
    """Silence that ends a frame; at least 3.5 characters are waited for. USB adapters need 20 ms."""
    slots: tuple[int, ...] = ()
    """Slots that the line speaks for. Empty: it only reads."""
    installer: bool = False
    """True: the line may write the station's own settings."""

    @field_validator("slots")
    @classmethod
    def _slots_exist(cls, slots: tuple[int, ...]) -> tuple[int, ...]:
        return _existing(slots)


class SlotSettings(Section):
    """One source of grid signals: who it is, who may write, and what its silence means."""

    index: int = Field(ge=0, lt=SLOTS)
    """Slot of model 64300."""
    source: Literal["dso", "ems", "aggregator", "operator"]
    commissioned: bool
    """False: the slot contributes nothing and accepts nothing."""
    writers: tuple[str, ...] = ()
    """Addresses or networks whose plain Modbus/TCP writes are accepted. Empty: nobody's."""
    failsafe_w: float = Field(ge=0, le=1e7)
    """Cap at start and while the source is silent, watts AC. No default."""
    failsafe_min_s: int = Field(ge=7200, le=86400)
    """How long the failsafe lasts at least, LPC-TS-013. No default."""
    heartbeat_timeout_s: int = Field(ge=0, le=600)
    """Silence that starts the failsafe; 0: silence means nothing, else 5 to 600. No default."""
    settle_s: float | None = Field(default=None, ge=0, le=60)
    """Within this time a decrease must have reached the power stage. Absent: 2 s for the DSO, 5 s for others."""
    autonomy: Autonomy = Autonomy.AFTER_FAILSAFE_MIN
    """When the station may go on without the source: `never`, `after_failsafe_min`, or `after_wait` as LPC permits."""

    @field_validator("writers")
    @classmethod
    def _writers_are_networks(cls, writers: tuple[str, ...]) -> tuple[str, ...]:
        for writer in writers:
            ip_network(writer)
        return writers

    @field_validator("heartbeat_timeout_s")
    @classmethod
    def _heartbeat_is_off_or_sane(cls, value: int) -> int:
        if 0 < value < 5:
            raise ValueError("use 0 (silence means nothing) or 5 to 600 seconds")
        return value

    @property
    def limit_source(self) -> LimitSource:
        """The source as the domain names it."""
        return LimitSource(self.source)

    @property
    def settle(self) -> float:
        """The settle time in force, seconds."""
        if self.settle_s is not None:
            return self.settle_s
        return DSO_SETTLE_S if self.source == "dso" else OTHER_SETTLE_S


class GridSettings(Section):
    """Everything about grid signals."""

    modbus_tcp: ModbusTcpSettings = ModbusTcpSettings()
    modbus_tls: ModbusTlsSettings | None = None
    """Absent: no secure server."""
    modbus_rtu: tuple[ModbusRtuSettings, ...] = Field(default=(), max_length=4)
    slots: tuple[SlotSettings, ...] = Field(default=(), max_length=SLOTS)
    installers: tuple[str, ...] = ()
    """Addresses or networks that may write the station's own settings (702, 703, 715.OpCtl). Empty: nobody."""
    control_slot: int | None = Field(default=None, ge=0, lt=SLOTS)
    """Slot whose source also speaks through SunSpec's own controls (model 704). Absent: the first commissioned one."""
    sources: SourcesSettings = SourcesSettings()
    trust_clock: bool = False
    """True: the computer's clock is right although its kernel does not know: a hypervisor or a receiver sets it.
    False: what starts at a time of day waits until the kernel's clock is synchronised."""
    schedule_currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    """Of the prices in model 64303, ISO 4217. Empty: not told."""

    @field_validator("installers")
    @classmethod
    def _installers_are_networks(cls, installers: tuple[str, ...]) -> tuple[str, ...]:
        for installer in installers:
            ip_network(installer)
        return installers

    @model_validator(mode="after")
    def _slots_are_distinct(self) -> Self:
        numbers = [slot.index for slot in self.slots]
        if len(set(numbers)) != len(numbers):
            raise ValueError("two slots have the same index")
        return self

    @model_validator(mode="after")
    def _control_slot_is_commissioned(self) -> Self:
        if self.control_slot is not None and self.controlling is None:
            raise ValueError(f"control_slot {self.control_slot} is not commissioned")
        return self

    @model_validator(mode="after")
    def _peers_are_distinct(self) -> Self:
        devices = [line.device for line in self.modbus_rtu]
        prints = [client.fingerprint for client in self.modbus_tls.clients] if self.modbus_tls else []
        if len(set(devices)) != len(devices) or len(set(prints)) != len(prints):
            raise ValueError("a serial line or a certificate is named twice")
        return self

    @property
    def controlling(self) -> SlotSettings | None:
        """The slot whose source also speaks through SunSpec's own controls. None: there is none."""
        commissioned = {slot.index: slot for slot in self.slots if slot.commissioned}
        index = min(commissioned, default=None) if self.control_slot is None else self.control_slot
        return None if index is None else commissioned.get(index)

    def describe(self) -> list[str]:
        """What the station does at start and on silence, one sentence each."""
        tcp = self.modbus_tcp
        lines = [f"Grid signals come in by Modbus/TCP on {tcp.host}:{tcp.port}; anyone who reaches it may read."]
        lines += _describe_fronts(self)
        commissioned = [slot for slot in self.slots if slot.commissioned]
        if not commissioned:
            lines.append("No grid source is commissioned: only the station's rating limits it.")
        for slot in commissioned:
            lines += _describe_slot(slot)
        lines += self.sources.describe()
        who = ", ".join(self.installers) or "nobody"
        lines.append(f"The station's own settings (models 702 and 703) may be written by {who} over plain Modbus/TCP.")
        return lines


_AFTERWARDS: Final = {
    Autonomy.NEVER: "It stays there until the source speaks again.",
    Autonomy.AFTER_FAILSAFE_MIN: "After {hours:g} h without the source it goes on without that limit.",
    Autonomy.AFTER_WAIT: "It goes on without that limit after 2 minutes at start, or {hours:g} h of silence later on.",
}


def _describe_fronts(settings: GridSettings) -> Iterator[str]:
    tls = settings.modbus_tls
    if tls is None:
        yield "There is no secure server: plain Modbus/TCP shows and believes addresses."
    else:
        yield f"Secure Modbus is on {tls.host}:{tls.port}; only peers with a certificate and a role get an answer."
        for client in tls.clients:
            bound = ", ".join(str(slot) for slot in client.slots)
            yield f"Certificate {client.fingerprint[:16]}… ({client.name or 'no name'}) speaks for slot {bound}."
    for line in settings.modbus_rtu:
        spoken = f"speaks for slot {', '.join(map(str, line.slots))}" if line.slots else "only reads"
        yield f"Serial line {line.device} ({line.baud} baud, address {line.unit}) {spoken}."


def _describe_slot(slot: SlotSettings) -> list[str]:
    who = f"slot {slot.index} ({slot.source})"
    writers = ", ".join(slot.writers)
    failsafe = Power(slot.failsafe_w)
    loss = f"After {slot.heartbeat_timeout_s} s without a heartbeat the station keeps to {failsafe} again."
    return [
        f"Source {who} may be written by {writers}." if writers else f"Source {who} may be written by nobody yet.",
        f"At start the station keeps to {failsafe} until {who} has sent a heartbeat and a limit.",
        loss if slot.heartbeat_timeout_s else f"Silence of {who} means nothing: its last limit stays.",
        _AFTERWARDS[slot.autonomy].format(hours=slot.failsafe_min_s / 3600),
        f"A lower limit of {who} reaches the power stage within {slot.settle:g} s; an emergency at once.",
    ]
