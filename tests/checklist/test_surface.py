"""What the outside meets: TLS, headers, errors, limits, and nothing that helps an attacker."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import ssl
import warnings
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.api import errors
from cloud.api.boundary import answer, parse
from cloud.api.call import Call
from cloud.api.limits import Limits
from cloud.domain.bucket import Buckets
from cloud.domain.refusal import Refusal, Why
from cloud.ingest.check import inspect
from cloud.ingest.ingest import MESSAGES_AT_ONCE, Arrival, Ingest
from cloud.settings import CloudSettings
from cloud.store import locations
from powerctl.core.clock import ManualClock, Monotonic
from powerctl.core.errors import RemoteError
from powerctl.core.ids import StationId
from powerctl.runtime.mqtt import tls_context
from powerctl.runtime.pki import create_ca, issue
from powerctl.wire.batch import MAX_MESSAGE_BYTES
from powerctl.wire.topics import Channel, topic
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.stories import ANNA

INTERNALS = re.compile(r"Traceback|File \"|\.py|SELECT|sqlite|asyncpg|/tmp|/usr|Error\(", re.IGNORECASE)


async def test_row_6_grpc_speaks_tls_1_2_or_newer_with_forward_secrecy(files: SqliteFiles, tmp_path: Path) -> None:
    authority = create_ca(tmp_path / "pki", "test")
    server = issue(authority, "api", server_names=["127.0.0.1"])
    async with cloud(await files.new(), tls=server) as api:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            cipher = await handshake(api.grpc_port, server.ca, version)
            assert cipher.startswith(("ECDHE", "TLS_AES", "TLS_CHACHA"))
        with pytest.raises((ssl.SSLError, OSError)):
            await handshake(api.grpc_port, server.ca, ssl.TLSVersion.TLSv1_1)
        with pytest.raises((ssl.SSLError, OSError)):
            await handshake(api.grpc_port, server.ca, ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256")


async def handshake(port: int, ca: Path, version: ssl.TLSVersion, ciphers: str = "") -> str:
    context = ssl.create_default_context(cafile=str(ca))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
    context.set_alpn_protocols(["h2"])
    if ciphers or version is ssl.TLSVersion.TLSv1_1:
        context.set_ciphers((ciphers or "ALL") + ":@SECLEVEL=0")
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="127.0.0.1")
    name: str = writer.get_extra_info("ssl_object").cipher()[0]
    writer.close()
    return name


def test_row_6_and_7_stations_verify_the_name_and_never_fall_back(tmp_path: Path) -> None:
    context = tls_context(issue(create_ca(tmp_path, "test"), "ST-1", client=True), "uplink.broker.tls")
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("listener", ["web", "grpc"])
def test_row_6_no_plain_text_beyond_this_machine(listener: str) -> None:
    model = CloudSettings.model_fields[listener].annotation
    assert model is not None
    with pytest.raises(ValueError, match="needs TLS"):
        model(host="0.0.0.0")


async def test_row_40_methods_are_not_told_unless_asked_for(api: Cloud) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{api.grpc_port}") as channel:
        untyped: Any = channel
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(untyped)
        stream = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stream.read()
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert CloudSettings.model_fields["reflection"].default is False
    async with httpx.AsyncClient(base_url=api.web) as client:
        for path in ("/docs", "/openapi.json", "/debug/pprof", "/metrics", "/redoc", "/.git/config", "/.env"):
            answered = await client.get(path)
            assert answered.status_code == 404 or "<!doctype html" in answered.text.lower()
            assert "server" not in answered.headers


async def test_row_41_a_fault_of_ours_is_told_without_internals(api: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("SELECT secret FROM users -- /usr/lib/python3.11/x.py")

    monkeypatch.setattr(locations, "load", broken)
    async with httpx.AsyncClient(base_url=api.web, headers={"authorization": f"Bearer {api.token(ANNA)}"}) as client:
        answered = await client.get("/v1/locations/demo-1")
    assert answered.status_code == 500
    assert not INTERNALS.search(answered.text)


async def test_row_41_errors_carry_details_for_programs_on_every_transport(api: Cloud) -> None:
    async with httpx.AsyncClient(base_url=api.web) as client:
        body = (await client.get("/v1/principal")).json()
    (detail,) = body["details"]
    info = error_details_pb2.ErrorInfo.FromString(base64.b64decode(detail["value"] + "=="))
    assert (body["code"], detail["type"]) == ("unauthenticated", "google.rpc.ErrorInfo")
    assert (info.reason, info.domain) == ("UNAUTHENTICATED", "powerctl")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{api.grpc_port}") as channel:
        rpc: Any = channel.unary_unary("/powerctl.v1.IdentityService/GetPrincipal")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await rpc(b"")
    trailers = dict(refused.value.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers[errors.DETAILS_KEY])
    assert (status.code, status.message) == (16, refused.value.details())


async def test_row_42_the_page_may_do_nothing_but_itself(files: SqliteFiles) -> None:
    async with cloud(await files.new(), secure=True) as api, httpx.AsyncClient(base_url=api.web) as client:
        for path in ("/", "/v1/principal", "/nothing/here"):
            headers = (await client.get(path)).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["strict-transport-security"].startswith("max-age=31536000")
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "access-control-allow-origin" not in headers
        body = {"token": api.sign_in_token(ANNA)}
        method = "/powerctl.v1.IdentityService/SignIn"
        foreign = await client.post(method, json=body, headers={"origin": "https://evil.example"})
        assert foreign.status_code == 403
        own = await client.post(method, json=body, headers={"origin": "https://charge.example"})
        cookie = own.headers["set-cookie"]
        assert cookie.startswith("__Host-")
        assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=strict"))


async def test_row_42_a_simple_form_of_another_site_calls_nothing(api: Cloud) -> None:
    headers = {"authorization": f"Bearer {api.token(ANNA)}", "content-type": "text/plain"}
    async with httpx.AsyncClient(base_url=api.web, headers=headers) as client:
        assert (await client.post("/powerctl.v1.IdentityService/SignOut", content="{}")).status_code == 415


async def test_row_28_one_person_does_not_take_the_service_from_others(api: Cloud) -> None:
    limits = Limits(api.world.clock, rate=10, burst=20)
    bert, anna = Call(peer="10.0.0.1"), Call(peer="10.0.0.2")
    refused = 0
    for _ in range(100):
        try:
            limits.count(bert)
        except Refusal as refusal:
            refused += refusal.why is Why.RESOURCE_EXHAUSTED and 0 < (refusal.retry_s or 0) <= 0.1
    assert refused == 80
    assert limits.count(anna) is anna
    api.world.clock.advance(1)
    assert limits.count(bert) is bert


@given(st.lists(st.floats(0, 3), max_size=60), st.floats(0.5, 20), st.floats(1, 30))
def test_row_28_no_more_passes_than_the_rate_and_the_burst(gaps: list[float], rate: float, burst: float) -> None:
    buckets, now, passed = Buckets(rate, burst), 0.0, 0
    for gap in gaps:
        now += gap
        passed += buckets.take("a", Monotonic(now)) == 0.0
    assert passed <= burst + rate * now + 1e-6


def test_row_28_a_flood_of_keys_takes_no_memory() -> None:
    buckets = Buckets(1, 1, remembered=100)
    for number in range(1000):
        buckets.take(str(number), Monotonic(0.0))
    assert len(buckets._levels) == 100


async def test_row_28_a_station_that_floods_takes_no_room_from_the_others(api: Cloud) -> None:
    clock, accepted = ManualClock(), []
    ingest = Ingest(api.world.store, lambda *_: None, capacity=10_000, now=clock.monotonic)
    for station, count in ((StationId("ST-1"), 8_000), (StationId("ST-2"), 10)):
        name = topic(station, Channel.TELEMETRY)
        for _ in range(count):
            ingest.offer(Arrival(name, b"", lambda name=name: accepted.append(name)))  # type: ignore[misc]
    assert ingest._waiting.qsize() == MESSAGES_AT_ONCE + 10
    assert set(accepted) == {topic(StationId("ST-1"), Channel.TELEMETRY)}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=st.binary(max_size=300))
async def test_row_25_no_bytes_break_a_method(api: Cloud, payload: bytes) -> None:
    for method in api.methods.values():
        with contextlib.suppress(Refusal):
            assert parse(method, payload) is not None


@given(st.text(max_size=60), st.binary(max_size=200))
def test_row_25_no_message_of_a_station_breaks_ingest(name: str, payload: bytes) -> None:
    for one in (name, topic(StationId("ST-1"), Channel.EVENTS)):
        with pytest.raises(RemoteError):
            inspect(one, payload + b"\xff")


def test_row_25_and_28_large_messages_are_refused_unread() -> None:
    with pytest.raises(RemoteError, match="at most"):
        inspect(topic(StationId("ST-1"), Channel.EVENTS), bytes(MAX_MESSAGE_BYTES + 1))


async def test_row_25_a_large_body_is_refused(api: Cloud) -> None:
    async with httpx.AsyncClient(base_url=api.web) as client:
        answered = await client.post("/powerctl.v1.IdentityService/SignIn", json={"token": "x" * 200_000})
    assert answered.status_code == 429
    nested = b'{"token":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    async with httpx.AsyncClient(base_url=api.web) as client:
        headers = {"content-type": "application/json"}
        answered = await client.post("/powerctl.v1.IdentityService/SignIn", content=nested[:80_000], headers=headers)
    assert answered.status_code == 400


async def test_row_48_secrets_stand_in_no_log_line(
    api: Cloud, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    canary = "canary-cb1f-in-every-field"
    for logger in ("cloud", "powerctl"):
        caplog.set_level("DEBUG", logger=logger)
    for name, method in api.methods.items():
        if name.endswith("/Watch"):
            continue
        request: Any = method.request()
        for field in request.DESCRIPTOR.fields:
            if field.type == field.TYPE_STRING and field.name in (
                "token",
                "password",
                "refresh_token",
                "one_time_code",
            ):
                setattr(request, field.name, canary)
        with contextlib.suppress(Refusal):
            await answer(method, request, Call(), "test")  # type: ignore[arg-type]
    written = capfd.readouterr()
    assert canary not in written.out + written.err + caplog.text


def test_row_11_no_secret_stands_in_the_source() -> None:
    root = Path(__file__).parents[2]
    private = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=]{20}")
    folders = ("cloud", "edge", "powerctl", "deploy", "docs", "tools")
    files = [path for folder in folders for path in (root / folder).rglob("*") if path.is_file()]
    kinds = {".py", ".md", ".toml", ".conf", ".service", ".yaml", ".json"}
    files = [path for path in files if "node_modules" not in path.parts]
    texts = [path for path in files if path.suffix in kinds]
    assert texts
    assert not [path for path in texts if private.search(path.read_text(errors="replace"))]
    assert not [path for path in files if path.suffix in {".key", ".pem", ".p12"}]
