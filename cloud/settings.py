"""The cloud's settings: the table `[cloud]` of its own file."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import UTC, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from cloud.ca.settings import CaSettings
from cloud.domain.approval import Required, Rules
from cloud.domain.retention import Retention
from cloud.ingest.jetstream import NatsSettings
from cloud.settings_money import PaymentSettings, Price, ReceiptSettings, TariffSettings
from cloud.settings_notify import NotifySettings
from powerctl.runtime.mqtt import MqttSettings
from powerctl.runtime.settings import HttpListener, Section, TlsFiles, load


def is_loopback(host: str) -> bool:
    """True when only this machine reaches `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class WebSettings(Section):
    """The web listener."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    public_url: str = ""
    """Address at which browsers reach the page. Empty: `http://HOST:PORT`."""
    proxies: tuple[str, ...] = ()
    """Addresses of proxies that are believed when they name the caller's address in `X-Forwarded-For`."""
    tls: TlsFiles | None = None
    """None: plain HTTP, which is only for loopback or behind a proxy that speaks TLS."""

    @property
    def address(self) -> str:
        """Address at which browsers reach the page, without a slash at its end."""
        scheme = "https" if self.tls else "http"
        return self.public_url.rstrip("/") or f"{scheme}://{self.host}:{self.port}"

    @property
    def secure(self) -> bool:
        """True: browsers reach the page over TLS."""
        return self.address.startswith("https://")

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if self.public_url and urlsplit(self.public_url).scheme not in ("http", "https"):
            raise ValueError("public_url must begin with http:// or https://")
        if not self.secure and not (is_loopback(self.host) and is_loopback(urlsplit(self.address).hostname or "")):
            raise ValueError("beyond loopback the page needs TLS: set tls, or a public_url with https")
        return self


class GrpcSettings(Section):
    """The gRPC listener."""

    host: str = "127.0.0.1"
    port: int = Field(default=50051, ge=0, le=65535)
    tls: TlsFiles | None = None
    """None: plain text, which is only for loopback."""

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if self.tls is None and not is_loopback(self.host):
            raise ValueError("beyond loopback gRPC needs TLS: set tls")
        return self


class LimitSettings(Section):
    """How often one person, or one address without a sign-in, may call."""

    calls_per_second: float = Field(default=50.0, gt=0)
    burst: float = Field(default=200.0, ge=1)


class IdentitySettings(Section):
    """How people are known."""

    signing_key: Path
    """PEM file with a P-256 private key; whoever has it can sign in as anybody."""
    sign_up: bool = False
    """True: drivers make accounts of their own, and charge as guests without one."""


class BackupSettings(Section):
    """What backups are encrypted with."""

    keys: tuple[Path, ...] = Field(min_length=1)
    """Files with 32 random bytes. The first encrypts; the others still open what was made before."""


class TelemetrySettings(Section):
    """How long live values are kept, in days: as they came, and summed up."""

    days: int = Field(default=7, ge=1, le=366)
    """As they came."""
    minute_days: int = Field(default=365, ge=1)
    """By the minute."""
    quarter_days: int = Field(default=3653, ge=1)
    """By the quarter of an hour."""
    hour_days: int = Field(default=3653, ge=1)
    """By the hour."""

    def added_to(self, other: Retention) -> Retention:
        """The policy with these spans."""
        return replace(
            other,
            telemetry_life=timedelta(days=self.days),
            minute_life=timedelta(days=self.minute_days),
            quarter_life=timedelta(days=self.quarter_days),
            hour_life=timedelta(days=self.hour_days),
        )


class ApprovalSettings(Section):
    """What a second person must approve before it is done: refunds, tariffs, dispatches to the fleet."""

    required: Required = Required.WHERE_POSSIBLE
    """where_possible: as soon as somebody else may do the same; one person alone is not stopped. Or always, never."""
    refund_above: Price = Decimal(100)
    """What one person may give back within a day without a second one, in the tariff's currency."""
    fleet_share_percent: float = Field(default=5.0, ge=0, le=100)
    """Of the stations, that one person may dispatch to within a day without a second one."""
    life_hours: float = Field(default=24.0, gt=0, le=168)
    """In which somebody must decide."""

    @property
    def rules(self) -> Rules:
        """The same as a domain value."""
        life, share = timedelta(hours=self.life_hours), self.fleet_share_percent / 100.0
        return Rules(self.required, self.refund_above, share, life)


class CloudSettings(Section):
    """Everything that `powerctl-cloud` needs."""

    database_url: str
    """`sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`."""
    identity: IdentitySettings
    mqtt: MqttSettings
    """The broker that stations speak to."""
    nats: NatsSettings | None = None
    """The same broker as a NATS cluster. Set: records come through its stream, to one of several replicas."""
    parts: frozenset[Literal["ingest", "api"]] = Field(default=frozenset({"ingest", "api"}), min_length=1)
    """What this process does. One part alone needs `nats`."""
    tariff: TariffSettings
    limits: LimitSettings = LimitSettings()
    approvals: ApprovalSettings = ApprovalSettings()
    ca: CaSettings | None = None
    """None: this cloud enrols no stations."""
    payment: PaymentSettings = PaymentSettings()
    receipts: ReceiptSettings = ReceiptSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    notify: NotifySettings = NotifySettings()
    backup: BackupSettings | None = None
    """None: this cloud makes no backups by itself; the database's own tools must."""
    web: WebSettings = WebSettings()
    grpc: GrpcSettings = GrpcSettings()
    http: HttpListener = HttpListener(port=9466)
    """/healthz and /metrics."""
    migrate_on_start: bool = False
    """False: an operator migrates the database with `powerctl-cloud migrate`."""
    reflection: bool = False
    """True: gRPC clients may ask which methods there are."""
    demo: bool = False
    """True: every page says that this is a demonstration."""
    director: Path | None = None
    """Socket of the demo's director, which makes things happen for visitors. None: there is none."""
    time_zone: str = "UTC"
    """IANA name of the zone in which people are told the time of day."""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            _zone(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("not a time zone of this machine; use a name such as Europe/Helsinki") from error
        return name

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> Self:
        if self.nats is None and len(self.parts) < 2:
            raise ValueError("a process with one part alone needs nats: an MQTT broker keeps one session for the cloud")
        if "sqlite" in self.database_url and len(self.parts) < 2:
            raise ValueError("several processes need a database that serves them: use postgresql://")
        return self

    @property
    def zone(self) -> tzinfo:
        """The zone in which people are told the time of day."""
        return _zone(self.time_zone)


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


SECTION: Final = "cloud"


def load_settings(path: Path) -> CloudSettings:
    """The settings in `path`.

    Raises:
        ConfigError: They cannot be used.
    """
    settings: CloudSettings = load(path, {SECTION: CloudSettings}, known=())[SECTION]
    return settings
