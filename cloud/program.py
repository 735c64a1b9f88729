"""`powerctl-cloud serve`: ingest, API, page and metrics in one process, on one loop."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NoReturn

from cryptography import x509
from starlette.types import ASGIApp

from cloud.api import services
from cloud.api.audit import anchor
from cloud.api.charging import Charging, CommandPublisher
from cloud.api.cookies import Cookies
from cloud.api.encode import Encoder
from cloud.api.grpc_server import GrpcServer
from cloud.api.headers import SecurityHeaders
from cloud.api.limits import Limits
from cloud.api.method import Methods
from cloud.api.ordering import Ordering
from cloud.api.reserving import Reserving
from cloud.api.services import MoneyMatters
from cloud.api.sign_in import SignIns
from cloud.api.tokens import SIGN_IN_LIFE, Tokens, load_key
from cloud.api.web import WebApi
from cloud.api.web_server import WebServer
from cloud.ca.broker_files import BrokerFiles
from cloud.ca.registrar import Registrar, authority
from cloud.ca.takeover import take_over
from cloud.domain.principal import Principal
from cloud.ingest.jetstream import ClusterLink
from cloud.ingest.mqtt import StationLink
from cloud.ingest.ports import StoreUnavailable
from cloud.money import payments_of, sealer, webhook_secret
from cloud.notify.notifier import Notifier
from cloud.payment.process import Payments
from cloud.payment.webhook import Webhooks
from cloud.settings import CloudSettings, load_settings
from cloud.store.engine import Database, database_url
from cloud.store.migrate import migrate, require_current
from cloud.store.store import Store
from cloud.store.turn import HOUSEKEEPING, Turn
from cloud.telling import notifier_of, push_key
from cloud.web.assets import Assets
from powerctl.core.clock import Clock
from powerctl.runtime import garbage, log, metrics
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.health import Health, HealthServer
from powerctl.runtime.service import notify_ready, run_service

_EXPIRE_EVERY_S: Final = 1.0
_SUMMARISE_EVERY: Final = 60
_FORGET_EVERY: Final = 3600
"""Rounds of the first."""

_log = log.get(__name__)


async def run(config: Path) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigError: A setting cannot be used, or a port is taken.
    """
    settings, clock, health = load_settings(config), SystemClock(), Health()
    async with opened(settings, clock) as core:
        link = link_to_stations(core, clock, health)
        metrics.begin("cloud", version("powerctl"))
        metrics_server = HealthServer(settings.http, health, setting="cloud.http.port")
        await metrics_server.start()
        try:
            tasks = [link.run()]
            if "api" in settings.parts:
                tasks += await front(core, link.publisher, health)
            _log.info("cloud_ready", metrics=metrics_server.port, parts=sorted(settings.parts), demo=settings.demo)
            garbage.relax()
            notify_ready()
            await run_service("cloud", *tasks)
        finally:
            metrics_server.close()


def link_to_stations(core: Core, clock: Clock, health: Health) -> StationLink | ClusterLink:
    """The connection to the broker, by which records come in where this process takes any.

    Raises:
        ConfigError: The certificate files cannot be used.
    """
    settings, store = core.settings, core.store
    if settings.nats is None:
        return StationLink(settings.mqtt, store, clock, health)
    taker = store if "ingest" in settings.parts else None
    return ClusterLink(settings.nats, taker, clock, health, store.settled)


async def front(core: Core, publisher: CommandPublisher, health: Health) -> list[Coroutine[Any, Any, NoReturn]]:
    """What serves people and keeps house, with its ports open.

    Raises:
        ConfigError: A port is taken.
    """
    settings = core.settings
    methods, charging = api(core, publisher)
    web = web_server(core, methods)
    grpc = GrpcServer(
        methods,
        core.sign_ins,
        reflect=settings.reflection,
        limits=core.limits,
        proxies=frozenset(settings.web.proxies),
    )
    await grpc.start(settings.grpc.host, settings.grpc.port, settings.grpc.tls)
    _log.info("api_ready", web=web.port, grpc=grpc.port)
    tasks = [core.store.feed.run(), grpc.run(), web.run()]
    if core.notifier is not None:
        tasks.append(core.notifier.run())
    return [*tasks, *broker_files(core), housekeep(core, health, charging)]


@dataclass(frozen=True, slots=True)
class Core:
    """What both listeners and ingest stand on."""

    settings: CloudSettings
    store: Store
    tokens: Tokens
    sign_ins: SignIns
    registrar: Registrar | None = None
    limits: Limits | None = None
    payments: Payments | None = None
    """None: nobody needs to pay."""
    notifier: Notifier | None = None
    """None: nobody is told anything."""


@asynccontextmanager
async def opened(settings: CloudSettings, clock: Clock) -> AsyncIterator[Core]:
    """The store and what knows people, until the block ends.

    Raises:
        ConfigError: The key cannot be used, or the database cannot be opened or has another schema.
    """
    tokens = Tokens(load_key(settings.identity.signing_key), clock)
    database = Database(database_url(settings.database_url))
    try:
        await (migrate if settings.migrate_on_start else require_current)(database)
        store = Store(database, clock, settings.tariff.tariff(settings.time_zone), random_id)
        store.seal, store.retention = (
            sealer(settings.receipts),
            settings.telemetry.added_to(settings.receipts.retention()),
        )
        sign_ins = SignIns(store, tokens, random_id, links_for_all=settings.demo)
        signer = Registrar(settings.ca, authority(settings.ca), store) if settings.ca is not None else None
        limits = Limits(clock, rate=settings.limits.calls_per_second, burst=settings.limits.burst)
        telling = notifier_of(settings.notify, store, tokens, settings.web.address)
        async with payments_of(settings, store) as payments, telling as notifier:
            yield Core(settings, store, tokens, sign_ins, signer, limits, payments, notifier)
    finally:
        await database.close()


def api(core: Core, publisher: CommandPublisher) -> tuple[Methods, Charging]:
    """The table of methods, and what starts and stops sessions."""
    payments = core.payments
    charging = Charging(core.store, publisher, random_id, payments, core.tokens.permitted)
    if payments is not None:
        payments.stop = charging.stop_exhausted
    encoder = Encoder(lambda: core.store.tariff, core.settings.zone)
    settings = core.settings
    paid = settings.payment
    methods = services.methods(
        core.store,
        charging,
        core.sign_ins,
        encoder,
        demo=settings.demo,
        registrar=core.registrar,
        open_door=settings.identity.sign_up,
        push_key=push_key(core.notifier) if core.notifier is not None else "",
        email=core.notifier is not None and core.notifier.mailer is not None,
        money=MoneyMatters(payments, paid.provider, paid.publishable_key, settings.receipts.issuer),
        director=settings.director if settings.demo else None,
        rules=settings.approvals.rules,
    )
    return methods, charging


def web_server(core: Core, methods: Methods) -> WebServer:
    """The web listener, with its port open.

    Raises:
        ConfigError: The port cannot be opened.
    """
    web = core.settings.web
    cookies = Cookies(core.sign_ins, web.secure, frozenset({web.address}), core.limits, frozenset(web.proxies))
    app: ASGIApp = WebApi(methods, cookies, Assets())
    if core.payments is not None:
        app = Webhooks(core.payments, webhook_secret(core.settings.payment), app)
    app = SecurityHeaders(app, secure=web.secure)
    return WebServer(app, web.host, web.port, web.tls)


def broker_files(core: Core) -> list[Coroutine[Any, Any, NoReturn]]:
    """What keeps the broker informed of whose certificates count; empty when this cloud enrols nobody."""
    if core.registrar is None:
        return []
    signer, mqtt = core.registrar.authority, core.settings.mqtt
    ingest = x509.load_pem_x509_certificate(mqtt.tls.certificate.read_bytes()).subject.rfc4514_string()
    end = partial(take_over, mqtt, signer)
    return [BrokerFiles(core.registrar.settings, signer, core.store, ingest, end, core.registrar.changed).run()]


async def housekeep(core: Core, health: Health, charging: Charging) -> NoReturn:
    """Hear of sign-offs, do the chores when it is this replica's turn, and say whether the database works, for ever."""
    store, chores = core.store, _Chores(core, charging)
    turn = Turn(store.database, HOUSEKEEPING)
    try:
        while True:
            metrics.gauge("cloud_watch_streams").set(store.feed.subscribers)
            try:
                await core.sign_ins.hear()
                await core.store.hear_tariff()
                if await turn.mine():
                    await chores.round()
                else:
                    chores.rest()
                health.set("database", True)
            except StoreUnavailable as error:
                health.set("database", False, str(error))
            await asyncio.sleep(_EXPIRE_EVERY_S)
    finally:
        await turn.close()


class _Chores:
    """What one replica does for all: send again what a restart cut off, give up, settle, forget."""

    def __init__(self, core: Core, charging: Charging) -> None:
        self._core = core
        self._charging = charging
        self._reserving = Reserving(Ordering(core.store, charging.publisher, random_id))
        self.rest()

    def rest(self) -> None:
        """It is another's turn: whoever begins one starts from what the database says."""
        self._rounds = 0
        self._due: list[Callable[[], Awaitable[object]]] = [self._charging.resume, *self._now_and_then()]

    def _now_and_then(self) -> list[Callable[[], Awaitable[object]]]:
        store, payments = self._core.store, self._core.payments
        chores: list[Callable[[], Awaitable[object]]] = [store.forget, lambda: anchor(store, self._core.tokens)]
        return [*chores, payments.forget] if payments is not None else chores

    async def round(self) -> None:
        """Do what is due.

        Raises:
            StoreUnavailable: Not all of it was done; it stays due.
        """
        await self._core.store.expire()
        await self._reserving.tick()
        if self._core.payments is not None:
            await self._core.payments.tick()
        while self._due:
            await self._due[0]()
            self._due.pop(0)
        self._rounds += 1
        if self._rounds % _SUMMARISE_EVERY == 0:
            self._due.append(self._core.store.summarise)
        if self._rounds % _FORGET_EVERY == 0:
            self._due += self._now_and_then()


def random_id() -> str:
    """An id with 122 random bits: nobody can guess another's."""
    return str(uuid.uuid4())


def sign_in_link(settings: CloudSettings, principal: Principal, life: timedelta = SIGN_IN_LIFE) -> str:
    """An address that signs `principal` in once; the token is in the fragment, which browsers do not send.

    Raises:
        ConfigError: The signing key cannot be used.
    """
    tokens = Tokens(load_key(settings.identity.signing_key), SystemClock())
    return f"{settings.web.address}/#signin={tokens.sign_in(principal, random_id(), life)}"


async def run_migrations(config: Path) -> None:
    """Bring the database to the schema of this version.

    Raises:
        ConfigError: The database cannot be opened.
    """
    database = Database(database_url(load_settings(config).database_url))
    try:
        await migrate(database)
    finally:
        await database.close()
