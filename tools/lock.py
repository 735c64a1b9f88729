"""Write `requirements/*.txt` from `pyproject.toml`; with `--check`, fail when they are out of date.

The files hold exact versions and hashes for every platform and interpreter that the project supports, and no addresses:
whoever installs chooses the index. Writing needs `uv` and an index; checking needs neither, because each file carries a
digest of the requirements that it was made from. Versions stay as they are until `--upgrade`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETS = ("dev", "demo")
"""The larger set first: it is the constraint of the smaller one, so that both hold the same versions."""
MARK = "# made from: sha256:"
HEADER = "# Made by `make lock` from pyproject.toml; never edited.\n"


def digest(pyproject: Path = ROOT / "pyproject.toml") -> str:
    """Changes when, and only when, what the project requires changes."""
    document = tomllib.loads(pyproject.read_text())
    project = document["project"]
    wanted = [
        project["requires-python"],
        project["dependencies"],
        project["optional-dependencies"],
        document["dependency-groups"],
    ]
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()


def is_fresh(locked: Path) -> bool:
    """The file was made from the requirements of today."""
    return locked.is_file() and f"{MARK}{digest()}\n" in locked.read_text()


def compile_set(name: str, *, upgrade: bool) -> None:
    """Resolve one set and write its file.

    Raises:
        SystemExit: uv is missing, or found no solution; it has said why on standard error.
    """
    uv = shutil.which("uv")
    if uv is None:
        raise SystemExit("`make lock` needs uv on PATH.")
    target = ROOT / "requirements" / f"{name}.txt"
    target.parent.mkdir(exist_ok=True)
    command = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
    command += ["--no-emit-index-url", "--no-header", "--no-annotate", "--extra", name, "--group", "build"]
    command += ["--upgrade"] if upgrade else []
    command += [] if name == SETS[0] else ["--constraint", f"requirements/{SETS[0]}.txt"]
    if status := subprocess.call([*command, "--output-file", str(target), "pyproject.toml"], cwd=ROOT):
        raise SystemExit(status)
    target.write_text(f"{HEADER}{MARK}{digest()}\n{target.read_text()}")


def main() -> int:
    """Write, or check. Exit status 1: a file is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing; needs no network")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that pyproject.toml allows")
    arguments = parser.parse_args()
    if not arguments.check:
        for name in SETS:
            compile_set(name, upgrade=arguments.upgrade)
        return 0
    stale = [name for name in SETS if not is_fresh(ROOT / "requirements" / f"{name}.txt")]
    for name in stale:
        print(f"requirements/{name}.txt is not what pyproject.toml asks for; run `make lock`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
