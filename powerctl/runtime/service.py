"""How a program lives: one owner for its tasks, a clean end on SIGTERM and SIGINT, an exit status that says why."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from powerctl.core.errors import ConfigError
from powerctl.runtime import log

EXIT_CLEAN: Final = 0
EXIT_BUG: Final = 1
EXIT_CONFIG: Final = 2

_log = log.get(__name__)


async def run_service(name: str, *tasks: Coroutine[Any, Any, Any], stop: asyncio.Event | None = None) -> None:
    """Run `tasks` until SIGTERM, SIGINT or `stop`; one that ends or fails ends the others.

    An eternal task that returns is a mistake, and is treated as one.

    Raises:
        ExceptionGroup: A task failed.
    """
    stopping = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, stopping.set)
    _log.info("service_started", service=name)
    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(_guard(task), name=f"{name}-{_name(task)}") for task in tasks]
            await stopping.wait()
            for task in running:
                task.cancel()
    finally:
        _log.info("service_stopped", service=name)


async def _guard(task: Coroutine[Any, Any, Any]) -> None:
    await task
    raise RuntimeError(f"{_name(task)} ended; it was to run for ever")


def _name(task: Coroutine[Any, Any, Any]) -> str:
    return str(getattr(task, "__qualname__", task))


def main(program: str, build: Callable[[], Awaitable[None]], *, level: str = "info") -> int:
    """Run a program and return its exit status.

    Args:
        program: Name in the log lines.
        build: Composes the program and runs it until it is told to stop.
        level: Log level.

    Returns:
        0 after a clean end; 2 when an operator must act, with the reason on standard error; 1 for our mistake.
    """
    log.configure(program, level=level)
    try:
        asyncio.run(_awaited(build))
    except ConfigError as error:
        sys.stderr.write(f"{program}: {error}\n")
        return EXIT_CONFIG
    except KeyboardInterrupt:
        return EXIT_CLEAN
    except BaseExceptionGroup as group:
        if configuration := group.subgroup(ConfigError):
            sys.stderr.write(f"{program}: {_first(configuration)}\n")
            return EXIT_CONFIG
        raise
    return EXIT_CLEAN


async def _awaited(build: Callable[[], Awaitable[None]]) -> None:
    await build()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def notify_ready() -> None:
    """Tell systemd that the program is ready. Does nothing when systemd does not ask."""
    _notify(b"READY=1")


def _notify(message: bytes) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel, contextlib.suppress(OSError):
        channel.connect("\0" + address[1:] if address.startswith("@") else address)
        channel.send(message)
