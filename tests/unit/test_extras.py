"""Each program runs with what its own extra brings: a controller carries no solver and no database, a back end no CAN.

The modules of a program are imported in a fresh interpreter that refuses every distribution outside the extra.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]

IMPORT_EVERYTHING = """
import importlib, json, pkgutil, sys
packages, refused = map(set, json.loads(sys.argv[1]))

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"{name} is outside the extra", name=name)

sys.meta_path.insert(0, Refuse())

for package in sorted(packages):
    module = importlib.import_module(package)
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), package + ".", onerror=lambda name: None):
        # A migration is run by its tool, not imported.
        if not found.name.endswith("__main__") and ".migrations." not in found.name:
            importlib.import_module(found.name)
"""

MANAGER = [
    "powerctl.allocation",
    "powerctl.app.cli",
    "powerctl.app.manager",
    "powerctl.app.manager_program",
    "powerctl.core",
    "powerctl.dispatch",
    "powerctl.signals",
    "powerctl.sim",
    "powerctl.wire",
]
PROGRAMS = [
    pytest.param("edge", ["edge", "powerctl.core", "powerctl.wire"], id="edge"),
    pytest.param("cloud", ["cloud", "powerctl.core", "powerctl.wire"], id="cloud"),
    pytest.param("manager", MANAGER, id="manager"),
    pytest.param("demo", ["powerctl", "edge", "cloud"], id="demo"),
]


def closure(extra: str) -> set[str]:
    """Canonical names of every distribution that `powerctl[extra]` brings, dependencies of dependencies included."""
    seen: set[tuple[str, str]] = set()
    todo = [("powerctl", extra)]
    while todo:
        name, wanted = todo.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        todo += [
            (canonicalize_name(requirement.name), inner)
            for requirement in map(Requirement, _requires(name))
            if requirement.marker is None or requirement.marker.evaluate({"extra": wanted})
            for inner in ["", *requirement.extras]
        ]
    return {name for name, _ in seen}


def _requires(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []


def outside(extra: str) -> list[str]:
    """Top-level modules of installed distributions that the extra does not bring."""
    allowed = closure(extra)
    return sorted(
        module
        for module, distributions in metadata.packages_distributions().items()
        if not {canonicalize_name(d) for d in distributions} & allowed
        and module not in sys.stdlib_module_names
        and not module.startswith("_")
    )


def import_everything(packages: list[str], refused: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-c", IMPORT_EVERYTHING, json.dumps([packages, refused])]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(("extra", "packages"), PROGRAMS)
def test_a_program_needs_nothing_outside_its_extra(extra: str, packages: list[str]) -> None:
    done = import_everything(packages, outside(extra))
    assert done.returncode == 0, done.stderr


def test_a_controller_installs_without_solver_and_database() -> None:
    assert {"pyomo", "numpy", "highspy", "sqlalchemy", "starlette"} & closure("edge") == set()


def test_a_back_end_installs_without_can_and_solver() -> None:
    assert {"python-can", "pyomo", "highspy", "pymodbus"} & closure("cloud") == set()


def test_the_check_notices_a_missing_package() -> None:
    done = import_everything(["powerctl.wire"], ["google"])
    assert "google is outside the extra" in done.stderr
