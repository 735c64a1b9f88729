"""A program ends cleanly when told, and its exit status says who must act."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import NoReturn

import pytest

from powerctl.core.errors import ConfigError
from powerctl.runtime.service import main, run_service


async def eternal() -> None:
    await asyncio.Event().wait()


async def test_a_signal_ends_every_task_and_lets_it_clean_up() -> None:
    ended = []

    async def worker() -> None:
        try:
            await eternal()
        finally:
            ended.append("worker")

    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
    await run_service("sample", worker(), eternal())
    assert ended == ["worker"]


async def test_a_task_that_fails_ends_the_others() -> None:
    async def fails() -> NoReturn:
        raise RuntimeError("broken")

    with pytest.raises(ExceptionGroup) as failure:
        await run_service("sample", fails(), eternal())
    assert failure.group_contains(RuntimeError, match="broken")


async def test_an_eternal_task_that_returns_is_a_mistake() -> None:
    async def returns() -> None:
        return

    with pytest.raises(ExceptionGroup) as failure:
        await run_service("sample", returns())
    assert failure.group_contains(RuntimeError, match="returns ended; it was to run for ever")


async def _nothing() -> None:
    return


async def _misconfigured() -> None:
    raise ConfigError("file: key", "is wrong.", "Correct it.")


async def _misconfigured_inside() -> None:
    await run_service("sample", _misconfigured(), eternal())


@pytest.mark.parametrize(
    ("build", "status", "words"),
    [
        (_nothing, 0, ""),
        (_misconfigured, 2, "sample: file: key: is wrong. Correct it.\n"),
        (_misconfigured_inside, 2, "Correct it."),
    ],
)
def test_the_exit_status_says_who_must_act(
    build: Callable[[], Awaitable[None]], status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("sample", build) == status
    assert words in capsys.readouterr().err


def test_our_own_mistake_is_not_hidden() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main("sample", broken)
