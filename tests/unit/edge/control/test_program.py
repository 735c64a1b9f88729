"""A mistake of ours in a callback ends the program; a network that breaks does not."""

from __future__ import annotations

import asyncio
from typing import Any

from edge.control.program import mistake_in


async def context_of(callback: Any) -> dict[str, Any]:
    """What the event loop says of an exception in `callback`."""
    found: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: found.append(context))
    loop.call_soon(callback)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loop.set_exception_handler(None)
    return found[0]


async def test_a_callback_that_fails_is_our_mistake() -> None:
    def fails() -> None:
        raise KeyError("connector")

    assert isinstance(mistake_in(await context_of(fails)), KeyError)


async def test_a_spurious_wake_up_is_not() -> None:
    def wakes_in_vain() -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    assert mistake_in(await context_of(wakes_in_vain)) is None


def test_a_note_of_the_loop_is_not() -> None:
    assert mistake_in({"message": "Task was destroyed but it is pending!"}) is None
    assert mistake_in({"message": "never retrieved", "exception": KeyError("x"), "future": object()}) is None
