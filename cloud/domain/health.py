"""What about a station needs somebody's eye, and how far is too far. Pure."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

from cloud.domain.alarm import CERTIFICATE_MARGIN

OUTBOX_LATE: Final = timedelta(minutes=1)
"""Records that wait longer are late; an outbox empties within seconds."""
CERTIFICATE_SOON: Final = CERTIFICATE_MARGIN
CLOCK_OFF_S: Final = 2.0
"""A clock that is further off gives readings a wrong time."""


class HealthIssue(StrEnum):
    """Gravest first."""

    OFFLINE = "offline"
    ALARMS = "alarms"
    OUTBOX = "outbox"
    CERTIFICATE = "certificate"
    DRIFT = "drift"
    MANAGER = "manager"
    CLOCK = "clock"
