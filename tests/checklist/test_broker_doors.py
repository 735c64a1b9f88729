"""Who gets past the broker, and how far: the same for each broker that we support."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from powerctl.app.broker import INGEST_NAME, BrokerName, find
from powerctl.core.errors import ConfigError
from powerctl.runtime.mqtt import MqttSettings
from powerctl.runtime.pki import create_ca, issue
from powerctl.runtime.settings import TlsFiles
from powerctl.wire.topics import DOWN, Channel, topic
from tests.broker import Broker, running
from tests.checklist.broker_log import NO_DOOR, written
from tests.contract.broker.test_broker import EVENTS, ST_1, ST_2, client, first_attempt, up_topics

pytestmark = pytest.mark.integration

CONNECT: Final = bytes.fromhex("1010 0004 4d515454 04 02 003c 0004 53542d31")
"""MQTT 3.1.1, section 3.1: CONNECT of the client ST-1."""


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


@asynccontextmanager
async def logged(broker: Broker, wanted: re.Pattern[str]) -> AsyncIterator[None]:
    """What happens in the block leaves a line of its own in the broker's log."""
    file = broker.folder / "broker.log"
    before = len(file.read_text())
    yield
    await written(file, before, wanted)


@pytest.mark.parametrize("flaw", ["other authority", "expired", "not yet valid", "server only", "self-made"])
async def test_row_2_a_certificate_with_a_flaw_opens_no_door_and_is_logged(
    broker: Broker, tmp_path: Path, flaw: str
) -> None:
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
    async with logged(broker, NO_DOOR):
        assert await first_attempt(with_files(broker, files)) in {"failed", "refused"}


async def test_row_2_without_a_certificate_there_is_no_door_and_it_is_logged(broker: Broker) -> None:
    def answer() -> bytes:
        context = ssl.create_default_context(cafile=broker.authority.certificate_file)
        with (
            contextlib.suppress(ssl.SSLError, ConnectionError),
            socket.create_connection(("127.0.0.1", broker.port), 30) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as line,
        ):
            line.sendall(CONNECT)
            return line.recv(16)
        return b""

    async with logged(broker, NO_DOOR):
        assert await asyncio.to_thread(answer) == b""


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


async def test_row_3_and_47_the_broker_writes_down_who_reached_for_what(broker: Broker) -> None:
    if broker.name == "mosquitto":
        pytest.skip("Mosquitto writes a refused topic down only among its debug lines, one for every packet")
    denied = EVENTS.replace("/", ".")
    spoken = re.compile(rf'"ST-2" - Publish Violation - Subject "{re.escape(denied)}"')
    async with logged(broker, spoken), client(broker, "ST-2") as station:
        station.link.publish(EVENTS, b"forged")
        await station.hears_nothing()
    listened = re.compile('"ST-2" - Subscription Violation - Subject ">"')
    async with logged(broker, listened), client(broker, "ST-2", "#", up=False) as station:
        await station.hears_nothing()


async def test_row_5_the_second_connection_of_an_identity_takes_over_and_a_command_arrives_once(broker: Broker) -> None:
    """Each is there for a while: whoever has the identity hears a command once, whoever has lost it never does."""
    down, takeover = [topic(ST_2, channel) for channel in DOWN], re.compile("Replacing old client|already connected")
    command = topic(ST_2, Channel.COMMANDS)
    async with client(broker, INGEST_NAME) as cloud:
        async with client(broker, "ST-2", *down) as first:
            async with logged(broker, takeover), client(broker, "ST-2", *down):
                pass
            # The first has come back by now, or does so soon; nobody else has the identity any more.
            async with asyncio.timeout(30):
                while not first.link.connected:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        async with client(broker, "ST-2", *down) as second:
            cloud.link.publish(command, b"start")
            heard = await second.next(30)
            assert (heard.payload, await second.hears_nothing()) == (b"start", True)
        async with client(broker, "ST-2", *down) as loser:
            assert await loser.hears_nothing(), "a command is not played again"
