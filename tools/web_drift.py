"""Fail when the committed page (`cloud/web/dist`) or its protobuf code is not what its sources build.

Needs Node; without it there is nothing to compare with, and one line says so.
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

WEB = Path(__file__).resolve().parent.parent / "cloud" / "web"
PEERS = WEB.parent.parent / "tests" / "e2e" / "peers"
BUILD = "npm run generate && npm run build"
NODE = (20, 19)
"""Oldest Node that the bundler runs on."""


def version(text: str) -> tuple[int, int]:
    """Major and minor of `node --version`; (0, 0) when it is something else."""
    found = re.match(r"v(\d+)\.(\d+)\.", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def obstacle() -> str:
    """Why nothing can be built here. Empty: it can."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "Node is not installed"
    text = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return "" if version(text) >= NODE else f"Node is {text}, older than {NODE[0]}.{NODE[1]}"


def run(command: Sequence[str]) -> None:
    """Run a step in the page's folder.

    Raises:
        SystemExit: it failed; its output has been shown.
    """
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": tools}
    step = subprocess.run(command, cwd=WEB, capture_output=True, text=True, env=environment, check=False)
    if step.returncode:
        sys.stderr.write(step.stdout + step.stderr)
        raise SystemExit(f"{' '.join(command)} failed in {WEB}")


def differences(fresh: Path, committed: Path) -> list[str]:
    """Relative names of files that differ or exist on one side only, sorted."""
    names = {path.relative_to(side) for side in (fresh, committed) for path in side.rglob("*") if path.is_file()}
    return sorted(str(name) for name in names if not _same(fresh / name, committed / name))


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)


def main() -> int:
    """Build beside the committed files and compare. Exit status 1: they differ."""
    if reason := obstacle():
        print(f"web drift check skipped: {reason}")
        return 0
    if not (WEB / "node_modules").is_dir():
        run(["npm", "ci"])
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        run(["npm", "run", "generate", "--", "--output", str(fresh)])
        # By itself: after `npm run build` the committed clients of the tests would be new.
        run(["npx", "vite", "build", "--outDir", str(fresh / "dist"), "--emptyOutDir"])
        run(["npm", "run", "peers", "--", "--outDir", str(fresh / "peers"), "--emptyOutDir"])
        changed = [
            *(f"src/gen/{name}" for name in differences(fresh / "src" / "gen", WEB / "src" / "gen")),
            *(f"dist/{name}" for name in differences(fresh / "dist", WEB / "dist")),
            *(f"../../tests/e2e/peers/{name}" for name in differences(fresh / "peers", PEERS)),
        ]
    for name in changed:
        print(f"cloud/web/{name} is not what its sources build; run `{BUILD}` there")
    return 1 if changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
