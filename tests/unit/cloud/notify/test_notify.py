"""Drivers are told once, by browser and e-mail, and requests go to public addresses only."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cloud.api.secrets import Sealer
from cloud.notify import push
from cloud.notify.mail import Mailer
from cloud.notify.notifier import ATTEMPTS, Notifier, PushSender
from cloud.notify.reach import Reach
from cloud.store import notices
from cloud.store.notices import MOST_SUBSCRIPTIONS, Wishes
from powerctl.core.setpoint import Limit, LimitSource
from powerctl.core.units import Power
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.stories import (
    ANNA,
    SESSION,
    began,
    live,
    over,
    plugged,
    reading,
    telemetry,
)
from tests.unit.cloud.world import World, world

PUBLIC = "93.184.215.14"
APP = "https://charge.example.net"


def test_a_message_is_that_of_the_rfcs_example() -> None:
    # RFC 8291, section 5 and appendix A.
    own = ec.derive_private_key(
        int.from_bytes(push.unpadded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1()
    )
    to = push.subscription(
        "https://push.example.net/x",
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
    )
    body = push.encrypted(
        b"When I grow up, I want to be a watermelon", to, own, push.unpadded("DGv6ra1nlYgDCS1FRnbzlw")
    )
    assert push.padless(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


class Browser:
    """Subscribes, and reads what it is sent."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"0123456789abcdef"
        self.point = push.public_point(self.key)
        self.fields = {
            "endpoint": "https://push.example.net/send/1",
            "p256dh": push.padless(self.point),
            "auth": push.padless(self.auth),
        }

    def read(self, body: bytes) -> dict[str, Any]:
        salt, (_, length) = body[:16], struct.unpack("!IB", body[16:21])
        point, sealed = body[21 : 21 + length], body[21 + length :]
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point))
        secret = HKDF(SHA256(), 32, self.auth, b"WebPush: info\0" + self.point + point).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
        return dict(json.loads(AESGCM(key).decrypt(nonce, sealed, None)[:-1]))


class PushService:
    """Takes messages of a push service."""

    def __init__(self) -> None:
        self.seen: list[httpx.Request] = []
        self.status = 201

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return httpx.Response(self.status)


class Told:
    """A world with a notifier."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.browser, self.service = Browser(), PushService()
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.sealer = Sealer(bytes(32))
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.service))
        self.sender = PushSender(self.key, "mailto:ops@example.net", Reach(client, self._resolve))
        self.notifier = Notifier(here.store, self.sealer, APP, self.sender)

    async def _resolve(self, host: str) -> list[str]:
        return [PUBLIC]

    async def subscribe(self, name: str = "b1") -> None:
        sealed = self.sealer.seal(json.dumps(self.browser.fields).encode(), name)
        async with self.here.store.write() as writing:
            assert await notices.subscribe(writing.connection, ANNA.user, name, sealed, writing.now)

    async def wish(self, wanted: Wishes) -> None:
        async with self.here.store.write() as writing:
            await notices.wish(writing.connection, ANNA.user, wanted)

    async def charges(self) -> None:
        """Anna's session runs."""
        await self.here.starts()
        await self.here.reports(*plugged(), began())
        async with self.here.store.write() as writing:
            session = await self.here.session()
            await writing.save(session, replace(session, driver=ANNA.user))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("notify"))


@pytest.fixture
async def told(files: SqliteFiles) -> AsyncIterator[Told]:
    async with world(await files.new()) as here:
        yield Told(here)


async def test_a_finished_session_is_told_once_and_only_the_browser_reads_it(told: Told) -> None:
    await told.subscribe()
    await told.charges()
    await told.here.reports(over(reading(1_000, 1), reading(3_500, 10)))
    await told.notifier.tick()
    await told.notifier.tick()
    (request,) = told.service.seen
    assert told.browser.read(request.content) == {
        "title": "Charging at Harbour, left",
        "body": "Charging has finished: 2.5 kWh.",
        "kind": f"finished {SESSION}",
        "url": f"/#/sessions/{SESSION}",
    }
    assert b"finished" not in request.content
    assert (request.url.host, request.headers["host"]) == (PUBLIC, "push.example.net")
    assert request.extensions["sni_hostname"] == "push.example.net"
    proof = request.headers["authorization"].removeprefix("vapid t=").split(", k=")[0]
    claims = jwt.decode(
        proof, told.key.public_key(), ["ES256"], audience="https://push.example.net", options={"verify_exp": False}
    )
    assert claims["sub"] == "mailto:ops@example.net"


async def test_a_slowed_session_is_told_once_to_who_wants_it(told: Told) -> None:
    await told.subscribe()
    await told.wish(Wishes(on_slowed=True))
    await told.charges()
    limit = Limit(LimitSource.DSO, Power(4_200.0), "The grid operator limits the station to 4.2 kW.")
    for _ in range(2):
        await told.here.reports(telemetry(live(kw=4.1, target_kw=20, reasons=(limit,))))
    await told.notifier.tick()
    (request,) = told.service.seen
    assert "The grid operator limits" in told.browser.read(request.content)["body"]


async def test_who_does_not_want_to_hear_is_left_alone(told: Told) -> None:
    await told.subscribe()
    await told.wish(Wishes(on_finished=False))
    await told.charges()
    await told.here.reports(over(reading(1_000, 1), reading(3_500, 10)))
    await told.notifier.tick()
    assert told.service.seen == []


async def test_a_browser_that_is_gone_is_forgotten(told: Told) -> None:
    await told.subscribe()
    told.service.status = 410
    await told.charges()
    await told.here.reports(over(reading(1_000, 1), reading(3_500, 10)))
    await told.notifier.tick()
    async with told.here.store.database.read() as connection:
        assert list(await notices.subscriptions(connection, ANNA.user)) == []


async def test_a_push_service_that_fails_is_asked_again_and_then_no_more(told: Told) -> None:
    await told.subscribe()
    told.service.status = 500
    await told.charges()
    await told.here.reports(over(reading(1_000, 1), reading(3_500, 10)))
    for _ in range(ATTEMPTS + 3):
        await told.notifier.tick()
        told.here.clock.advance(timedelta(hours=1).total_seconds())
    assert len(told.service.seen) == ATTEMPTS


async def test_an_e_mail_reaches_a_mail_server(told: Told) -> None:
    letters: list[Any] = []

    class Box:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            letters.append(envelope)
            return "250 OK"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(Box(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        mailer = Mailer("127.0.0.1", port, "charge@example.net", encrypt=False)
        await told.wish(Wishes(email="anna@example.net"))
        await told.charges()
        await told.here.reports(over(reading(1_000, 1), reading(3_500, 10)))
        await Notifier(told.here.store, told.sealer, APP, None, mailer).tick()
    finally:
        controller.stop()
    (letter,) = letters
    assert letter.rcpt_tos == ["anna@example.net"]
    assert b"Charging has finished: 2.5 kWh." in letter.content
    assert b"Subject: Charging at Harbour, left" in letter.content
    assert f"{APP}/#/sessions/{SESSION}".encode() in letter.content


async def test_so_many_browsers_and_no_more(told: Told) -> None:
    for number in range(MOST_SUBSCRIPTIONS):
        await told.subscribe(f"b{number}")
    async with told.here.store.write() as writing:
        assert not await notices.subscribe(writing.connection, ANNA.user, "one-more", b"", writing.now)


@pytest.mark.parametrize(
    "endpoint",
    ["http://push.example.net/", "https://u@push.example.net/", "https://push.example.net:8443/", "file:///etc/passwd"],
)
def test_only_https_addresses_are_endpoints(endpoint: str) -> None:
    browser = Browser()
    with pytest.raises(ValueError, match="https"):
        push.subscription(endpoint, browser.fields["p256dh"], browser.fields["auth"])
