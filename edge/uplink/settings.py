"""The `[uplink]` table: the station's one way to the cloud."""

from __future__ import annotations

from pathlib import Path

from powerctl.runtime.mqtt import MqttSettings
from powerctl.runtime.settings import HttpListener, Section, load
from powerctl.runtime.station import StationSettings


class UplinkSettings(Section):
    """What `powerctl-edge uplink` needs."""

    broker: MqttSettings
    """The common name of the certificate must be the station's id."""
    outbox: Path | None = None
    """Shared with the controller. Absent: `outbox.sqlite` in `station.state_dir`."""
    http: HttpListener = HttpListener(port=9467)
    """/healthz and /metrics."""

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
        ]


def load_settings(path: Path) -> tuple[StationSettings, UplinkSettings]:
    """The settings of the uplink.

    Raises:
        ConfigError: The file cannot be used.
    """
    tables = load(path, {"station": StationSettings, "uplink": UplinkSettings})
    return tables["station"], tables["uplink"]
