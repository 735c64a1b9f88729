"""The demo's mail server: what the cloud sends arrives by SMTP, on this machine only, and goes nowhere else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any, Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from powerctl.app.demo.ports import HOST

MOST: Final = 200
"""Mails; older ones are forgotten."""
SHOWN: Final = 20
"""Of one address, so that an answer stays small."""
LARGEST: Final = 64 * 1024
"""Bytes of a mail; the server refuses more (RFC 1870)."""
LONGEST: Final = 2_000
"""Characters that are shown."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One that has arrived."""

    to: str
    subject: str
    text: str
    time: datetime

    def told(self) -> dict[str, str]:
        """As the director tells it."""
        return {"subject": self.subject, "text": self.text, "time": self.time.isoformat()}


class Inbox:
    """Everybody's mails, newest first."""

    def __init__(self) -> None:
        self._mails: deque[Mail] = deque(maxlen=MOST)

    def of(self, address: str) -> list[Mail]:
        """The mails of one address."""
        wanted = address.lower()
        return [mail for mail in self._mails if mail.to == wanted][:SHOWN]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep a mail."""
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        body = message.get_body(("plain",))
        text = str(body.get_content()).strip() if body is not None else ""
        for to in envelope.rcpt_tos:
            mail = Mail(to.lower(), str(message["subject"] or "")[:LONGEST], text[:LONGEST], datetime.now(UTC))
            self._mails.appendleft(mail)
        return "250 OK"

    @asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[None]:
        """Take mails on loopback until the block ends. Raises OSError: the port cannot be opened."""
        options: dict[str, Any] = {"hostname": "demo", "ident": "demo", "data_size_limit": LARGEST}
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, loop=loop, **options), HOST, port)
        async with server:
            yield
