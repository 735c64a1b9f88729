"""A demo that runs: every real program, with the addresses that a visitor needs."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.e2e.test_demo import free_ports

_LINK: Final = re.compile(rb"(http://\S+#signin=\S+)")
_READY_S: Final = 90
_STOP_S: Final = 60


@dataclass(frozen=True, slots=True)
class Demo:
    """Where to go."""

    driver: str
    """Link that signs a driver in once."""
    operator: str
    utility: str
    administrator: str
    folder: Path

    @property
    def web(self) -> str:
        """Address of the page, without a slash at its end."""
        return self.driver.partition("/#")[0]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Demo]:
    """A demo with both cars plugged in, until the block ends; it must then end in good order."""
    moved = [word for name, port in free_ports().items() for word in ("--set", f"{name}={port}")]
    command = (sys.executable, "-m", "powerctl.app.cli", "demo", "--no-browser", "--data", str(folder), *moved)
    demo = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, limit=1 << 20)
    assert demo.stdout is not None
    try:
        async with asyncio.timeout(_READY_S):
            driver, operator, utility, administrator = [await _link(demo.stdout) for _ in range(4)]
        reading = asyncio.create_task(demo.stdout.read())
        yield Demo(driver, operator, utility, administrator, folder)
        demo.send_signal(signal.SIGINT)
        async with asyncio.timeout(_STOP_S):
            assert await demo.wait() == 0
            await reading
    finally:
        if demo.returncode is None:
            demo.kill()
            await demo.wait()


async def _link(output: asyncio.StreamReader) -> str:
    while line := await output.readline():
        if found := _LINK.search(line):
            return found.group(1).decode()
    raise AssertionError("the demo ended before it was ready")
