"""Pictures of the running product, taken by a real browser while a story is told."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from powerctl.core.errors import ConfigError

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
LOAD_MS: Final = 15_000
SETTLE_MS: Final = 800
"""A page needs so long to show what another route has."""
HOME: Final = "/stations/demo-1"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a story."""

    name: str
    at: float
    """Seconds of a story of 60 s."""
    person: str
    """Who looks: "driver" or "operator"."""
    size: tuple[int, int]
    dark: bool = False
    page: str = HOME
    click: str = ""
    """Selector of what is pressed there first. Empty: nothing."""


PICTURES: Final = (
    Picture("station", 26.0, "operator", (1280, 960)),
    Picture("station-dark", 26.6, "operator", (1280, 960), dark=True),
    Picture("driver-find", 24.0, "driver", (390, 844), page="/stations"),
    Picture("driver-phone", 27.2, "driver", (390, 844), page="/sessions", click=".trip-now"),
    Picture("receipts", 59.0, "driver", (390, 844), page="/sessions"),
)


class Photographer:
    """Takes `PICTURES` into a folder.

    Args:
        folder: Where `NAME.png` is written.
        links: A sign-in link for each picture, by its name.
    """

    def __init__(self, folder: Path, links: Mapping[str, str]) -> None:
        self._folder = folder
        self._links = links

    async def run(self, duration_s: float) -> None:
        """Open every page at once, and take each picture at its time.

        Raises:
            ConfigError: There is no browser, or nothing to drive it.
        """
        try:
            from playwright.async_api import async_playwright
        except ModuleNotFoundError as error:
            raise ConfigError("--record", "needs Playwright.", "Run `make install` first.") from error
        self._folder.mkdir(parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with async_playwright() as playwright:
            arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = await playwright.chromium.launch(executable_path=_browser(), args=arguments)
            pages = {picture.name: await self._open(browser, picture) for picture in PICTURES}
            for picture in PICTURES:
                await asyncio.sleep(max(0.0, started + picture.at * duration_s / 60.0 - loop.time()))
                await self._take(pages[picture.name], picture)
            await browser.close()

    async def _open(self, browser: Any, picture: Picture) -> Any:
        width, height = picture.size
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=2,
            color_scheme="dark" if picture.dark else "light",
            locale="en-GB",
        )
        page = await context.new_page()
        page.set_default_timeout(LOAD_MS)
        await page.goto(self._links[picture.name])
        await page.wait_for_function("() => !location.hash.includes('signin')")
        await page.evaluate("hash => { location.hash = hash }", HOME)
        return page

    async def _take(self, page: Any, picture: Picture) -> None:
        if picture.page != HOME:
            await page.evaluate("hash => { location.hash = hash }", picture.page)
            if picture.click:
                await page.click(picture.click)
            await page.wait_for_timeout(SETTLE_MS)
        await page.screenshot(path=str(self._folder / f"{picture.name}.png"))


def _browser() -> str:
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    raise ConfigError("--record", "needs Chromium or Chrome.", "On Debian: apt-get install chromium.")
