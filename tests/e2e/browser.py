"""The Chromium that the machine has, and what a test asks of a page besides its own story."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, Page, async_playwright

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_MAC: Final = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
NO_CHROMIUM: Final = "needs Chromium or Chrome; on Debian: apt-get install chromium"
PHONE: Final = (360, 740)
DESKTOP: Final = (1366, 860)


def chromium() -> str | None:
    """Path of a browser. None: the machine has none."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    return found or (str(_MAC) if _MAC.exists() else None)


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A headless browser."""
    # Chromium has no sandbox of its own for root, as in containers.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Visits:
    """Opens pages and remembers what went wrong on them."""

    browser: Browser
    problems: list[str] = field(default_factory=list)

    async def open(self, url: str, *, size: tuple[int, int] = DESKTOP, **context: Any) -> Page:
        """A page of a person who has never been here."""
        width, height = size
        settings = {"locale": "en-GB", "timezone_id": "Europe/Helsinki", "reduced_motion": "reduce", **context}
        new = await self.browser.new_context(viewport={"width": width, "height": height}, **settings)
        page = await new.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda message: self._console(message.type, message.text))
        await page.goto(url)
        return page

    def _console(self, kind: str, text: str) -> None:
        # A server that is away is part of some stories; the browser reports it as an error of its own.
        if kind in ("error", "warning") and "net::ERR" not in text:
            self.problems.append(text)
