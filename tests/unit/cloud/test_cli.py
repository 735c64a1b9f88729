"""What an operator does by hand."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from cloud.api.tokens import Tokens, load_key
from cloud.cli import main
from cloud.domain.principal import Principal, Role
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.pki import create_ca, issue

CONFIG = """
[cloud]
database_url = "sqlite:///{folder}/cloud.sqlite"
{more}
[cloud.identity]
signing_key = "{folder}/signing.pem"
[cloud.tariff]
name = "Day"
currency = "EUR"
energy_price_per_kwh = "0.49"
[cloud.mqtt]
host = "127.0.0.1"
port = 9
tls = {{ ca = "{tls.ca}", certificate = "{tls.certificate}", key = "{tls.key}" }}
[cloud.web]
port = {web}
[cloud.grpc]
port = 0
[cloud.http]
port = 0
"""


def config(folder: Path, *, more: str = "", web: int = 0) -> str:
    tls = issue(create_ca(folder / "pki", "test"), "cloud", client=True)
    path = folder / "cloud.toml"
    path.write_text(CONFIG.format(folder=folder, more=more, web=web, tls=tls))
    return str(path)


def test_a_key_is_made_once_and_for_its_owner_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "signing.pem"
    assert main(["keygen", "--out", str(key)]) == 0
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    assert main(["keygen", "--out", str(key)]) == 2
    assert key.read_bytes() == before
    assert "exists already" in capsys.readouterr().err


def test_a_link_signs_its_person_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = config(tmp_path, web=8080)
    main(["keygen", "--out", str(tmp_path / "signing.pem")])
    capsys.readouterr()
    assert main(["sign-in-link", "--config", file, "--role", "operator", "--name", "Opal Öst"]) == 0
    page, _, token = capsys.readouterr().out.strip().partition("/#signin=")
    sign_in = Tokens(load_key(tmp_path / "signing.pem"), SystemClock()).read_sign_in(token)
    assert page == "http://127.0.0.1:8080"
    assert sign_in.principal == Principal("opal-st", "Opal Öst", Role.OPERATOR)


def test_without_a_signing_key_nothing_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--config", config(tmp_path)]) == 2
    assert "powerctl-cloud keygen" in capsys.readouterr().err


def test_a_database_without_schema_is_not_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = config(tmp_path)
    main(["keygen", "--out", str(tmp_path / "signing.pem")])
    assert main(["serve", "--config", file]) == 2
    assert "powerctl-cloud migrate" in capsys.readouterr().err
    assert main(["migrate", "--config", file]) == 0


def test_a_web_port_in_use_names_its_setting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["keygen", "--out", str(tmp_path / "signing.pem")])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        file = config(tmp_path, more="migrate_on_start = true", web=taken.getsockname()[1])
        assert main(["serve", "--config", file]) == 2
    assert "cloud.web.port" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "not a key", "-----BEGIN NOTHING-----"])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "signing.pem").write_text(content)
    assert main(["serve", "--config", config(tmp_path)]) == 2
    assert "cloud.identity.signing_key" in capsys.readouterr().err
