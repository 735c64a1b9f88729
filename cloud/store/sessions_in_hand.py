"""The sessions of one transaction: read once, written once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cloud.domain.session import Session
from cloud.store import sessions
from cloud.store.writing import Writing
from powerctl.core.ids import SessionId


@dataclass(slots=True)
class SessionsInHand:
    """Sessions as the transaction's records leave them. Nobody else may write sessions in it."""

    writing: Writing
    _known: dict[SessionId, Session | None] = field(default_factory=dict)
    _changed: dict[SessionId, Session] = field(default_factory=dict)

    async def fetch(self, wanted: Iterable[SessionId]) -> None:
        """Read those that were not read yet, all at once."""
        missing = {session for session in wanted if session not in self._known}
        if missing:
            found = await sessions.load_all(self.writing.connection, missing)
            self._known.update({session: found.get(session) for session in missing})

    async def get(self, session: SessionId) -> Session | None:
        """The session as it is by now. None: there is none."""
        if session not in self._known:
            self._known[session] = await sessions.load(self.writing.connection, session)
        return self._known[session]

    def put(self, before: Session, after: Session) -> None:
        """Note a step; an unchanged session is not written."""
        if self.writing.note(before, after):
            self._known[after.id] = self._changed[after.id] = after

    async def write(self) -> None:
        """Write what has changed."""
        if self._changed:
            await sessions.save_all(self.writing.connection, list(self._changed.values()), self.writing.now)
            self._changed.clear()
