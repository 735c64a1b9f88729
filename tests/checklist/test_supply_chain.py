"""Rows 11 and 54: no secret in what we hand out, and what it is made of is known."""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import threading
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from detect_secrets.core import scan
from detect_secrets.settings import transient_settings
from hatchling.builders.wheel import WheelBuilder

from edge.update import bundle as bundles
from tools.audit import LOCK, audit

ROOT: Final = Path(__file__).resolve().parents[2]
DETECTORS: Final = ("AWSKey", "BasicAuth", "GitHubToken", "JwtToken", "Keyword", "PrivateKey", "Slack", "Stripe")
GENERATED: Final = re.compile(
    r"(powerctl/v1|cloud/web/src/gen|requirements|docs/reference)/|cloud/web/package-lock\.json|docs/chademo-trace"
)
WORDS: Final = re.compile(
    r"Password|Salasana|At least 12 characters.*|Vähintään 12 merkkiä.*|secret-title`.*"
    r"|(certificates|cloud|authority|broker)(, defaultMode: 0440)?(}})?"
)
"""What the page says about passwords, and the names of Kubernetes' secrets."""


def secrets_in(folder: Path, files: Iterable[str]) -> list[str]:
    """Where something stands that looks like a secret."""
    with transient_settings({"plugins_used": [{"name": f"{name}Detector"} for name in DETECTORS]}):
        found = [(name, one) for name in files for one in scan.scan_file(str(folder / name))]
    return [
        f"{name}:{one.line_number}: {one.type}" for name, one in found if not WORDS.fullmatch(one.secret_value or "")
    ]


def tracked() -> list[str]:
    """Files of the repository that are no tests and are not generated from others."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in listed.split("\0") if name and not name.startswith("tests/")]
    return [name for name in names if not GENERATED.match(name) and (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "planted",
    [
        "-----BEGIN EC PRIVATE" + " KEY-----",
        'password = "' + "Tr0ub4dor&3" + '"',
        "key = AKIA" + "IOSFODNN7EXAMPLE",
        "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
        "postgresql://powerctl:" + "hunter2hunter2@db/powerctl",
    ],
)
def test_row_11_the_scanner_finds_what_is_planted(tmp_path: Path, planted: str) -> None:
    (tmp_path / "settings.toml").write_text(f"# Settings\n{planted}\n")
    assert secrets_in(tmp_path, ["settings.toml"])


def test_row_11_no_secret_stands_in_source_wheel_or_bundle(tmp_path: Path) -> None:
    names = tracked()
    assert len(names) > 300
    assert secrets_in(ROOT, names) == []
    tree = tmp_path / "tree"
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tree)
    inside = [path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()]
    assert "edge/cli.py" in inside
    # What is a file of the repository, byte for byte, was scanned there.
    same = set(names)
    fresh = [name for name in inside if name not in same or (tree / name).read_bytes() != (ROOT / name).read_bytes()]
    assert secrets_in(tree, [name for name in fresh if not GENERATED.match(name)]) == []
    assert not [name for name in inside if Path(name).suffix in {".key", ".pem", ".p12", ".env"}]

    key = tmp_path / "release.key"
    public = bundles.new_key(key)
    made = bundles.build(tree, tmp_path / "release.bundle", key, version="1.0", number=1)
    manifest = bundles.unpack(tmp_path / "release.bundle", [public], tmp_path / "unpacked")
    assert manifest == made
    assert sorted(file.path for file in manifest.files) == sorted(inside), "nothing is added on the way"
    assert (tmp_path / "release.bundle").read_bytes().find(key.read_bytes().splitlines()[1]) < 0


class Known(http.server.BaseHTTPRequestHandler):
    """Answers as osv.dev does (google.github.io/osv.dev/post-v1-query), from a list of its own."""

    vulnerable: str = ""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name = asked["package"]["name"]
        affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": list[str]()}]
        hole = {"id": "OSV-2026-1", "summary": "A hole.", "modified": "2026-01-01T00:00:00Z", "affected": affected}
        answer = json.dumps({"vulns": [hole]} if name == self.vulnerable else {}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def known(vulnerable: str) -> Iterator[str]:
    """A list of vulnerabilities on loopback, with one in this package; gives its address."""
    answers = type("Answers", (Known,), {"vulnerable": vulnerable})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
        finally:
            server.shutdown()


@pytest.mark.integration
@pytest.mark.parametrize(("vulnerable", "status"), [("", 0), ("cryptography", 1)])
def test_row_54_what_is_known_against_a_dependency_stops_a_release(
    tmp_path: Path, vulnerable: str, status: int
) -> None:
    # One package may be pinned twice, for different versions of Python.
    pinned = set(re.findall(r"^([a-z0-9.-]+)==(\S+)", LOCK.read_text(), re.MULTILINE))
    with known(vulnerable) as address:
        assert audit(tmp_path / "sbom.json", "--osv-url", address, "--cache-dir", str(tmp_path / "cache")) == status
    bill = json.loads((tmp_path / "sbom.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert {(one["name"].lower(), one["version"]) for one in bill["components"]} <= pinned
    assert len(bill["components"]) > 30
    assert [one["id"] for one in bill.get("vulnerabilities", [])] == (["OSV-2026-1"] if vulnerable else [])
