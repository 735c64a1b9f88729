"""The real clocks."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from powerctl.core.clock import Monotonic


class SystemClock:
    """The machine's clocks; built once, in a program's entry point."""

    def monotonic(self) -> Monotonic:
        """Now, for deadlines."""
        return Monotonic(time.monotonic())

    def utc(self) -> datetime:
        """Now, for records."""
        return datetime.now(UTC)
