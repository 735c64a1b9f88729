"""Sending an e-mail by SMTP, in a thread of its own."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from powerctl.core.errors import RemoteError

TIMEOUT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Mailer:
    """An SMTP server.

    Args:
        host: Where it is.
        port: Its submission port.
        sender: Address that e-mails come from.
        encrypt: True: STARTTLS with a verified certificate before anything else.
        user: Empty: the server asks for none.
        password: Of `user`.
    """

    host: str
    port: int
    sender: str
    encrypt: bool
    user: str = ""
    password: str = ""

    async def send(self, to: str, subject: str, text: str) -> None:
        """Send. Raises RemoteError: the server has not taken it."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, to, subject
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            await asyncio.to_thread(self._send, message)
        except (OSError, smtplib.SMTPException) as error:
            raise RemoteError(f"{self.host} has not taken an e-mail: {type(error).__name__}") from error

    def _send(self, message: EmailMessage) -> None:
        with smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S) as server:
            if self.encrypt:
                server.starttls(context=ssl.create_default_context())
            if self.user:
                server.login(self.user, self.password)
            server.send_message(message)
