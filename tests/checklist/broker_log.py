"""What brokers write of somebody whom they do not let in."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

NO_DOOR: Final = re.compile(
    r"TLS handshake error: \S"
    r"|(OpenSSL Error\[0\]|Client connection from \S+ failed): error:\w+:SSL routines::.*(certificate|alert|protocol)"
    r"|authentication error",
    re.IGNORECASE,
)
"""One line, from NATS or from Mosquitto."""


async def written(log: Path, before: int, wanted: re.Pattern[str], within_s: float = 30.0) -> None:
    """Wait until a line like this stands in a broker's log, after its first `before` characters."""
    deadline = asyncio.get_running_loop().time() + within_s
    while not wanted.search(fresh := log.read_text()[before:]):  # noqa: ASYNC240 - a small file
        assert asyncio.get_running_loop().time() < deadline, f"the broker has written only: {fresh}"
        await asyncio.sleep(0.05)
