"""The `[uplink]` table: the station's one way to the cloud."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import field_validator

from edge.update.settings import UpdateSettings
from edge.uplink.modem_manager import ModemManagerSettings
from powerctl.runtime.mqtt import MqttSettings
from powerctl.runtime.settings import HttpListener, Section, load
from powerctl.runtime.station import StationSettings


class IdentitySettings(Section):
    """How the station enrols and renews its certificate."""

    url: str
    """Address of the cloud's web port: `https://HOST[:PORT]`."""
    folder: Path
    """Where pairs of key and certificate are kept. `uplink.broker.tls` names `current/station.pem` and
    `current/station.key` in it."""
    ca: Path | None = None
    """Whom the certificate at `url` must chain to. Absent: the system's authorities."""

    @field_validator("url")
    @classmethod
    def _protected(cls, url: str) -> str:
        parts = urlsplit(url)
        local = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
        if not parts.netloc or not (parts.scheme == "https" or local):
            raise ValueError("must begin with https://")
        return url.rstrip("/")


class UplinkSettings(Section):
    """What `powerctl-edge uplink` needs."""

    broker: MqttSettings
    """The common name of the certificate must be the station's id."""
    outbox: Path | None = None
    """Shared with the controller. Absent: `outbox.sqlite` in `station.state_dir`."""
    http: HttpListener = HttpListener(port=9467)
    """/healthz and /metrics."""

    permit_keys: tuple[Path, ...] = ()
    """PEM files with public keys by which the cloud signs permits to charge; any of them counts, and so does the key
    that came with the station's certificate. Without any, a start is believed as the broker delivers it."""

    identity: IdentitySettings | None = None
    """How the station comes to its certificates. Absent: somebody puts them there, and renews them."""

    modem: Path | None = None
    """Serial port on which the modem answers AT commands. Absent: the signal is not watched."""

    modem_manager: ModemManagerSettings | None = None
    """A modem that ModemManager looks after, in the place of `modem`. Absent: there is none."""

    update: UpdateSettings | None = None
    """How the station updates itself. Absent: somebody else installs its software."""

    def outbox_path(self, station: StationSettings) -> Path:
        """Where the outbox lies."""
        return self.outbox or station.state_dir / "outbox.sqlite"

    def describe(self) -> list[str]:
        """What the uplink will do, in sentences."""
        return [
            f"Records go to the broker at {self.broker.host}:{self.broker.port} over TLS, with certificates both ways.",
            "A record is deleted here only when the cloud has said that it is committed; "
            "until then it is kept, across restarts and for as long as the disk lasts.",
            "Commands of the cloud that arrive late are refused.",
            "Charging is started by a command that carries the cloud's signed permit for it."
            if self.permit_keys or self.identity
            else "Charging is started by a command that comes through the broker, which is trusted with that.",
        ]


def load_settings(path: Path) -> tuple[StationSettings, UplinkSettings]:
    """The settings of the uplink.

    Raises:
        ConfigError: The file cannot be used.
    """
    tables = load(path, {"station": StationSettings, "uplink": UplinkSettings})
    return tables["station"], tables["uplink"]
