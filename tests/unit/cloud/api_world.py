"""The API over a world: both listeners on free ports of loopback, and a way to the stations that only remembers."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal

from cryptography.hazmat.primitives.asymmetric import ec
from starlette.types import ASGIApp

from cloud.api import services
from cloud.api.charging import Charging
from cloud.api.cookies import Cookies
from cloud.api.encode import Encoder
from cloud.api.grpc_server import GrpcServer
from cloud.api.headers import SecurityHeaders
from cloud.api.method import Methods
from cloud.api.sign_in import SignIns
from cloud.api.tokens import Tokens
from cloud.api.web import WebApi
from cloud.api.web_server import WebServer
from cloud.ca.registrar import Registrar
from cloud.ca.settings import CaSettings
from cloud.domain.approval import Rules
from cloud.domain.principal import Principal
from cloud.payment.fake import FakeProvider
from cloud.payment.process import Payments
from cloud.payment.webhook import Webhooks
from cloud.receipts.ocmf import Sealer
from cloud.web.assets import Assets
from powerctl.core.ids import StationId
from powerctl.core.order import StationCommand
from powerctl.runtime.pki import Authority
from powerctl.runtime.settings import TlsFiles
from tests.unit.cloud.stories import TARIFF
from tests.unit.cloud.world import World, world

WEBHOOK_SECRET = b"what the provider signs with"


@dataclass(slots=True)
class Notebook:
    """Remembers what was sent to stations."""

    sent: list[tuple[StationId, StationCommand]] = field(default_factory=list)

    async def publish(self, station: StationId, command: StationCommand) -> None:
        """Remember."""
        self.sent.append((station, command))


@dataclass(slots=True)
class Cloud:
    """The running API."""

    world: World
    sign_ins: SignIns
    tokens: Tokens
    notebook: Notebook
    charging: Charging
    methods: Methods
    web_port: int
    grpc_port: int
    provider: FakeProvider
    payments: Payments | None
    """None: nobody needs to pay."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def token(self, who: Principal) -> str:
        """An access token."""
        return self.tokens.access(who, f"sign-in-{next(self._numbers)}")[0]

    def sign_in_token(self, who: Principal) -> str:
        """A sign-in token."""
        return self.tokens.sign_in(who, f"jti-{next(self._numbers)}")

    @property
    def web(self) -> str:
        """Address of the page."""
        return f"http://127.0.0.1:{self.web_port}"


@asynccontextmanager
async def cloud(
    address: str,
    *,
    tls: TlsFiles | None = None,
    web_tls: TlsFiles | None = None,
    proxies: frozenset[str] = frozenset(),
    reflect: bool = False,
    secure: bool = False,
    signer: Authority | None = None,
    paid: bool = False,
    rules: Rules = services.DEFAULT_RULES,
) -> AsyncIterator[Cloud]:
    """The API on the database at this address."""
    async with world(address) as here:
        tokens = Tokens(ec.generate_private_key(ec.SECP256R1()), here.clock)
        sign_ins = SignIns(here.store, tokens, random_id, links_for_all=True)
        notebook = Notebook()
        provider = FakeProvider(here.clock)
        payments = Payments(here.store, provider, bytes(32), random_id) if paid else None
        charging = Charging(here.store, notebook, random_id, payments, tokens.permitted)
        here.store.seal = Sealer(ec.generate_private_key(ec.SECP256R1()))
        if payments is not None:
            here.store.tariff = replace(TARIFF, preauthorize_amount=Decimal(50))
            payments.stop = charging.stop_exhausted
        ca = CaSettings(folder=signer.folder, organisation="Demo operator") if signer else None
        registrar = Registrar(ca, signer, here.store) if ca and signer else None
        money = services.MoneyMatters(payments, "fake" if paid else "")
        methods = services.methods(
            here.store,
            charging,
            sign_ins,
            Encoder(lambda: here.store.tariff),
            demo=True,
            registrar=registrar,
            money=money,
            open_door=True,
            rules=rules,
        )
        app: ASGIApp = WebApi(
            methods, Cookies(sign_ins, secure, frozenset({"https://charge.example"}), proxies=proxies), Assets()
        )
        app = Webhooks(payments, WEBHOOK_SECRET, app) if payments is not None else app
        web = WebServer(SecurityHeaders(app, secure=secure), "127.0.0.1", 0, web_tls)
        grpc = GrpcServer(methods, sign_ins, reflect=reflect, proxies=proxies)
        await grpc.start("127.0.0.1", 0, tls)
        running = [asyncio.create_task(task) for task in (here.store.feed.run(), web.run(), grpc.run())]
        try:
            yield Cloud(here, sign_ins, tokens, notebook, charging, methods, web.port, grpc.port, provider, payments)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


def random_id() -> str:
    """A random id."""
    return str(uuid.uuid4())
