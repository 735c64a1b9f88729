"""Install the system programs that the tests can use, where that is plainly wanted: as root on a Debian-like machine.

Everywhere else, and with `SYSTEM_PACKAGES=no`, nothing is changed and one line says which tests will be skipped.
Exits 0 whatever happens: a missing program skips its tests, it does not fail them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

PROGRAMS = {
    "chromium": "the browser tests",
    "mbpoll": "the tests with a foreign Modbus client",
    "mosquitto": "the broker contract against Mosquitto",
    "prometheus": "the tests of rules and dashboards",
}
"""Program, which is also the name of its Debian package, and what needs it."""

SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])


def missing() -> list[str]:
    """Programs that are not on this machine."""
    return [program for program in PROGRAMS if shutil.which(program, path=SEARCH) is None]


def may_install() -> bool:
    """Root on a machine with apt-get, and nobody said no."""
    wanted = os.environ.get("SYSTEM_PACKAGES", "yes") != "no"
    return wanted and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str]) -> bool:
    """Install Debian packages quietly; false when apt-get could not."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            return False
    return True


def main() -> int:
    """Install what is missing, or say what will be skipped."""
    absent = missing()
    if absent and may_install():
        print(f"==> Installing with apt-get for the tests: {', '.join(absent)}", flush=True)
        install(absent)
        absent = missing()
    for program in absent:
        print(f"==> Without `{program}`, {PROGRAMS[program]} are skipped", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
