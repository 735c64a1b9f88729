"""Who did what, when, where and with what result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from powerctl.runtime.hashchain import Entry

OK = "ok"


@dataclass(slots=True)
class Deed:
    """What a caller asks for; it is written down once."""

    user: str
    """Id of the user. Empty: has not signed in."""
    role: str
    method: str
    """Full name."""
    resource: str
    """What it is about, as far as the request says."""
    peer: str
    written: bool = False
    """True: it stands in the log, or in the open transaction that does what was asked."""

    def body(self, time: datetime, result: str, detail: str = "") -> dict[str, str]:
        """The deed as the body of an entry."""
        fields = {
            "time": time.isoformat(timespec="microseconds"),
            "user": self.user,
            "role": self.role,
            "method": self.method,
            "resource": self.resource,
            "peer": self.peer,
            "result": result,
            "detail": detail,
        }
        return {name: value for name, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A deed as it stands in the log."""

    number: int
    time: datetime
    user: str
    method: str
    resource: str
    result: str
    peer: str
    digest: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries a search is about; an empty text is any."""

    user: str = ""
    method: str = ""
    resource: str = ""
    result: str = ""
    only_of: str | None = None
    """Exactly this user's. None: everybody's."""

    def fits(self, value: AuditEntry) -> bool:
        """True when every text occurs in its field, whatever the case."""
        if self.only_of is not None and value.user != self.only_of:
            return False
        pairs = (
            (self.user, value.user),
            (self.method, value.method),
            (self.resource, value.resource),
            (self.result, value.result),
        )
        return all(part.casefold() in whole.casefold() for part, whole in pairs)


def entry(link: Entry) -> AuditEntry:
    """The entry on a link of the chain."""
    text = {name: str(value) for name, value in link.body.items()}
    return AuditEntry(
        number=link.number,
        time=datetime.fromisoformat(text["time"]),
        user=text.get("user", ""),
        method=text.get("method", ""),
        resource=text.get("resource", ""),
        result=text.get("result", ""),
        peer=text.get("peer", ""),
        digest=link.digest,
    )
