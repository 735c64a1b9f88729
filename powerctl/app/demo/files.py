"""Everything the demo's programs read: a fresh authority, certificates of servers, and the two settings files.

Stations have no certificate yet: they enrol when the cloud runs.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from cloud.api.tokens import Tokens, load_key
from cloud.domain.principal import Principal, Role
from edge.uplink.identity import CERTIFICATE, CURRENT, KEY
from powerctl.allocation.efficiency import Conversion, EfficiencyCurve
from powerctl.app import broker
from powerctl.app.demo import neighbours
from powerctl.app.demo.ports import HOST, Ports
from powerctl.core.errors import ConfigError
from powerctl.runtime import pki
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.settings import TlsFiles
from powerctl.signals.certificate import fingerprint_of
from powerctl.wire import broker_access

STATION: Final = "demo-1"
OPERATOR: Final = "Demo operator"
USERS: Final = "users.conf"
REVOKED: Final = "revoked.pem"
PROCESS: Final = "pid"
"""By which the broker hears of stations, in its own folder."""
UTILITY: Final = "utility"
GRID_SERVICE: Final = "GridServiceSunSpec"
"""Role of Secure SunSpec Modbus that may command a slot."""
LONGEST_FOLDER: Final = 90
"""Bytes; sockets have an address of at most 104 with the name of the file (sys/un.h of macOS; Linux 108)."""
RECEIPT_KEY: Final = "receipts.key"
PERMIT_KEY: Final = "permit.pem"
"""By which the station knows the back end's permits to charge."""
PUSH_KEY: Final = "push.key"
SENDER: Final = "charging@demo.example"
DRIVER_ADDRESS: Final = "driver@demo.example"
"""Nobody's: RFC 2606 keeps the domain for examples."""
RATING_W: Final = 22_000.0
FAILSAFE_W: Final = 4_200.0
SETTLE_S: Final = 2.0
STORY_HEARTBEAT_S: Final = 5
"""Heartbeat time-out of slot 0 in the scripted stories, which have a minute."""
HEARTBEAT_S: Final = 60
AUXILIARY_W: Final = 120.0
EFFICIENCY: Final = ((500.0, 0.80), (2000.0, 0.91), (6000.0, 0.945), (15000.0, 0.955), (30000.0, 0.95))
"""Of a simulated 22 kW module; the shape of published data sheets, no particular product's."""
FALLBACK_W: Final = 1_800.0
"""Share of each connector with no energy manager: both together stay within the failsafe."""
LINK_LIFE: Final = timedelta(hours=12)
PEOPLE: Final = {
    "driver": Principal("demo-driver", "Demo driver", Role.DRIVER),
    "operator": Principal("demo-operator", "Demo operator", Role.OPERATOR),
    "utility": Principal("demo-utility", "Demo utility", Role.UTILITY),
    "administrator": Principal("demo-administrator", "Demo administrator", Role.ADMIN),
}


@dataclass(frozen=True, slots=True)
class Files:
    """Where things are, and what the rest of the demo must know about them."""

    folder: Path
    ports: Ports
    broker: broker.BrokerCommand
    tokens: Tokens

    @property
    def station_file(self) -> Path:
        """Settings of powerctl, edge control and edge uplink."""
        return self.folder / "station.toml"

    @property
    def cloud_file(self) -> Path:
        """Settings of the cloud."""
        return self.folder / "cloud.toml"

    @property
    def neighbours_file(self) -> Path:
        """The simulated stations around ours."""
        return self.folder / "neighbours.json"

    @property
    def logs(self) -> Path:
        """Where each process writes its log."""
        return self.folder / "logs"

    @property
    def authority(self) -> Path:
        """The certificate of the authority that everybody here believes."""
        return self.folder / "pki" / "ca.pem"

    def identity(self, station: str) -> Path:
        """Where a station keeps the pairs of key and certificate that it was given."""
        return self.folder / ("station" if station == STATION else station) / "identity"

    @property
    def outbox(self) -> Path:
        """The station's outbox."""
        return self.folder / "station" / "outbox.sqlite"

    @property
    def database(self) -> Path:
        """The cloud's database."""
        return self.folder / "cloud.sqlite"

    @property
    def director(self) -> Path:
        """Socket on which the director takes a visitor's wishes."""
        return self.folder / "director"

    @property
    def web_url(self) -> str:
        """Address of the page."""
        return f"http://{HOST}:{self.ports.web}"

    @property
    def health_urls(self) -> Mapping[str, str]:
        """Where each program says whether it is well."""
        return {
            "cloud": f"http://{HOST}:{self.ports.metrics_cloud}/healthz",
            "powerctl": f"http://{HOST}:{self.ports.metrics_powerctl}/healthz",
            "edge-control": f"http://{HOST}:{self.ports.metrics_edge}/healthz",
            "edge-uplink": f"http://{HOST}:{self.ports.metrics_uplink}/healthz",
        }

    @property
    def fallback_ac_w(self) -> float:
        """What the station may draw at the grid connection while the energy manager is silent."""
        conversion = Conversion(EfficiencyCurve.from_table(EFFICIENCY), AUXILIARY_W)
        return conversion.station_w([FALLBACK_W, FALLBACK_W])

    def sign_in_token(self, person: str) -> str:
        """A token that signs `person`, one of `PEOPLE`, in once."""
        return self.tokens.sign_in(PEOPLE[person], str(uuid.uuid4()), LINK_LIFE)

    def sign_in_link(self, person: str, page: str = f"/stations/{STATION}") -> str:
        """A page, ours of the station, with a sign-in token in its fragment, which browsers send to nobody."""
        return f"{self.web_url}/#signin={self.sign_in_token(person)}&to={page}"


def prepare(folder: Path, ports: Ports, *, scripted: bool) -> Files:
    """Make everything in `folder`.

    Args:
        folder: Empty.
        ports: Where everything listens.
        scripted: True: a story is told, so silence of the utility is noticed within seconds.

    Raises:
        ConfigError: There is no broker on this machine.
    """
    if len(str(folder).encode()) > LONGEST_FOLDER:
        raise ConfigError(f"--data {folder}", "has too long a path for a socket.", "Give a folder nearer to the root.")
    (folder / "logs").mkdir()
    (folder / "station").mkdir()
    authority = pki.create_ca(folder / "pki", f"powerctl demo {secrets.token_hex(4)}")
    servers = [HOST, "localhost"]
    station = pki.issue(authority, STATION, organisation=OPERATOR, client=True)
    manager = pki.issue(authority, "powerctl", server_names=servers)
    pki.issue(authority, UTILITY, client=True, role=GRID_SERVICE)
    cloud_server = pki.issue(authority, "cloud", server_names=servers)
    ingest = pki.issue(authority, broker.INGEST_NAME, client=True)
    place = broker.Place(
        folder / "broker", ports.mqtt, pki.issue(authority, "broker", server_names=servers, client=True)
    )
    command = broker.prepare(place, stations=(), ingest=ingest.certificate, access=_access(place, authority, ingest))
    key = pki.signing_key(folder / "pki" / "signing.key")
    for own in (RECEIPT_KEY, PUSH_KEY):
        pki.signing_key(folder / "pki" / own)
    files = Files(folder, ports, command, Tokens(load_key(key), SystemClock()))
    (folder / "pki" / PERMIT_KEY).write_text(files.tokens.permit_key)
    around = {one.station: _given(files, one.station) for one in neighbours.PLACES}
    files.neighbours_file.write_text(json.dumps(neighbours.table(around, ports.mqtt)))
    _write(files.station_file, station_tables(files, station, manager, scripted=scripted))
    _write(files.cloud_file, {"cloud": cloud_table(files, cloud_server, ingest, key)})
    return files


def _access(place: broker.Place, authority: pki.Authority, ingest: TlsFiles) -> broker.Access:
    """The files by which the cloud tells the broker of stations, with nobody but the cloud in them."""
    place.folder.mkdir()
    access = broker.Access(*(place.folder / name for name in (USERS, REVOKED, PROCESS)))
    access.users.write_text(json.dumps({"users": [broker_access.cloud(broker.subject(ingest.certificate))]}))
    access.revoked.write_bytes(pki.revocation_list(authority, {}))
    return access


def _given(files: Files, station: str) -> TlsFiles:
    """Where a station finds what it will have been given."""
    folder = files.identity(station) / CURRENT
    return TlsFiles(ca=files.authority, certificate=folder / CERTIFICATE, key=folder / KEY)


def station_tables(files: Files, station: TlsFiles, manager: TlsFiles, *, scripted: bool) -> dict[str, Any]:
    """The station file."""
    ports = files.ports
    return {
        "station": {
            "id": STATION,
            "display_name": "Demo station",
            "address": "Simulated, on this machine",
            "latitude": 60.1699,
            "longitude": 24.9384,
            "rating_w": RATING_W,
            "simulated": True,
            "state_dir": str(files.folder / "station"),
            "connector": [_connector(1, "left"), _connector(2, "right")],
        },
        "manager": {
            "grid": {
                "modbus_tcp": {"host": HOST, "port": ports.modbus},
                "modbus_tls": _modbus_tls(files, manager),
                "schedule_currency": "EUR",
                # A laptop's or a container's kernel often does not say that its clock is synchronised.
                "trust_clock": True,
                "slots": [_slot(STORY_HEARTBEAT_S if scripted else HEARTBEAT_S)],
            },
            "allocation": {"efficiency": [list(row) for row in EFFICIENCY], "auxiliary_w": AUXILIARY_W},
            "dispatch": {"host": HOST, "port": ports.dispatch, "tls": _tls(manager)},
            "plan": {"interval_s": 15.0},
            "http": {"port": ports.metrics_powerctl},
        },
        "edge": {
            "dispatch": {"target": f"{HOST}:{ports.dispatch}", "tls": _tls(station)},
            "http": {"port": ports.metrics_edge},
            "trust_clock": True,
            "simulated": {"efficiency": [list(row) for row in EFFICIENCY], "auxiliary_w": AUXILIARY_W},
            "connector": [_bus(1, ports.can_left, ports.plant_left), _bus(2, ports.can_right, ports.plant_right)],
        },
        "uplink": {
            "broker": {"host": HOST, "port": ports.mqtt, "tls": _tls(_given(files, STATION))},
            "identity": {"url": files.web_url, "folder": str(files.identity(STATION))},
            "permit_keys": [str(files.folder / "pki" / PERMIT_KEY)],
            "http": {"port": ports.metrics_uplink},
        },
    }


def _modbus_tls(files: Files, manager: TlsFiles) -> dict[str, Any]:
    """The secure server; `pki/utility.pem` in the demo's folder may command slot 0 there."""
    utility = load_pem_x509_certificate((files.folder / "pki" / f"{UTILITY}.pem").read_bytes())
    fingerprint = fingerprint_of(utility.public_bytes(Encoding.DER))
    return {
        "host": HOST,
        "port": files.ports.modbus_tls,
        "certificate": str(manager.certificate),
        "key": str(manager.key),
        "authorities": [str(manager.ca)],
        "clients": [{"fingerprint": fingerprint, "slots": [0], "name": "Demo utility"}],
    }


def _connector(number: int, position: str) -> dict[str, Any]:
    return {
        "id": number,
        "type": "chademo",
        "position": position,
        "max_power_w": RATING_W,
        "max_current_a": 60.0,
        "max_voltage_v": 500.0,
        "min_power_w": 300.0,
        "fallback_w": FALLBACK_W,
    }


def _slot(heartbeat_s: int) -> dict[str, Any]:
    return {
        "index": 0,
        "source": "dso",
        "commissioned": True,
        "writers": [HOST],
        "failsafe_w": FAILSAFE_W,
        "failsafe_min_s": 7200,
        "heartbeat_timeout_s": heartbeat_s,
        "settle_s": SETTLE_S,
    }


def _bus(number: int, can: int, plant: int) -> dict[str, Any]:
    return {
        "id": number,
        "can": {"interface": "socketcand", "channel": "can0", "host": HOST, "port": can},
        "plant": f"tcp://{HOST}:{plant}",
    }


def _tls(files: TlsFiles) -> dict[str, str]:
    return {"ca": str(files.ca), "certificate": str(files.certificate), "key": str(files.key)}


def cloud_table(files: Files, server: TlsFiles, ingest: TlsFiles, key: Path) -> dict[str, Any]:
    """The cloud's file."""
    ports = files.ports
    return {
        "database_url": f"sqlite:///{files.database}",
        "migrate_on_start": True,
        "demo": True,
        "identity": {"signing_key": str(key), "sign_up": True},
        "payment": {"provider": "fake"},
        "ca": {
            "folder": str(files.authority.parent),
            "organisation": OPERATOR,
            "broker_users": str(files.folder / "broker" / USERS),
            "broker_revoked": str(files.folder / "broker" / REVOKED),
            "broker_pid": str(files.folder / "broker" / PROCESS),
        },
        "director": str(files.director),
        "notify": {
            "push_key": str(key.with_name(PUSH_KEY)),
            "push_subject": f"mailto:{SENDER}",
            "smtp": {"host": HOST, "port": ports.smtp, "sender": SENDER, "starttls": False},
        },
        "receipts": {"signing_key": str(key.with_name(RECEIPT_KEY)), "issuer": "powerctl demo"},
        "web": {"host": HOST, "port": ports.web},
        "grpc": {"host": HOST, "port": ports.grpc, "tls": _tls(server)},
        "mqtt": {"host": HOST, "port": ports.mqtt, "tls": _tls(ingest)},
        "http": {"port": ports.metrics_cloud},
        "tariff": {
            "name": "Demo tariff",
            "currency": "EUR",
            "energy_price_per_kwh": "0.39",
            "tax_percent": "25.5",
            "description": "0.39 € per kilowatt hour, tax included. Nothing is sold here.",
            "preauthorize_amount": "30",
            "element": [
                {
                    "component": [
                        {"dimension": "ENERGY", "price": "0.39"},
                        {"dimension": "PARKING_TIME", "price": "6.00"},
                    ],
                },
                {"reservation": "RESERVATION", "component": [{"dimension": "TIME", "price": "2.00"}]},
            ],
        },
    }


def _write(path: Path, tables: Mapping[str, Any]) -> None:
    path.write_text("# Written by `powerctl demo` at its start.\n" + "\n".join(_toml(tables)) + "\n")


def _toml(tables: Mapping[str, Any], prefix: str = "") -> list[str]:
    """`tables` as TOML: simple values first, then tables, then arrays of tables."""
    plain = {key: value for key, value in tables.items() if not _is_table(value)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    for key, value in tables.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            lines += ["", f"[{name}]", *_toml(value, f"{name}.")]
        elif _is_table(value):
            for row in value:
                lines += ["", f"[[{name}]]", *_toml(row, f"{name}.")]
    return lines


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and bool(value) and isinstance(value[0], Mapping))
