"""The locked requirements are what `pyproject.toml` asks for, for every program."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import lock

ROOT = Path(__file__).resolve().parents[3]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
EXTRAS = {"demo": ("manager", "edge", "cloud", "demo"), "dev": ("manager", "edge", "cloud", "demo", "dev")}


def pins(name: str) -> list[tuple[str, str]]:
    """Name and version of every locked package; a package may be locked twice, for different interpreters."""
    return PIN.findall((ROOT / "requirements" / f"{name}.txt").read_text())


def wanted(name: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"]]
    for extra in EXTRAS[name]:
        lines += project["optional-dependencies"][extra]
    return [r for r in map(Requirement, lines) if r.name != "powerctl"]


@pytest.mark.parametrize("name", lock.SETS)
def test_every_requirement_is_locked_at_a_version_that_satisfies_it(name: str) -> None:
    locked = pins(name)
    for requirement in wanted(name):
        versions = [v for n, v in locked if canonicalize_name(n) == canonicalize_name(requirement.name)]
        assert versions, f"{requirement.name} is not locked; run `make lock`"
        assert all(requirement.specifier.contains(v, prereleases=True) for v in versions), requirement


@pytest.mark.parametrize("name", lock.SETS)
def test_the_lock_was_made_from_the_requirements_of_today(name: str) -> None:
    assert lock.is_fresh(ROOT / "requirements" / f"{name}.txt"), "run `make lock`"


@pytest.mark.parametrize("name", lock.SETS)
def test_every_locked_package_carries_hashes(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)
    bare = [block.splitlines()[0] for block in blocks if PIN.match(block) and "--hash=sha256:" not in block]
    assert bare == []


def test_the_demo_runs_the_versions_that_the_tests_have_tried() -> None:
    assert set(pins("demo")) <= set(pins("dev"))


def test_the_digest_follows_the_requirements_and_nothing_else(tmp_path: Path) -> None:
    original = (ROOT / "pyproject.toml").read_text()
    copy = tmp_path / "pyproject.toml"
    copy.write_text(original.replace('version = "', 'version = "9'))
    assert lock.digest(copy) == lock.digest()
    copy.write_text(original.replace('"rich>=14"', '"rich>=15"'))
    assert lock.digest(copy) != lock.digest()
