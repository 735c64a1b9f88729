"""Who gets past the broker, and how far: the same for each broker that we support."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from powerctl.app.broker import INGEST_NAME, BrokerName, find
from powerctl.core.errors import ConfigError
from powerctl.runtime.mqtt import MqttSettings
from powerctl.runtime.pki import create_ca, issue
from powerctl.runtime.settings import TlsFiles
from powerctl.wire.topics import DOWN, Channel, topic
from tests.broker import Broker, running
from tests.contract.broker.test_broker import EVENTS, ST_1, ST_2, client, first_attempt, up_topics

pytestmark = pytest.mark.integration


def _offered() -> Iterator[object]:
    for name in ("nats", "mosquitto"):
        try:
            find(name)
        except ConfigError as error:
            yield pytest.param(name, marks=pytest.mark.skip(reason=error.why))
        else:
            yield name


@pytest.fixture(scope="module", params=list(_offered()))
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    name: BrokerName = request.param
    with running(tmp_path_factory.mktemp(name), name) as started:
        yield started


def with_files(broker: Broker, files: TlsFiles) -> MqttSettings:
    return broker.settings().model_copy(
        update={"tls": files.model_copy(update={"ca": broker.authority.certificate_file})}
    )


@pytest.mark.parametrize("flaw", ["other authority", "expired", "not yet valid", "server only", "self-made"])
async def test_row_2_a_certificate_with_a_flaw_opens_no_door(broker: Broker, tmp_path: Path, flaw: str) -> None:
    authority = broker.authority
    if flaw in {"other authority", "self-made"}:
        name = "test" if flaw == "self-made" else "another"
        authority = create_ca(tmp_path / "pki", name)
    options = {"server only": {"server_names": ["127.0.0.1"]}, "expired": {"client": True, "days": -1.0}}
    given = options.get(flaw, {"client": True})
    with pytest.MonkeyPatch.context() as patched:
        if flaw == "not yet valid":
            patched.setattr("powerctl.runtime.pki.datetime", _Tomorrow)
        files = issue(authority, "ST-1", organisation="powerctl test", **given)  # type: ignore[arg-type]
    assert await first_attempt(with_files(broker, files)) in {"failed", "refused"}


class _Tomorrow:
    """A clock that is a day ahead."""

    @staticmethod
    def now(zone: object) -> object:
        """Tomorrow."""
        from datetime import UTC, datetime, timedelta

        return datetime.now(UTC) + timedelta(days=1)


async def test_row_3_a_station_neither_speaks_nor_hears_beyond_its_own_topics(broker: Broker) -> None:
    async with client(broker, INGEST_NAME, *up_topics()) as cloud, client(broker, "ST-2") as station:
        station.link.publish(EVENTS, b"forged")
        assert await cloud.hears_nothing()
    for curious in ("#", "evcs/v1/+/+/cmd", topic(ST_1, Channel.COMMANDS)):
        async with client(broker, "ST-2", curious, up=False) as station, client(broker, INGEST_NAME) as cloud:
            cloud.link.publish(topic(ST_1, Channel.COMMANDS), b"for ST-1 only")
            assert await station.hears_nothing()


async def test_row_5_the_second_connection_of_an_identity_takes_over_and_a_command_arrives_once(broker: Broker) -> None:
    down = [topic(ST_2, channel) for channel in DOWN]
    async with client(broker, INGEST_NAME) as cloud, client(broker, "ST-2", *down) as first:
        assert first.link.connected
        async with client(broker, "ST-2", *down) as second:
            assert not first.link.connected or not second.link.connected
            cloud.link.publish(topic(ST_2, Channel.COMMANDS), b"start")
            heard = [one for one in (first, second) if not await one.hears_nothing(1.0)]
            assert len(heard) <= 1
