"""Notices two stations with one identity: each has an outbox of its own, so their epochs take turns. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from powerctl.core.ids import StationId

RETURNS: Final = 3
"""An outbox that was replaced never comes back; late messages of the old one may, once or twice."""
WITHIN: Final = timedelta(minutes=10)
SILENT: Final = timedelta(hours=1)
"""One alarm per hour is heard; more are not."""
REMEMBERED: Final = 100_000


@dataclass(slots=True)
class _Seen:
    epoch: int
    before: set[int] = field(default_factory=set)
    returns: list[datetime] = field(default_factory=list)
    alarm_time: datetime | None = None


class IdentityWatch:
    """Follows the epochs of every station."""

    def __init__(self) -> None:
        self._stations: OrderedDict[StationId, _Seen] = OrderedDict()

    def heard(self, station: StationId, epoch: int, now: datetime) -> bool:
        """True when it is time for an alarm: earlier outboxes of this station keep coming back."""
        seen = self._stations.setdefault(station, _Seen(epoch))
        self._stations.move_to_end(station)
        while len(self._stations) > REMEMBERED:
            self._stations.popitem(last=False)
        if epoch == seen.epoch:
            return False
        if epoch in seen.before:
            seen.returns = [*(one for one in seen.returns if now - one < WITHIN), now]
        seen.before.add(seen.epoch)
        seen.epoch = epoch
        if len(seen.returns) < RETURNS or (seen.alarm_time is not None and now - seen.alarm_time < SILENT):
            return False
        seen.alarm_time = now
        return True
