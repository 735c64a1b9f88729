"""Settings of what tells drivers about their sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from powerctl.runtime.settings import Section


class SmtpSettings(Section):
    """The server that takes e-mails."""

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    sender: str
    """Address that e-mails come from."""
    starttls: bool = True
    """False: plain text, which is only for this machine."""
    user: str = ""
    """Empty: the server asks for none."""
    password_file: Path | None = None

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if not self.starttls and self.host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("beyond this machine e-mail needs TLS: leave starttls on")
        if self.user and self.password_file is None:
            raise ValueError("password_file is missing: name the file with the password of user")
        return self


class NotifySettings(Section):
    """How drivers are told."""

    push_key: Path | None = None
    """PEM file with a P-256 private key, by which push services know this cloud. Left out: no push."""
    push_subject: str = ""
    """Whom push services may write to: `mailto:` and an address. Needed for push."""
    smtp: SmtpSettings | None = None
    """None: no e-mail."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.push_key is not None and not self.push_subject.startswith(("mailto:", "https://")):
            raise ValueError("push_subject must begin with mailto: or https://")
        return self
