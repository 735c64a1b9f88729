"""Axe in the page: what it finds against WCAG 2.2 AA and good practice."""

from __future__ import annotations

from importlib import resources, util
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Page

_NODE_AXE: Final = Path(__file__).resolve().parents[2] / "cloud/web/node_modules/axe-core/axe.min.js"
_RUN: Final = """async () => (await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
})).violations.map(({id, nodes}) => id + ": " + nodes.map((node) => node.html).join(" | "))"""


def _axe() -> str:
    if util.find_spec("axe_playwright_python"):
        return (resources.files("axe_playwright_python") / "axe.min.js").read_text()
    if _NODE_AXE.exists():
        return _NODE_AXE.read_text()
    pytest.skip("needs axe-core: pip install axe-playwright-python, or npm ci in cloud/web")


async def violations(page: Page) -> list[str]:
    """One line per rule that is broken on the page as it is."""
    await page.evaluate(_axe())
    found: list[str] = await page.evaluate(_RUN)
    return found
