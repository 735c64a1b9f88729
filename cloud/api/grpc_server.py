"""The gRPC listener: TLS, a bearer token in the metadata `authorization`, health, and reflection if asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, NoReturn
from urllib.parse import unquote

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from cloud.api import errors
from cloud.api.boundary import MAX_REQUEST_BYTES, answer, answers, parse
from cloud.api.call import Call
from cloud.api.limits import Limits
from cloud.api.method import Method, Methods, Stream, Unary
from cloud.api.peer import peer_of
from cloud.api.sign_in import SignIns
from cloud.domain.refusal import Refusal, Why
from powerctl.core.errors import ConfigError
from powerctl.runtime.settings import TlsFiles

_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    ("grpc.max_concurrent_streams", 100),
)
"""Without the first, a second server on the same port would start and take half of the calls."""
_GRACE_S: Final = 1.0


class GrpcServer:
    """Serves the methods over gRPC.

    Args:
        methods: What is served.
        sign_ins: Knows who calls.
        reflect: True: callers may ask which methods there are.
        limits: None: everybody may call as often as they like.
        proxies: Addresses of proxies that are believed when they name the caller's address.
    """

    def __init__(
        self,
        methods: Methods,
        sign_ins: SignIns,
        *,
        reflect: bool,
        limits: Limits | None = None,
        proxies: frozenset[str] = frozenset(),
    ) -> None:
        self._server = grpc.aio.server(options=_OPTIONS)
        self._sign_ins = sign_ins
        self._limits = limits
        self._proxies = proxies
        self._health = health.aio.HealthServicer()
        self.port = 0
        services = sorted({name.split("/")[1] for name in methods})
        for service in services:
            own = {name: method for name, method in methods.items() if name.startswith(f"/{service}/")}
            self._server.add_generic_rpc_handlers((self._handlers(service, own),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if reflect:
            names = (*services, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._server)
        self._services = services

    async def start(self, host: str, port: int, tls: TlsFiles | None, setting: str = "cloud.grpc.port") -> None:
        """Open the port; without `tls` it carries plain text.

        Raises:
            ConfigError: The port cannot be opened, or a certificate cannot be read.
        """
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if tls is None:
                self.port = self._server.add_insecure_port(address)
            else:
                self.port = self._server.add_secure_port(address, _credentials(tls))
        except RuntimeError as error:
            why = f"{address} cannot be opened."
            raise ConfigError(setting, why, "Stop the program that uses it, or set another port.") from error
        await self._server.start()
        for service in ("", *self._services):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)

    async def run(self) -> NoReturn:
        """Serve until cancelled; running streams are then given a second."""
        try:
            await self._server.wait_for_termination()
            raise RuntimeError("the gRPC server ended by itself")
        finally:
            await self._health.enter_graceful_shutdown()
            await asyncio.shield(self._server.stop(_GRACE_S))

    def _handlers(self, service: str, methods: Methods) -> grpc.GenericRpcHandler:
        rows = {name.rpartition("/")[2]: self._handler(method) for name, method in methods.items()}
        return grpc.method_handlers_generic_handler(service, rows)

    def _handler(self, method: Method) -> grpc.RpcMethodHandler[Any, Any]:
        if isinstance(method, Unary):
            return grpc.unary_unary_rpc_method_handler(self._unary(method))
        return grpc.unary_stream_rpc_method_handler(self._stream(method))

    def _unary(self, method: Unary) -> Callable[[bytes, Any], Any]:
        async def serve(payload: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
            try:
                call = self._call(context)
                response = await answer(method, parse(method, payload), call, "grpc")
            except Refusal as refusal:
                await _abort(context, refusal)
            return response.SerializeToString()

        return serve

    def _stream(self, method: Stream) -> Callable[[bytes, Any], Any]:
        async def serve(payload: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[bytes]:
            try:
                call = self._call(context)
                async for response in answers(method, parse(method, payload), call, "grpc"):
                    yield response.SerializeToString()
            except Refusal as refusal:
                await _abort(context, refusal)

        return serve

    def _call(self, context: grpc.aio.ServicerContext[Any, Any]) -> Call:
        call = self._known(context)
        call.timeout_s = context.time_remaining()
        return self._limits.count(call) if self._limits is not None else call

    def _known(self, context: grpc.aio.ServicerContext[Any, Any]) -> Call:
        metadata: Mapping[str, Any] = dict(context.invocation_metadata() or ())
        token = bearer(str(metadata.get("authorization", "")))
        peer = peer_of(host_of(context.peer()), str(metadata.get("x-forwarded-for", "")), self._proxies)
        if token is None:
            return Call(peer=peer)
        access = self._sign_ins.check(token)
        return Call(access, stream_end=access.expire_time, peer=peer)


def bearer(header: str) -> str | None:
    """The token in an authorization header. None: there is none."""
    scheme, _, token = header.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def host_of(peer: str) -> str:
    """The address in gRPC's name of a peer, `ipv4:HOST:PORT` or `ipv6:%5BHOST%5D:PORT`."""
    _, _, rest = unquote(peer).partition(":")
    return rest.rpartition(":")[0].strip("[]")


async def _abort(context: grpc.aio.ServicerContext[Any, Any], refusal: Refusal) -> NoReturn:
    await context.abort(STATUS[refusal.why], refusal.message, ((errors.DETAILS_KEY, errors.status(refusal)),))
    raise AssertionError("abort raises")


STATUS: Final[Mapping[Why, grpc.StatusCode]] = {why: grpc.StatusCode[why.name] for why in Why}
"""google.rpc codes by their name."""


def _credentials(tls: TlsFiles) -> grpc.ServerCredentials:
    try:
        key, certificate = tls.key.read_bytes(), tls.certificate.read_bytes()
    except OSError as error:
        reason = f"{error.filename} cannot be read: {error.strerror}."
        raise ConfigError("cloud.grpc.tls", reason, "Name readable PEM files.") from error
    return grpc.ssl_server_credentials([(key, certificate)])
