"""Compare every locked dependency with the known vulnerabilities (osv.dev), and write what a release is made of.

`build/sbom.cdx.json` is the bill of materials in CycloneDX's form. Ends with an error when a vulnerability is known.
Further arguments go to pip-audit.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "demo.txt"
SBOM = ROOT / "build" / "sbom.cdx.json"


def audit(sbom: Path, *more: str) -> int:
    """The exit status; zero: nothing is known against any dependency."""
    sbom.parent.mkdir(parents=True, exist_ok=True)
    tool = str(Path(sys.executable).with_name("pip-audit"))
    asked = ["--require-hashes", "--disable-pip", "--vulnerability-service", "osv", "--requirement", str(LOCK)]
    return subprocess.run(
        [tool, *asked, "--format", "cyclonedx-json", "--output", str(sbom), *more], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(audit(SBOM, *sys.argv[1:]))
