"""What the link needs of a broker, the same for each that we support."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from powerctl.app.broker import INGEST_NAME, BrokerName, find
from powerctl.core.errors import ConfigError
from powerctl.core.ids import StationId
from powerctl.runtime.mqtt import Message, MqttLink, MqttSettings, Terms
from powerctl.runtime.pki import create_ca, issue
from powerctl.runtime.settings import TlsFiles
from powerctl.wire.topics import DOWN, UP, Channel, every_station, topic
from tests.broker import Broker, running

pytestmark = pytest.mark.integration

ST_1, ST_2 = StationId("ST-1"), StationId("ST-2")
EVENTS = topic(ST_1, Channel.EVENTS)


def _offered(name: BrokerName) -> Any:
    try:
        find(name)
    except ConfigError as error:
        return pytest.param(name, marks=pytest.mark.skip(reason=error.why))
    return name


@pytest.fixture(scope="module", params=[_offered("nats"), _offered("mosquitto")])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(tmp_path_factory.mktemp(request.param), request.param) as started:
        yield started


@dataclass
class Client:
    """A client and what it has heard."""

    link: MqttLink
    attempts: list[str]
    heard: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)

    async def next(self, within_s: float = 10.0) -> Message:
        """The next message."""
        return await asyncio.wait_for(self.heard.get(), within_s)

    async def hears_nothing(self, for_s: float = 0.5) -> bool:
        """True when no message comes."""
        with contextlib.suppress(TimeoutError):
            await self.next(for_s)
            return False
        return True


async def first_attempt(settings: MqttSettings) -> str:
    """How the first attempt to connect ends."""
    attempts: asyncio.Queue[str] = asyncio.Queue()
    link = MqttLink(settings, Terms("ST-1", [], lambda _: None), setting="test.mqtt", on_attempt=attempts.put_nowait)
    trying = asyncio.create_task(link.run())
    try:
        return await asyncio.wait_for(attempts.get(), 20)
    finally:
        trying.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await trying


@contextlib.asynccontextmanager
async def client(
    broker: Broker, name: str, *subscriptions: str, up: bool = True, persistent: bool = False, acknowledge: bool = False
) -> AsyncIterator[Client]:
    heard: asyncio.Queue[Message] = asyncio.Queue()
    attempts: list[str] = []
    is_up, tried = asyncio.Event(), asyncio.Event()

    def attempted(result: str) -> None:
        attempts.append(result)
        tried.set()

    terms = Terms(
        client_id=name,
        subscriptions=subscriptions,
        on_message=heard.put_nowait,
        on_state=lambda state: is_up.set() if state else None,
        persistent=persistent,
        acknowledge=acknowledge,
    )
    link = MqttLink(broker.settings(name), terms, setting="test.mqtt", on_attempt=attempted)
    running_link = asyncio.create_task(link.run())
    try:
        await asyncio.wait_for((is_up if up else tried).wait(), 15)
        yield Client(link, attempts, heard)
    finally:
        running_link.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running_link


async def forget_session(broker: Broker) -> None:
    """A clean session ends the persistent one of the same client."""
    async with client(broker, INGEST_NAME) as cloud:
        assert cloud.link.connected


def up_topics() -> list[str]:
    return [every_station(channel) for channel in UP]


def down_topics(station: StationId) -> list[str]:
    return [topic(station, channel) for channel in DOWN]


async def test_both_directions_work(broker: Broker) -> None:
    async with (
        client(broker, INGEST_NAME, *up_topics()) as cloud,
        client(broker, "ST-1", *down_topics(ST_1)) as station,
    ):
        for number, channel in enumerate(UP):
            assert station.link.publish(topic(ST_1, channel), bytes([number]))
            message = await cloud.next()
            assert (message.topic, message.payload) == (topic(ST_1, channel), bytes([number]))
        for number, channel in enumerate(DOWN):
            assert cloud.link.publish(topic(ST_1, channel), bytes([number]))
            message = await station.next()
            assert (message.topic, message.payload) == (topic(ST_1, channel), bytes([number]))


async def test_a_large_batch_passes_whole(broker: Broker) -> None:
    async with client(broker, INGEST_NAME, *up_topics()) as cloud, client(broker, "ST-1") as station:
        for _ in range(3):
            station.link.publish(EVENTS, bytes(60_000))
        assert [len((await cloud.next()).payload) for _ in range(3)] == [60_000] * 3


async def test_order_is_kept(broker: Broker) -> None:
    async with client(broker, INGEST_NAME, *up_topics()) as cloud, client(broker, "ST-1") as station:
        for number in range(200):
            station.link.publish(EVENTS, str(number).encode())
        assert [int((await cloud.next()).payload) for _ in range(200)] == list(range(200))


async def test_a_station_does_not_send_in_the_name_of_another(broker: Broker) -> None:
    async with client(broker, INGEST_NAME, *up_topics()) as cloud, client(broker, "ST-1") as station:
        station.link.publish(topic(ST_2, Channel.EVENTS), b"forged")
        station.link.publish(EVENTS, b"honest")
        assert (await cloud.next()).payload == b"honest"


async def test_a_station_does_not_command_another(broker: Broker) -> None:
    async with (
        client(broker, INGEST_NAME) as cloud,
        client(broker, "ST-2", *down_topics(ST_2)) as other,
        client(broker, "ST-1") as station,
    ):
        station.link.publish(topic(ST_2, Channel.COMMANDS), b"forged")
        cloud.link.publish(topic(ST_2, Channel.COMMANDS), b"honest")
        assert (await other.next()).payload == b"honest"
        assert await other.hears_nothing()


@pytest.mark.parametrize("name", [topic(ST_2, Channel.COMMANDS), every_station(Channel.EVENTS), "#", "$MQTT/#"])
async def test_a_station_does_not_hear_another(broker: Broker, name: str) -> None:
    async with (
        client(broker, INGEST_NAME) as cloud,
        client(broker, "ST-2") as other,
        client(broker, "ST-1", name, up=False) as station,
    ):
        cloud.link.publish(topic(ST_2, Channel.COMMANDS), b"private")
        other.link.publish(topic(ST_2, Channel.EVENTS), b"private")
        assert await station.hears_nothing()


async def test_the_cloud_hears_what_came_while_it_was_away(broker: Broker) -> None:
    async with client(broker, INGEST_NAME, *up_topics(), persistent=True):
        pass
    async with client(broker, "ST-1") as station:
        station.link.publish(EVENTS, b"while away")
        await _is_through(broker, station)
    async with client(broker, INGEST_NAME, *up_topics(), persistent=True) as cloud:
        assert (await cloud.next()).payload == b"while away"
    await forget_session(broker)


async def _is_through(broker: Broker, station: Client) -> None:
    """Wait until the broker has taken what the station sent before: its own answer comes back after it."""
    async with client(broker, "ST-2") as other:
        assert other.link.connected
    assert station.link.connected


async def test_what_was_not_acknowledged_comes_again(broker: Broker) -> None:
    async with client(broker, INGEST_NAME, *up_topics(), persistent=True, acknowledge=True) as cloud:
        async with client(broker, "ST-1") as station:
            station.link.publish(EVENTS, b"done")
            station.link.publish(EVENTS, b"open")
            done = await cloud.next()
            assert (await cloud.next()).payload == b"open"
        cloud.link.acknowledge(done)
    async with client(broker, INGEST_NAME, *up_topics(), persistent=True, acknowledge=True) as cloud:
        again = await cloud.next(30.0)
        assert again.payload == b"open"
        cloud.link.acknowledge(again)
        assert await cloud.hears_nothing()
    await forget_session(broker)


async def test_a_certificate_of_another_authority_is_refused(broker: Broker) -> None:
    stranger = create_ca(broker.folder / "stranger", "stranger")
    forged = issue(stranger, "ST-1", organisation="powerctl test", client=True)
    files = {"ca": broker.files["ST-1"].ca, "certificate": forged.certificate, "key": forged.key}
    settings = broker.settings("ST-1").model_copy(update={"tls": TlsFiles(**files)})
    assert await first_attempt(settings) in {"failed", "refused"}


async def test_a_certificate_that_has_expired_is_refused(broker: Broker) -> None:
    expired = issue(broker.authority, "ST-9", organisation="powerctl test", client=True, days=-1)
    settings = broker.settings("ST-1").model_copy(update={"tls": expired})
    assert await first_attempt(settings) in {"failed", "refused"}


async def test_a_server_with_another_name_is_not_trusted(broker: Broker) -> None:
    settings = broker.settings("ST-1").model_copy(update={"host": "localhost"})
    assert await first_attempt(settings) == "untrusted"


async def test_a_client_without_certificate_is_refused(broker: Broker) -> None:
    context = ssl.create_default_context(cafile=str(broker.files["ST-1"].ca))
    connect = bytes.fromhex("10 10 0004 4d515454 04 02 003c 0004 53542d31")
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port, ssl=context)
        writer.write(connect)
        answer = b""
        with contextlib.suppress(OSError):
            answer = await asyncio.wait_for(reader.read(4), 10)
        writer.close()
        assert answer != bytes.fromhex("20020000"), "CONNACK without a certificate"


async def test_plain_text_is_refused(broker: Broker) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
    writer.write(bytes.fromhex("10 10 0004 4d515454 04 02 003c 0004 53542d31"))
    with contextlib.suppress(OSError):
        assert await asyncio.wait_for(reader.read(4), 10) != bytes.fromhex("20020000")
    writer.close()
