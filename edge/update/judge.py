"""Whether a release on trial may stay: it must be healthy without a break for a while, before its time is over."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from powerctl.core.clock import Clock, Monotonic, after

LOOK_EVERY_S: Final = 2.0
_ANSWER_S: Final = 5.0
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of a release on trial."""

    healthy_s: float = 60.0
    """So long without a break."""
    within_s: float = 600.0
    """From the start of the trial."""


async def proves_itself(
    healthy: Callable[[], Awaitable[bool]],
    terms: Terms,
    clock: Clock,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> bool:
    """True once it was healthy for long enough; False when the time is over."""
    end = after(clock.monotonic(), terms.within_s)
    since: Monotonic | None = None
    while clock.monotonic() < end:
        if not await healthy():
            since = None
        elif since is None:
            since = clock.monotonic()
        if since is not None and clock.monotonic() >= after(since, terms.healthy_s):
            return True
        await sleep(LOOK_EVERY_S)
    return False


async def all_answer(urls: tuple[str, ...]) -> bool:
    """True when every program says at its /healthz that it is well."""
    return all(await asyncio.gather(*(asyncio.to_thread(_answers, url) for url in urls)))


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_S) as response:  # noqa: S310 - settings take http only
            return bool(response.status == _OK)
    except (OSError, ValueError):
        return False
