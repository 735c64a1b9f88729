"""The committed page is small enough for a phone on a bad network, and complete enough to work without one."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Final

from cloud.web.assets import DIST

BUDGET: Final = 120_000
"""Bytes of compressed JavaScript before a driver sees the first page."""


def first_scripts() -> list[Path]:
    """Scripts that the browser fetches before anything is shown."""
    page = (DIST / "index.html").read_text()
    return [DIST / name for name in re.findall(r'(?:src|href)="/(assets/[^"]+\.js)"', page)]


def compressed(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 6))


def test_the_first_page_is_within_its_budget() -> None:
    sizes = {path.name: compressed(path) for path in first_scripts()}
    assert sizes
    assert sum(sizes.values()) <= BUDGET, sizes


def test_pictures_of_curves_and_coasts_come_only_when_they_are_looked_at() -> None:
    first = {path.name for path in first_scripts()}
    later = {path.name for path in (DIST / "assets").glob("*.js")} - first
    assert any(name.startswith("Chart-") for name in later)
    assert any(name.startswith("land-") for name in later)


def test_the_worker_keeps_every_file_of_this_version_that_a_driver_needs() -> None:
    worker = (DIST / "sw.js").read_text()
    kept = set(re.findall(r'"(/[^"]+)"', worker))
    there = {f"/{path.relative_to(DIST)}" for path in DIST.rglob("*") if path.is_file()}
    # Operators work at a desk: their room and their runbooks are not put on every phone.
    there -= {name for name in there if name.startswith(("/assets/Control-", "/assets/Runbook-"))}
    assert there - kept == {"/index.html", "/sw.js"}


def test_the_page_can_be_installed() -> None:
    manifest = json.loads((DIST / "manifest.webmanifest").read_text())
    assert manifest["display"] == "standalone"
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in manifest["icons"]}
    assert any(icon.get("purpose") == "maskable" for icon in manifest["icons"])
    for icon in manifest["icons"]:
        assert (DIST / icon["src"].lstrip("/")).is_file()
