"""What an operator does by hand about who is who."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path

import pytest

from cloud.cli import main
from tests.unit.cloud.test_cli import config


@pytest.fixture
def file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    more = f'migrate_on_start = true\n[cloud.ca]\nfolder = "{tmp_path}/ca"\norganisation = "Op"\n'
    path = config(tmp_path, more=more)
    assert main(["keygen", "--out", str(tmp_path / "signing.pem")]) == 0
    assert main(["ca", "init", "--folder", str(tmp_path / "ca"), "--name", "stations"]) == 0
    capsys.readouterr()
    return path


def add_user(file: str, monkeypatch: pytest.MonkeyPatch, password: str = "seven teal kettles hum") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    return main(["user", "add", "--config", file, "--user", "ada", "--name", "Ada", "--role", "admin"])


def test_the_first_administrator_is_made_here_with_a_second_factor(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add_user(file, monkeypatch) == 0
    assert capsys.readouterr().out.startswith("otpauth://totp/powerctl:ada?secret=")
    assert add_user(file, monkeypatch) == 2
    assert add_user(file, monkeypatch, "weak") == 2


def test_an_authority_is_never_overwritten(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (tmp_path / "ca" / "ca.key").read_bytes()
    assert main(["ca", "init", "--folder", str(tmp_path / "ca"), "--name", "again"]) == 2
    assert (tmp_path / "ca" / "ca.key").read_bytes() == before
    assert "enrol anew" in capsys.readouterr().err


def test_tokens_lists_and_revocations(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ca", "token", "--config", file, "--station", "ST-1"]) == 0
    assert capsys.readouterr().out.count(".") == 2
    assert main(["ca", "revoke", "--config", file, "--station", "ST-1", "--reason", "sold"]) == 0
    assert "Revoked 0" in capsys.readouterr().out
    assert main(["ca", "list", "--config", file, "--station", "ST-1"]) == 0
    assert main(["ca", "token", "--config", file, "--station", "no station"]) == 2


def test_the_audit_log_is_verified_and_a_change_is_named(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_user(file, monkeypatch)
    assert main(["audit", "verify", "--config", file]) == 0
    assert "1 entries" in capsys.readouterr().out
    with sqlite3.connect(tmp_path / "cloud.sqlite") as database:
        database.execute("DROP TRIGGER audit_no_update")
        database.execute("UPDATE audit SET line = CAST(replace(line, 'user add', 'user sub') AS BLOB)")
    database.close()
    assert main(["audit", "verify", "--config", file]) == 2
    assert "entry 1 of the audit log" in capsys.readouterr().err
