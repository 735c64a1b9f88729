"""Generate `powerctl/v1` from `protos/`; with `--check`, fail when the committed code differs.

The proto path equals the Python path, so the output needs no rewriting.
"""

from __future__ import annotations

import argparse
import filecmp
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
OUTPUT = Path("powerctl") / "v1"
PLUGINS = ("mypy", "mypy_grpc")


def generate(into: Path) -> None:
    """Write the generated modules and stubs below `into`.

    Raises:
        SystemExit: protoc refused a file; it has said why on standard error.
    """
    well_known = str(resources.files("grpc_tools") / "_proto")
    files = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    outputs = [f"--{kind}_out={into}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    # Named, because the environment's folder need not be on PATH.
    plugins = [f"--plugin=protoc-gen-{name}={Path(sys.executable).with_name(f'protoc-gen-{name}')}" for name in PLUGINS]
    if status := protoc.main(["protoc", f"-I{PROTOS}", f"-I{well_known}", *plugins, *outputs, *files]):
        raise SystemExit(status)
    (into / OUTPUT / "__init__.py").write_text('"""Generated from `protos/`; never edited. See `make proto`."""\n')
    (into / OUTPUT / "py.typed").touch()


def differences(fresh: Path, committed: Path) -> list[str]:
    """Names of files that differ or exist on one side only, sorted."""
    names = {path.name for side in (fresh, committed) for path in side.iterdir() if path.is_file()}
    _, mismatch, errors = filecmp.cmpfiles(fresh, committed, names, shallow=False)
    return sorted([*mismatch, *errors])


def main() -> int:
    """Generate, or compare. Exit status 1: the committed code is not what the protos say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    if not arguments.check:
        for stale in (ROOT / OUTPUT).glob("*_pb2*"):
            stale.unlink()
        generate(ROOT)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        changed = differences(Path(folder) / OUTPUT, ROOT / OUTPUT)
    for name in changed:
        print(f"{OUTPUT / name} is not what protos/ generates; run `make proto`", file=sys.stderr)
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
