"""Puts together what tells drivers about their sessions, from settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from cloud.api.tokens import Tokens, load_key
from cloud.money import secret_in
from cloud.notify import push
from cloud.notify.mail import Mailer
from cloud.notify.notifier import Notifier, PushSender
from cloud.notify.reach import Reach
from cloud.settings_notify import NotifySettings
from cloud.store.store import Store


@asynccontextmanager
async def notifier_of(settings: NotifySettings, store: Store, tokens: Tokens, address: str) -> AsyncIterator[Notifier]:
    """What sends notices, until the block ends.

    Args:
        settings: Which ways there are.
        store: What is to be told.
        tokens: Opens what browsers have said of themselves.
        address: Of the app, to which e-mails lead.

    Raises:
        ConfigError: A file with a secret cannot be used.
    """
    # No proxy and no redirect: a request goes to the address that was looked up, and nowhere else.
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False) as client:
        sender = None
        if settings.push_key is not None:
            key = load_key(settings.push_key, "cloud.notify.push_key")
            sender = PushSender(key, settings.push_subject, Reach(client))
        yield Notifier(store, tokens.sealer, address, sender, _mailer(settings))


def push_key(notifier: Notifier) -> str:
    """The application server's key as browsers want it. Empty: no push."""
    return push.padless(push.public_point(notifier.pushes.key)) if notifier.pushes is not None else ""


def _mailer(settings: NotifySettings) -> Mailer | None:
    smtp = settings.smtp
    if smtp is None:
        return None
    password = secret_in(smtp.password_file, "cloud.notify.smtp.password_file") if smtp.user else ""
    return Mailer(smtp.host, smtp.port, smtp.sender, smtp.starttls, smtp.user, password)
