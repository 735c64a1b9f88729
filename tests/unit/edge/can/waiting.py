"""Waiting for real threads and sockets: as long as it takes, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], *, within_s: float = 5.0) -> None:
    """Return when `condition` holds. Raises TimeoutError: it does not within `within_s`."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - other threads and sockets set no event
            await asyncio.sleep(0.005)
