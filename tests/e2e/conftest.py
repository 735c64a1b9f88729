"""Fixtures for tests with a real browser; they are skipped with one line where there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.e2e.browser import NO_CHROMIUM, Visits, chromium, launched
from tests.e2e.fake_cloud import FakeCloud


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    if chromium() is None:
        pytest.skip(NO_CHROMIUM)
    async with launched() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def visits(browser: Browser) -> AsyncIterator[Visits]:
    """Pages on which nothing may go wrong: no script error, nothing refused by the content security policy."""
    visits = Visits(browser)
    yield visits
    for context in browser.contexts:
        await context.close()
    assert visits.problems == []


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud().serving() as cloud:
        yield cloud
