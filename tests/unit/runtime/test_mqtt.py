"""The link outlives brokers that refuse, fall silent or talk nonsense, and hides no mistake of ours."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from powerctl.core.errors import ConfigError
from powerctl.runtime import mqtt
from powerctl.runtime.mqtt import Message, MqttLink, MqttSettings, Terms
from powerctl.runtime.pki import create_ca, issue
from powerctl.runtime.settings import TlsFiles

CONNACK = bytes.fromhex("20 02 00 00")
NOT_AUTHORISED = bytes.fromhex("20 02 00 05")
SUBACK = bytes.fromhex("90 03 00 01 01")
SUBACK_REFUSED = bytes.fromhex("90 03 00 01 80")
PUBLISH = bytes.fromhex("32 08 0002 612f 0007 6869")
"""QoS 1, topic `a/`, packet identifier 7, payload `hi` (MQTT 3.1.1, 3.3)."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[TlsFiles, TlsFiles]:
    authority = create_ca(tmp_path_factory.mktemp("pki"), "test")
    return issue(authority, "broker", server_names=["127.0.0.1"]), issue(authority, "ST-1", client=True)


@dataclass
class Script:
    """A broker that answers the n-th connection with the n-th script, packet for packet, and then stays silent."""

    answers: list[list[bytes]]
    heard: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = self.answers[min(self.connections, len(self.answers) - 1)]
        self.connections += 1
        with contextlib.suppress(OSError):
            for answer in answers:
                self.heard.append(await reader.read(1000))
                writer.write(answer)
                if not answer:
                    break
            else:
                self.heard.append(await reader.read(1000))
            writer.close()


@dataclass
class Story:
    """A link and what it told."""

    link: MqttLink
    script: Script
    attempts: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    messages: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    states: list[bool] = field(default_factory=list)
    running: asyncio.Task[None] | None = None


@contextlib.asynccontextmanager
async def story(
    files: tuple[TlsFiles, TlsFiles],
    *answers: list[bytes],
    on_message: Callable[[Message], None] | None = None,
) -> AsyncIterator[Story]:
    server, client = files
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(server.ca))
    context.load_cert_chain(server.certificate, server.key)
    context.verify_mode = ssl.CERT_REQUIRED
    script = Script(list(answers))
    listener = await asyncio.start_server(script.serve, "127.0.0.1", 0, ssl=context)
    port = listener.sockets[0].getsockname()[1]
    settings = MqttSettings(host="127.0.0.1", port=port, tls=client, reconnect_cap_s=0.1)
    told: list[Story] = []
    terms = Terms(
        "ST-1",
        ["a/"],
        on_message or (lambda message: told[0].messages.put_nowait(message)),
        on_state=lambda state: told[0].states.append(state),
        acknowledge=True,
    )
    link = MqttLink(settings, terms, setting="t", on_attempt=lambda result: told[0].attempts.put_nowait(result))
    told.append(Story(link, script))
    told[0].running = asyncio.create_task(link.run())
    try:
        yield told[0]
    finally:
        told[0].running.cancel()
        with contextlib.suppress(asyncio.CancelledError, ZeroDivisionError):
            await told[0].running
        listener.close()


async def test_a_message_comes_and_is_acknowledged_when_we_say_so(files: tuple[TlsFiles, TlsFiles]) -> None:
    async with story(files, [CONNACK, SUBACK + PUBLISH, b""]) as begun:
        assert await asyncio.wait_for(begun.attempts.get(), 20) == "connected"
        message = await asyncio.wait_for(begun.messages.get(), 20)
        assert (message.topic, message.payload, message.number) == ("a/", b"hi", 7)
        begun.link.acknowledge(message)
        assert await asyncio.wait_for(begun.attempts.get(), 20) == "connected"
        assert begun.script.heard[2] == bytes.fromhex("40 02 00 07")
        assert begun.states[:3] == [True, False, True]


async def test_an_acknowledgement_of_an_earlier_connection_is_not_sent(files: tuple[TlsFiles, TlsFiles]) -> None:
    async with story(files, [CONNACK, SUBACK, b""], [CONNACK, SUBACK]) as begun:
        assert begun.states == []
        stale = Message("a/", b"hi", 7, connection=0)
        assert await asyncio.wait_for(begun.attempts.get(), 20) == "connected"
        begun.link.acknowledge(stale)
        assert begun.link.publish("a/", b"x")
        await asyncio.wait_for(begun.attempts.get(), 20)
        assert not begun.script.heard[2].startswith(b"\x40")


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        pytest.param([NOT_AUTHORISED], "refused", id="refuses us"),
        pytest.param([CONNACK, SUBACK_REFUSED], "refused", id="refuses a subscription"),
        pytest.param([b"\xf0\x00"], "failed", id="speaks something else"),
        pytest.param([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "failed", id="never greets"),
        pytest.param([b""], "failed", id="hangs up"),
        pytest.param([bytes.fromhex("20 01 00")], "failed", id="truncates a packet"),
    ],
)
async def test_a_bad_broker_is_tried_again(
    files: tuple[TlsFiles, TlsFiles], answers: list[bytes], result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "GREETING_TIMEOUT_S", 1.0)
    monkeypatch.setattr(mqtt, "MISC_EVERY_S", 0.1)
    async with story(files, answers, [CONNACK, SUBACK]) as begun:
        assert await asyncio.wait_for(begun.attempts.get(), 20) == result
        assert await asyncio.wait_for(begun.attempts.get(), 20) == "connected"
        assert begun.states == [True]


async def test_without_connection_nothing_is_sent_and_that_is_said(files: tuple[TlsFiles, TlsFiles]) -> None:
    async with story(files, [b""]) as begun:
        assert not begun.link.publish("a/", b"x")
        assert not begun.link.connected


async def test_a_mistake_of_ours_is_not_hidden(files: tuple[TlsFiles, TlsFiles]) -> None:
    def broken(_: Message) -> None:
        raise ZeroDivisionError

    async with story(files, [CONNACK, SUBACK + PUBLISH], on_message=broken) as begun:
        assert begun.running is not None
        done, _ = await asyncio.wait([begun.running], timeout=20)
        assert isinstance(done.pop().exception(), ZeroDivisionError)


@pytest.mark.parametrize("missing", ["ca", "certificate", "key"])
def test_a_missing_file_is_for_the_operator(files: tuple[TlsFiles, TlsFiles], tmp_path: Path, missing: str) -> None:
    tls = files[1].model_copy(update={missing: tmp_path / "absent.pem"})
    settings = MqttSettings(host="127.0.0.1", tls=tls)
    with pytest.raises(ConfigError, match=r"uplink\.broker\.tls"):
        MqttLink(settings, Terms("ST-1", [], lambda _: None), setting="uplink.broker")
