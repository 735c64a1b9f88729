"""Put one of the locked sets of packages, and the project itself, into `.venv`; say so while doing it.

Runs on the bare interpreter, before anything is installed: standard library only. `uv` is used when it is on PATH,
else `venv` and pip. Every package is checked against its hash. A stamp makes the next call a matter of milliseconds.

    python3 tools/install.py demo     what `make demo` needs
    python3 tools/install.py dev      that, and what the tests and the checks need
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
SETS = ("demo", "dev")
"""Each set contains the ones before it."""


def say(sentence: str) -> None:
    """Tell the person what happens, at once, also through a pipe."""
    print(f"==> {sentence}", flush=True)


def requirements(name: str) -> Path:
    """The locked, hashed packages of a set."""
    return ROOT / "requirements" / f"{name}.txt"


def fingerprint(name: str) -> str:
    """Changes when the set, or how the project is installed, changes."""
    digest = hashlib.sha256()
    for path in (requirements(name), ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def stamp(name: str) -> Path:
    """Holds the fingerprint of the set that was installed last."""
    return VENV / f".installed-{name}"


def is_installed(name: str) -> bool:
    """A set counts as installed when it, or a larger one, carries the present fingerprint."""
    if not PYTHON.exists():
        return False
    for larger in SETS[SETS.index(name) :]:
        if stamp(larger).is_file() and stamp(larger).read_text() == fingerprint(larger):
            return True
    return False


def run(*command: str) -> None:
    """Run a command that shows its own output; end with its exit status when it fails."""
    status = subprocess.call(command, cwd=str(ROOT))
    if status:
        say(f"This command failed with status {status}: {' '.join(command)}")
        raise SystemExit(status)


def has_pip() -> bool:
    """An environment made by uv has no pip of its own."""
    if not PYTHON.exists():
        return False
    quiet = subprocess.DEVNULL
    return subprocess.call([str(PYTHON), "-c", "import pip"], stdout=quiet, stderr=quiet) == 0


def check_interpreter() -> None:
    """Refuse an interpreter that is too old, or one that Debian ships without the venv module's other half."""
    if sys.version_info[:2] < OLDEST:
        found = ".".join(map(str, sys.version_info[:2]))
        say(f"Python 3.11 or newer is needed; `{sys.executable}` is {found}.")
        say("Install a newer one, or name it: `make demo PYTHON=/path/to/python3.12`.")
        raise SystemExit(2)
    if importlib.util.find_spec("ensurepip") is None:
        say("This Python cannot make virtual environments: its `ensurepip` module is missing.")
        say("On Debian and Ubuntu: `sudo apt-get install python3-venv`, then run the same command again.")
        raise SystemExit(2)


def make_environment(uv: str | None) -> None:
    """Make `.venv` unless it is there and usable."""
    if uv and not PYTHON.exists():
        say("Making the virtual environment .venv with uv")
        wanted = sys.executable if sys.version_info[:2] >= OLDEST else ">=3.11"
        run(uv, "venv", "--quiet", "--python", wanted, str(VENV))
    if not uv and not has_pip():
        check_interpreter()
        say("Making the virtual environment .venv")
        run(sys.executable, "-m", "venv", str(VENV))


def install(name: str, uv: str | None) -> None:
    """Install the locked set, then the project in place. The second step fetches nothing."""
    count = sum("==" in line for line in requirements(name).read_text().splitlines())
    say(f"Installing {count} locked packages into .venv ({name}; takes up to a minute the first time)")
    front = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(PYTHON)] if uv else pip_command()
    run(*front, "--require-hashes", "--requirement", str(requirements(name)))
    run(*front, "--no-deps", "--no-build-isolation", "--editable", ".")


def pip_command() -> list[str]:
    """Pip of the environment, without its own chatter."""
    return [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]


def compile_project() -> None:
    """Compile our own modules, so that the programs start at once also where Python may not write bytecode itself."""
    quiet = subprocess.DEVNULL
    packages = [name for name in ("powerctl", "edge", "cloud") if (ROOT / name).is_dir()]
    subprocess.call([str(PYTHON), "-m", "compileall", "-q", *packages], cwd=str(ROOT), stdout=quiet, stderr=quiet)


def main(arguments: list[str]) -> int:
    """Install the set that is named. Exit status 2: the operator must do something first."""
    if len(arguments) != 1 or arguments[0] not in SETS:
        print(__doc__, file=sys.stderr)
        return 2
    name = arguments[0]
    if is_installed(name):
        compile_project()
        return 0
    started = time.monotonic()
    uv = None if os.environ.get("POWERCTL_INSTALL_WITH") == "pip" else shutil.which("uv")
    make_environment(uv)
    install(name, uv)
    compile_project()
    stamp(name).write_text(fingerprint(name))
    say(f"Ready after {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
