"""Locations and sessions that are encoded once for everybody who sees the same of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from cloud.api.encode import Encoder
from cloud.domain.charging import stoppable
from cloud.domain.location import Station
from cloud.domain.principal import Principal
from cloud.domain.session import Session
from powerctl.v1 import location_pb2, session_pb2

CAPACITY: Final = 2_000

Sight = tuple[tuple[bool, bool], ...]
"""By connector: the caller sees whose session it is, and it is reserved for the caller."""


def sight(station: Station, caller: Principal) -> Sight:
    """What decides how `caller` sees `station`."""
    return tuple((caller.sees(one.driver, station.id), one.reserved_for == caller.user) for one in station.connectors)


@dataclass(slots=True)
class EncodedOnce:
    """Remembers what it has encoded. Messages are shared: nobody may change one."""

    encoder: Encoder
    _kept: dict[tuple[int, int, Sight], tuple[Station, Any, location_pb2.Location]] = field(default_factory=dict)
    """With the values that the key names by their address, so that no other value comes to lie there."""
    _sessions: dict[tuple[int, bool, datetime | None], tuple[Session, session_pb2.Session]] = field(
        default_factory=dict
    )
    """As above; the key says whether the caller may stop it, and of which second its cost is, where that grows."""

    def location(self, station: Station, caller: Principal) -> location_pb2.Location:
        """`station` as `caller` may see it."""
        tariff = self.encoder.current()
        key = (id(station), id(tariff), sight(station, caller))
        found = self._kept.get(key)
        if found is not None:
            return found[2]
        if len(self._kept) >= CAPACITY:
            self._kept.clear()
        message = self.encoder.location(station, caller)
        self._kept[key] = (station, tariff, message)
        return message

    def session(self, session: Session, caller: Principal, now: datetime) -> session_pb2.Session:
        """`session` as `caller` may see it, with its cost up to the last whole second."""
        second = now.replace(microsecond=0)
        grows = session.tariff is not None and session.end_time is None
        key = (id(session), stoppable(session, caller), second if grows else None)
        found = self._sessions.get(key)
        if found is not None:
            return found[1]
        if len(self._sessions) >= CAPACITY:
            self._sessions.clear()
        message = self.encoder.session(session, caller, second)
        self._sessions[key] = (session, message)
        return message
