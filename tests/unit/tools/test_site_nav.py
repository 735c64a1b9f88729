"""Every page of the documentation is on the site."""

from __future__ import annotations

from pathlib import Path

from tools.site_nav import on_config

ROOT = Path(__file__).resolve().parents[3]


def test_no_page_is_left_out() -> None:
    config = on_config({"docs_dir": str(ROOT / "docs")})
    listed = {"index.md"}
    for section in config["nav"][1:]:
        for pages in section.values():
            listed |= set(pages)
    assert listed == {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}


def test_a_section_begins_with_its_index() -> None:
    config = on_config({"docs_dir": str(ROOT / "docs")})
    decisions = next(section["Decisions"] for section in config["nav"][1:] if "Decisions" in section)
    assert decisions[0] == "adr/README.md"
