"""Sends what drivers are to be told, tries again for a while, and forgets browsers that are gone."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NoReturn

from cryptography.hazmat.primitives.asymmetric import ec

from cloud.api.secrets import Sealer
from cloud.ingest.ports import StoreUnavailable
from cloud.notify import push
from cloud.notify.mail import Mailer
from cloud.notify.reach import Reach
from cloud.store import locations, notices, sessions
from cloud.store.notices import Waiting
from cloud.store.store import Store
from powerctl.core.errors import RemoteError
from powerctl.core.ids import SessionId
from powerctl.runtime import log, metrics

EVERY_S: Final = 2.0
AT_ONCE: Final = 20
CLAIMED: Final = timedelta(minutes=2)
RETRY: Final = timedelta(minutes=1)
"""Doubles with every attempt."""
ATTEMPTS: Final = 5
PAGE: Final = "/#/sessions/"
"""Of the app, followed by the session."""
_GONE: Final = (404, 410)
"""The browser has unsubscribed (RFC 8030, 7.3)."""

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class PushSender:
    """Who sends to browsers."""

    key: ec.EllipticCurvePrivateKey
    subject: str
    reach: Reach


@dataclass(frozen=True, slots=True)
class Notifier:
    """Sends notices."""

    store: Store
    sealer: Sealer
    address: str
    """Of the app, without a slash at the end."""
    pushes: PushSender | None = None
    """None: no push here."""
    mailer: Mailer | None = None
    """None: no e-mail here."""

    async def run(self) -> NoReturn:
        """Send what is due until cancelled."""
        while True:
            try:
                await self.tick()
            except StoreUnavailable as error:
                _log.warning("notices_wait", reason=str(error))
            await asyncio.sleep(EVERY_S)

    async def tick(self) -> None:
        """Send what is due now."""
        now = self.store.clock.utc()
        async with self.store.database.read() as connection:
            due = await notices.due(connection, now, AT_ONCE)
        for waiting in due:
            async with self.store.database.write() as connection:
                mine = await notices.claim(connection, waiting, now + CLAIMED)
            if mine:
                await self._send(waiting)

    async def _send(self, waiting: Waiting) -> None:
        try:
            title = await self._place(waiting.session)
            await self._to_browsers(waiting, title)
            await self._by_mail(waiting, title)
        except RemoteError as error:
            _log.warning("notice_not_sent", kind=waiting.kind.value, reason=str(error))
            metrics.counter("cloud_notices_total").labels("failed").inc()
            last = waiting.attempts + 1 >= ATTEMPTS
            again = None if last else self.store.clock.utc() + RETRY * 2**waiting.attempts
        else:
            metrics.counter("cloud_notices_total").labels("sent").inc()
            again = None
        async with self.store.database.write() as connection:
            await notices.settle(connection, waiting.ordinal, again)

    async def _place(self, session: SessionId) -> str:
        """Where it is, as a title: of two cars of one driver each is named."""
        async with self.store.database.read() as connection:
            about = await sessions.load(connection, session)
            station = await locations.load(connection, about.station) if about is not None else None
        if about is None or station is None:
            return "Your charging session"
        side = next((one.position for one in station.connectors if one.id == about.connector), "")
        return f"Charging at {station.display_name or station.id}" + (f", {side}" if side else "")

    async def _to_browsers(self, waiting: Waiting, title: str) -> None:
        if self.pushes is None:
            return
        async with self.store.database.read() as connection:
            rows = await notices.subscriptions(connection, waiting.user)
        for row in rows:
            opened = self.sealer.open(row.sealed, row.id)
            if opened is not None and await self._gone(push.subscription(**json.loads(opened)), waiting, title):
                async with self.store.database.write() as connection:
                    await notices.unsubscribe(connection, None, row.id)

    async def _gone(self, to: push.Subscription, waiting: Waiting, title: str) -> bool:
        """Send to one browser. True: it is not there any more."""
        assert self.pushes is not None
        url, kind = f"{PAGE}{waiting.session}", f"{waiting.kind.value} {waiting.session}"
        body = json.dumps({"title": title, "body": waiting.text, "kind": kind, "url": url}).encode()
        told = push.headers(to, self.pushes.key, self.pushes.subject, self.store.clock.utc())
        status = await self.pushes.reach.post(to.endpoint, push.encrypted(body, to), told)
        if status >= 400 and status not in _GONE:
            raise RemoteError(f"the push service answers {status}")
        return status in _GONE

    async def _by_mail(self, waiting: Waiting, title: str) -> None:
        async with self.store.database.read() as connection:
            email = (await notices.wishes(connection, waiting.user)).email
        if self.mailer is not None and email:
            text = f"{waiting.text}\n\n{self.address}{PAGE}{waiting.session}"
            await self.mailer.send(email, title, text)
