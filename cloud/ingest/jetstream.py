"""The cloud's connection to a NATS cluster: one of several replicas that draw from one durable consumer.

The stream keeps what a station has sent on a majority of the nodes until a replica has committed it. A message whose
replica dies goes to another after `ACK_WAIT_S`. What never reached the stream the station sends again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from functools import partial
from typing import Final, NoReturn

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import BadRequestError
from pydantic import Field

from cloud.ingest.commands import CommandPublisher, Settled
from cloud.ingest.ingest import Arrival, Ingest
from cloud.ingest.ports import RecordStore
from powerctl.core.clock import Clock
from powerctl.runtime import log, metrics
from powerctl.runtime.backoff import full_jitter
from powerctl.runtime.health import Health
from powerctl.runtime.mqtt import tls_context
from powerctl.runtime.settings import Section, TlsFiles
from powerctl.wire.broker_access import GROUP, STREAM, subjects, topic_of
from powerctl.wire.topics import UP, every_station

ACK_WAIT_S: Final = 15.0
"""After so long without an acknowledgement a message goes to another replica."""
FETCH: Final = 250
"""Messages that are asked for at once."""
FETCH_S: Final = 1.0
IN_FLIGHT: Final = 1_000
"""Of one replica, messages that wait for the database."""
OUTGOING: Final = 10_000
SETUP_S: Final = 20.0
MAX_STREAM_BYTES: Final = 512_000_000
_NATS: Final = (nats.errors.Error, OSError, TimeoutError)

_log = log.get(__name__)


class NatsSettings(Section):
    """A NATS cluster that stations reach by MQTT and the cloud's replicas by NATS."""

    servers: tuple[str, ...] = Field(min_length=1)
    """`HOST:PORT` of every node; their certificates must carry the hosts."""
    tls: TlsFiles
    """The subject of the certificate is our name at the cluster."""
    replicas: int = Field(default=3, ge=1, le=5)
    """Nodes that keep each message; 3 outlive the loss of one."""
    reconnect_cap_s: float = Field(default=5.0, ge=0.1, le=120)
    """Bound of the random wait before an attempt to connect."""


class ClusterLink:
    """Everything between the cluster and the store.

    Args:
        settings: Where the cluster is.
        store: Where records go. None: this replica takes none; it only sends commands.
        clock: Both clocks.
        health: Told whether cluster and store answer.
        settled: Of these commands, those that a station has answered to another replica.

    Raises:
        ConfigError: The certificate files cannot be used.
    """

    def __init__(
        self,
        settings: NatsSettings,
        store: RecordStore | None,
        clock: Clock,
        health: Health,
        settled: Settled | None = None,
    ) -> None:
        self._settings = settings
        self._tls = tls_context(settings.tls, "cloud.nats.tls")
        self._health = health
        self._client: Client | None = None
        self._outgoing: deque[tuple[str, bytes]] = deque(maxlen=OUTGOING)
        self._awake = asyncio.Event()
        self._unsettled = 0
        self.publisher = CommandPublisher(self.send, clock, settled=settled)
        """The way to the stations."""
        self._ingest = (
            Ingest(
                store,
                self.send,
                on_answer=self.publisher.answered,
                on_store=lambda ok: health.set("database", ok),
            )
            if store is not None
            else None
        )
        self._connected(False)

    def send(self, topic: str, payload: bytes) -> bool:
        """Send a message to a station. False: it was not sent and never will be."""
        if self._client is None or not self._client.is_connected or len(self._outgoing) >= OUTGOING:
            return False
        self._outgoing.append((subjects([topic])[0], payload))
        self._awake.set()
        return True

    async def run(self) -> NoReturn:
        """Serve the stations until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            if self._ingest is not None:
                tasks.create_task(self._ingest.run(), name="ingest")
            tasks.create_task(self.publisher.run(), name="commands")
            failures = 0
            while True:
                try:
                    await self._one_connection()
                    failures = 0
                except _NATS as error:
                    failures += 1
                    _log.warning("nats_not_connected", reason=str(error) or type(error).__name__)
                self._connected(False)
                cap_s = self._settings.reconnect_cap_s
                await asyncio.sleep(full_jitter(failures, base_s=0.2, cap_s=cap_s, random=random.random))

    async def _one_connection(self) -> None:
        """Live through one connection, from the first node that answers to its loss."""
        lost = asyncio.Event()
        client = Client()

        async def over(*_: object) -> None:
            lost.set()

        servers = list(self._settings.servers)
        random.shuffle(servers)
        try:
            async with asyncio.timeout(SETUP_S):
                await client.connect(
                    [f"tls://{server}" for server in servers],
                    tls=self._tls,
                    allow_reconnect=False,
                    connect_timeout=3,
                    ping_interval=5,
                    max_outstanding_pings=2,
                    disconnected_cb=over,
                    closed_cb=over,
                    error_cb=_note,
                )
                stream = client.jetstream(timeout=5)
                if self._ingest is not None:
                    await _prepared(stream, self._settings.replicas)
            self._client = client
            self._connected(True)
            _log.info("nats_connected", server=str(client.connected_url.netloc) if client.connected_url else "")
            await self._live(client, stream, lost)
        finally:
            self._client = None
            self._outgoing.clear()
            with contextlib.suppress(*_NATS):
                await client.close()

    async def _live(self, client: Client, stream: JetStreamContext, lost: asyncio.Event) -> None:
        working = [asyncio.create_task(self._write(client)), asyncio.create_task(lost.wait())]
        if self._ingest is not None:
            working.append(asyncio.create_task(self._draw(client, stream, self._ingest)))
        try:
            done, _ = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)

    async def _draw(self, client: Client, stream: JetStreamContext, ingest: Ingest) -> NoReturn:
        """Ask for messages as long as few of them wait for the database."""
        consumer = await stream.pull_subscribe_bind(consumer=GROUP, stream=STREAM)
        self._unsettled = 0
        while True:
            if self._unsettled >= IN_FLIGHT:
                await asyncio.sleep(0.02)
                continue
            with contextlib.suppress(nats.errors.TimeoutError):
                for message in await consumer.fetch(FETCH, timeout=FETCH_S):
                    self._unsettled += 1
                    ingest.offer(
                        Arrival(topic_of(message.subject), message.data, partial(self._acknowledge, message, client))
                    )

    def _acknowledge(self, message: Msg, connection: Client) -> None:
        """Tell the cluster that we are done with a message. Of a lost connection: it comes again."""
        if connection is self._client:
            self._unsettled -= 1
            self._outgoing.append((message.reply, b"+ACK"))
            self._awake.set()

    async def _write(self, client: Client) -> NoReturn:
        while True:
            await self._awake.wait()
            self._awake.clear()
            while self._outgoing:
                await client.publish(*self._outgoing.popleft())

    def _connected(self, state: bool) -> None:
        if self._ingest is not None:
            metrics.gauge("cloud_ingest_connected").set(state)
        self._health.set("broker", state, "" if state else "not connected")


async def _note(error: Exception) -> None:
    _log.warning("nats_error", reason=str(error) or type(error).__name__)


async def _prepared(stream: JetStreamContext, replicas: int) -> None:
    """Make the stream and its consumer what they must be; the first replica finds neither."""
    wanted = StreamConfig(
        name=STREAM,
        subjects=subjects(every_station(channel) for channel in UP),
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_bytes=MAX_STREAM_BYTES,
        num_replicas=replicas,
    )
    try:
        await stream.add_stream(wanted)
    except BadRequestError:
        await stream.update_stream(wanted)
    await stream.add_consumer(
        STREAM,
        ConsumerConfig(
            durable_name=GROUP, ack_policy=AckPolicy.EXPLICIT, ack_wait=ACK_WAIT_S, max_ack_pending=10 * IN_FLIGHT
        ),
    )
