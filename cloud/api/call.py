"""One call of the API, as a servicer sees it: without a transport."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cloud.domain.principal import Principal
from cloud.domain.refusal import Refusal, Why


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token says."""

    principal: Principal
    session: str
    """Id of the sign-in that it belongs to."""
    issue_time: datetime
    expire_time: datetime
    sign_in_time: datetime


@dataclass(slots=True)
class Call:
    """Who calls, and what the transport must do afterwards."""

    access: Access | None = None
    """None: has not signed in."""
    stream_end: datetime | None = None
    """When a stream must end so that the caller's access can be renewed or checked. None: it need not."""
    issued: str | None = None
    """A new access token, which the web port keeps in a cookie."""
    signed_out: bool = False
    peer: str = ""
    """Address that the call comes from. Empty: not known."""
    timeout_s: float | None = None
    """What is left of the caller's deadline when the call begins. None: the caller sets none."""
    approved: bool = False
    """True: a second person has approved what the caller asks for."""
    browser: bool = False
    """True: a browser calls, which keeps its cookie and is given no other secret."""

    @property
    def principal(self) -> Principal | None:
        """Who calls. None: has not signed in."""
        return self.access.principal if self.access else None

    def caller(self) -> Principal:
        """Who calls.

        Raises:
            Refusal: UNAUTHENTICATED: nobody we know.
        """
        if self.access is None:
            raise Refusal(Why.UNAUTHENTICATED, "Sign in first.")
        return self.access.principal
