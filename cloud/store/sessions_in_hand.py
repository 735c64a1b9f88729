"""The sessions of one transaction: read once, written once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cloud.domain.session import Session, metered
from cloud.store import sessions
from cloud.store.changes import Changed
from cloud.store.writing import Writing
from powerctl.core.ids import SessionId, StationId


@dataclass(slots=True)
class SessionsInHand:
    """Sessions as the transaction's records leave them. Nobody else may write sessions in it."""

    writing: Writing
    _known: dict[SessionId, Session | None] = field(default_factory=dict)
    _changed: dict[SessionId, Session] = field(default_factory=dict)
    _charging: dict[SessionId, tuple[Session, int]] = field(default_factory=dict)
    """Of which nothing changes but what they have charged, in Wh."""
    _metered: dict[SessionId, int] = field(default_factory=dict)
    """Those of them that have charged more, in Wh."""

    async def fetch(self, wanted: Iterable[SessionId]) -> None:
        """Read those that were not read yet, all at once, to meter them and for nothing else."""
        missing = {session for session in wanted if session not in self._known}
        if missing:
            self._charging |= await sessions.charging(self.writing.connection, missing)

    async def get(self, session: SessionId) -> Session | None:
        """The session as it is by now. None: there is none."""
        if session not in self._known:
            self._known[session] = await sessions.load(self.writing.connection, session)
        return self._known[session]

    def put(self, before: Session, after: Session) -> None:
        """Note a step; an unchanged session is not written."""
        if self.writing.note(before, after):
            self._known[after.id] = self._changed[after.id] = after

    def meter(self, station: StationId, session: SessionId, energy_wh: float) -> Session | None:
        """Note a live value of a fetched session; one that arrives late does not lower it.

        Returns the session, as it was but for what it has charged. None: it does not charge, or not at this station.
        """
        if (known := self._known.get(session)) is not None:
            found, before = known, known.live_energy_wh
        elif session in self._charging:
            found, before = self._charging[session]
        else:
            return None
        if found.station != station or found.ended is not None or found.started is None:
            return None
        if session in self._changed:
            self.put(found, metered(found, energy_wh))
        elif int(energy_wh) > self._metered.get(session, before):
            self._metered[session] = int(energy_wh)
            self.writing.changed.append(Changed("session", session))
        return found

    async def write(self) -> None:
        """Write what has changed."""
        if self._changed:
            await sessions.save_all(self.writing.connection, list(self._changed.values()), self.writing.now)
            self._changed.clear()
        await sessions.meter(self.writing.connection, self._metered, self.writing.now)
        self._metered.clear()
