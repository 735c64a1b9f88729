"""The page of commands says what the parsers take."""

from __future__ import annotations

import argparse

from tools.cli_page import page, section


def test_an_argument_shows_its_value_its_default_and_its_meaning() -> None:
    parser = argparse.ArgumentParser(prog="tool", description="Does it.")
    parser.add_argument("--depth", type=int, default=3, metavar="N", help="how far | at most")
    parser.add_argument("file", metavar="FILE", help="what to read")
    lines = list(section("tool", parser))
    assert lines[:3] == ["## tool", "", "Does it."]
    assert "| `--depth N` | `3` | how far \\| at most |" in lines
    assert "| `FILE` | **required** | what to read |" in lines


def test_a_command_below_a_command_has_a_heading_and_is_described_by_its_help() -> None:
    parser = argparse.ArgumentParser(prog="tool")
    parser.add_subparsers().add_parser("dig", help="goes down")
    lines = list(section("tool", parser))
    assert "goes down" in lines[lines.index("### tool dig") :]


def test_the_three_programs_and_the_vehicle_are_on_the_page() -> None:
    text = page()
    for heading in ("## powerctl", "## powerctl-edge", "## powerctl-cloud", "### powerctl vehicle"):
        assert f"\n{heading}\n" in text
    assert "--model" in text.partition("### powerctl vehicle")[2].partition("\n## ")[0]
