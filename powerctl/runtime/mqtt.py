"""One connection to an MQTT broker, kept up for ever: MQTT 3.1.1, QoS 1 to the broker, TLS with certificates both ways.

The broker's acknowledgement is nobody's proof: both ends keep what they send until the other end's application has
answered. So the link holds nothing across a reconnect, and says at once when it cannot send.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import ssl
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from pydantic import Field

from powerctl.core.errors import ConfigError
from powerctl.runtime import log
from powerctl.runtime.backoff import full_jitter
from powerctl.runtime.settings import Section, TlsFiles

CONNECT_TIMEOUT_S: Final = 10.0
GREETING_TIMEOUT_S: Final = 20.0
"""From TLS to the last SUBACK."""
USER_TIMEOUT_MS: Final = 20_000
"""How long sent bytes may stay unacknowledged before the connection counts as dead (RFC 5482)."""
STEADY_S: Final = 10.0
"""A connection that lasted this long lets the waits begin anew."""
READS_PER_TURN: Final = 100
MAX_QUEUED: Final = 5_000
MISC_EVERY_S: Final = 1.0

CONNECTED: Final = "connected"
REFUSED: Final = "refused"
"""The broker has said no, to us or to a subscription."""
UNTRUSTED: Final = "untrusted"
"""Who answers does not prove to be the broker; nothing was said to it."""
FAILED: Final = "failed"

_log = log.get(__name__)


class MqttSettings(Section):
    """Where the broker is, and who we are to it."""

    host: str = Field(min_length=1)
    """Name or address; the broker's certificate must carry it."""
    port: int = Field(default=8883, ge=1, le=65535)
    tls: TlsFiles
    """The common name of the certificate is our name at the broker."""
    keepalive_s: int = Field(default=30, ge=5, le=1200)
    """Silence after which either side asks whether the other is still there; 30 s outlives carriers' NAT tables."""
    reconnect_cap_s: float = Field(default=120.0, ge=0.1, le=3600)
    """Bound of the random wait before an attempt to connect."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came."""

    topic: str
    payload: bytes
    number: int
    """The broker's number for it, good for one acknowledgement on the same connection."""
    connection: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a program wants of its connection."""

    client_id: str
    subscriptions: Sequence[str]
    on_message: Callable[[Message], None]
    """Called on the event loop; must not wait."""
    on_state: Callable[[bool], None] = lambda _: None
    """Called with True when connected and subscribed, with False when that is over."""
    persistent: bool = False
    """True: the broker keeps what comes for us while we are away."""
    acknowledge: bool = False
    """True: a message is the broker's until `MqttLink.acknowledge`."""

    @property
    def quality(self) -> int:
        """The QoS of the subscriptions. A session that ends with its connection needs 0: the line loses nothing while
        it lives, and a broker keeps no state for it (NATS has a durable consumer for each subscription with 1)."""
        return 1 if self.persistent or self.acknowledge else 0


def tls_context(files: TlsFiles, setting: str) -> ssl.SSLContext:
    """A client's context: we verify the server's name, and show our certificate.

    Raises:
        ConfigError: A file cannot be read or does not hold what it should.
    """
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(files.ca))
        context.load_cert_chain(str(files.certificate), str(files.key))
    except OSError as error:
        raise ConfigError(
            setting, f"the certificate files cannot be used: {error}.", "Check ca, certificate and key."
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@dataclass(slots=True)
class _Connection:
    """One connection, from TCP to its loss."""

    client: paho.Client
    number: int
    up: asyncio.Event = field(default_factory=asyncio.Event)
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    why: str = ""
    refused: bool = False
    """The broker has said no, to us or to a subscription."""
    inbox: list[Message] = field(default_factory=list)
    mistake: BaseException | None = None
    """Our own, from `Terms.on_message`."""

    def lose(self, why: str) -> None:
        """Note that the connection is over. The first reason stands."""
        self.why = self.why or why
        self.lost.set()


class MqttLink:
    """Connects, subscribes, and does so again with growing random waits, until cancelled.

    Args:
        settings: Where and as whom.
        terms: What for.
        setting: Name of the settings table, for errors.
        on_attempt: Told of every attempt: `CONNECTED`, `REFUSED`, `UNTRUSTED` or `FAILED`.
        spread_s: Bound of the random wait after the loss of a connection, when the peer has asked for one; 0: none.

    Raises:
        ConfigError: The certificate files cannot be used.
    """

    def __init__(
        self,
        settings: MqttSettings,
        terms: Terms,
        *,
        setting: str,
        on_attempt: Callable[[str], None] = lambda _: None,
        spread_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        tls_context(settings.tls, f"{setting}.tls")
        self._settings = settings
        self._terms = terms
        self._setting = setting
        self._on_attempt = on_attempt
        self._spread_s = spread_s
        self._current: _Connection | None = None
        self._connections = 0

    @property
    def connected(self) -> bool:
        """True while connected and subscribed."""
        return self._current is not None and self._current.up.is_set() and not self._current.lost.is_set()

    def publish(self, topic: str, payload: bytes) -> bool:
        """Send a message. False: it was not sent and never will be, because there is no connection or it is jammed."""
        if self._current is None or not self.connected:
            return False
        return self._current.client.publish(topic, payload, qos=1).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def drop(self, why: str) -> None:
        """End the present connection; the next one reads the certificate files anew."""
        if self._current is not None:
            self._current.lose(why)

    def acknowledge(self, message: Message) -> None:
        """Tell the broker that we are done with `message`. Of an earlier connection: the broker brings it again."""
        current = self._current
        if current is not None and not current.lost.is_set() and message.connection == current.number:
            current.client.ack(message.number, 1)

    async def run(self) -> NoReturn:
        """Keep the connection up until cancelled."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            why = await self._one_connection()
            failures = 0 if loop.time() - began >= STEADY_S else failures + 1
            wait = full_jitter(max(failures - 1, 0), cap_s=self._settings.reconnect_cap_s, random=random.random)
            if failures == 0:
                wait = max(wait, random.uniform(0, self._spread_s()))  # noqa: S311 - spreads load, guards nothing
            _log.warning("mqtt_not_connected", why=why, retry_s=round(wait, 2))
            await asyncio.sleep(wait)

    async def _one_connection(self) -> str:
        """Live through one connection; returns why it ended."""
        try:
            connection = self._prepare()
            await asyncio.to_thread(
                connection.client.connect, self._settings.host, self._settings.port, self._settings.keepalive_s
            )
        except (OSError, ConfigError) as error:
            self._on_attempt(UNTRUSTED if isinstance(error, ssl.SSLCertVerificationError) else FAILED)
            return str(error) or type(error).__name__
        self._current = connection
        try:
            await self._live(connection)
        finally:
            self._current = None
            _close(connection)
            if connection.up.is_set():
                self._terms.on_state(False)
            else:
                self._on_attempt(REFUSED if connection.refused else FAILED)
        if connection.mistake is not None:
            raise connection.mistake
        return connection.why

    def _prepare(self) -> _Connection:
        self._connections += 1
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._terms.client_id,
            clean_session=not self._terms.persistent,
            protocol=paho.MQTTv311,
            manual_ack=self._terms.acknowledge,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages = 0
        client.max_queued_messages = MAX_QUEUED
        connection = _Connection(client, self._connections)
        client.on_connect = lambda _c, _u, _f, reason, _p: self._greeted(connection, reason)
        client.on_subscribe = lambda _c, _u, _m, reasons, _p: self._subscribed(connection, reasons)
        client.on_disconnect = lambda _c, _u, _f, reason, _p: connection.lose(str(reason))
        client.on_message = lambda _c, _u, message: _received(connection, message)
        # Present from the start, so that paho leaves the writing to the event loop.
        client.on_socket_register_write = lambda _c, _u, _s: None
        client.tls_set_context(tls_context(self._settings.tls, f"{self._setting}.tls"))
        return connection

    async def _live(self, connection: _Connection) -> None:
        _attach(connection, self._terms.on_message)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GREETING_TIMEOUT_S
        while not connection.lost.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(connection.lost.wait(), MISC_EVERY_S)
            connection.client.loop_misc()
            if not connection.up.is_set() and loop.time() > deadline:
                connection.lose("the broker does not greet")

    def _greeted(self, connection: _Connection, reason: Any) -> None:
        if reason.is_failure:
            connection.refused = True
            connection.lose(f"the broker refuses us: {reason}")
        elif self._terms.subscriptions:
            connection.client.subscribe([(name, self._terms.quality) for name in self._terms.subscriptions])
        else:
            self._is_up(connection)

    def _subscribed(self, connection: _Connection, reasons: Sequence[Any]) -> None:
        if any(reason.is_failure for reason in reasons):
            connection.refused = True
            connection.lose("the broker refuses a subscription")
        else:
            self._is_up(connection)

    def _is_up(self, connection: _Connection) -> None:
        self._on_attempt(CONNECTED)
        _log.info("mqtt_connected", host=self._settings.host, port=self._settings.port)
        connection.up.set()
        self._terms.on_state(True)


def _received(connection: _Connection, message: paho.MQTTMessage) -> None:
    connection.inbox.append(Message(message.topic, bytes(message.payload), message.mid, connection.number))


def _attach(connection: _Connection, on_message: Callable[[Message], None]) -> None:
    """Let the event loop read and write for `connection`."""
    loop, client = asyncio.get_running_loop(), connection.client
    sock: Any = client.socket()
    if sock is None:
        connection.lose("the connection was closed at once")
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)

    def detach(*_: Any) -> None:
        loop.remove_reader(sock)
        loop.remove_writer(sock)

    def mute(*_: Any) -> None:
        loop.remove_writer(sock)

    client.on_socket_close = detach
    client.on_socket_register_write = lambda *_: loop.add_writer(sock, client.loop_write)
    client.on_socket_unregister_write = mute
    loop.add_reader(sock, _read, connection, on_message)
    loop.add_writer(sock, client.loop_write)


def _read(connection: _Connection, on_message: Callable[[Message], None]) -> None:
    try:
        _read_packets(connection.client, connection, on_message)
    except (OSError, ValueError, IndexError, struct.error) as error:
        connection.lose(f"the broker speaks no MQTT: {error}")
    messages, connection.inbox = connection.inbox, []
    try:
        for message in messages:
            on_message(message)
    except BaseException as mistake:
        connection.mistake = mistake
        connection.lose("a message was not handled")


def _read_packets(client: paho.Client, connection: _Connection, on_message: Callable[[Message], None]) -> None:
    """Read until TLS holds nothing more, which the event loop could not see."""
    for _ in range(READS_PER_TURN):
        client.loop_read()
        sock: Any = client.socket()
        if sock is None or not sock.pending():
            return
    asyncio.get_running_loop().call_soon(_read, connection, on_message)


def _close(connection: _Connection) -> None:
    """Say goodbye if the line still takes it, and close the socket."""
    client = connection.client
    sock: Any = client.socket()
    client.disconnect()
    client.loop_write()
    if client.socket() is not None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(sock)
        loop.remove_writer(sock)
        sock.close()
