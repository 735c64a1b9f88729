"""Certificates from the command line, up to a station that obeys them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from powerctl.app import cli
from powerctl.app.grid_cli import ROLES
from powerctl.runtime.settings import TlsFiles
from powerctl.signals.rights import Role
from powerctl.signals.settings import GridSettings
from tests.contract.modbus.secure import SecurePeer, fingerprint
from tests.unit.signals.station import SLOT_0, grid_settings, running


def powerctl(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    grid: dict[str, Any] = tomllib.loads(capsys.readouterr().out)["manager"]["grid"]
    return grid


async def test_from_nothing_to_a_dimmed_station(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    authority, out = tmp_path / "authority", tmp_path / "utility"
    assert powerctl("grid", "authority", "--authority", authority) == 0
    capsys.readouterr()
    assert powerctl("grid", "certificate", "--authority", authority, "--name", "station", "--host", "localhost") == 0
    secure = printed(capsys)["modbus_tls"]
    assert (
        powerctl("grid", "enrol", "--authority", authority, "--name", "dso", "--slot", 0, "--slot", 0, "--out", out)
        == 0
    )
    clients = printed(capsys)["modbus_tls"]["clients"]
    assert sorted(file.name for file in out.iterdir()) == ["ca.pem", "dso.key", "dso.pem"]
    assert (out / "dso.key").stat().st_mode & 0o077 == 0

    plain = grid_settings(writers=[]).model_dump()
    settings = GridSettings.model_validate({**plain, "modbus_tls": {**secure, "clients": clients, "port": 0}})
    async with running(tmp_path, settings) as station:
        files = _files(out, "dso")
        assert clients == [{"name": "dso", "fingerprint": fingerprint(files), "slots": [0]}]
        peer = await SecurePeer.connect_as(station.signals.tls_port, files)
        await peer.write(SLOT_0, 4100)
        await peer.write(SLOT_0 + 21, 1)
        assert station.cap_w == 4100
        peer.close()


def _files(folder: Path, name: str) -> TlsFiles:
    return TlsFiles(ca=folder / "ca.pem", certificate=folder / f"{name}.pem", key=folder / f"{name}.key")


def test_a_role_without_slots_needs_no_lines_in_the_station_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    powerctl("grid", "authority", "--authority", tmp_path)
    capsys.readouterr()
    assert powerctl("grid", "enrol", "--authority", tmp_path, "--name", "eye", "--role", "ReadOnlySunSpec") == 0
    assert tomllib.loads(capsys.readouterr().out) == {}


def test_an_authority_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert powerctl("grid", "authority", "--authority", tmp_path) == 0
    before = (tmp_path / "ca.key").read_bytes()
    assert powerctl("grid", "authority", "--authority", tmp_path) == 2
    assert (tmp_path / "ca.key").read_bytes() == before
    assert "already" in capsys.readouterr().err


def test_without_an_authority_it_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert powerctl("grid", "enrol", "--authority", tmp_path / "none", "--name", "dso") == 2
    assert "powerctl grid authority" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../dso", "ca", "", "a/b"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    powerctl("grid", "authority", "--authority", tmp_path)
    assert powerctl("grid", "enrol", "--authority", tmp_path, "--name", name) == 2


def test_the_roles_on_the_command_line_are_those_of_the_table() -> None:
    assert set(ROLES) == {role.value for role in Role}


def test_certificates_are_taken_back_one_after_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    powerctl("grid", "authority", "--authority", tmp_path)
    for name in ("one", "two"):
        powerctl("grid", "enrol", "--authority", tmp_path, "--name", name)
        capsys.readouterr()
        assert powerctl("grid", "revoke", "--authority", tmp_path, tmp_path / f"{name}.pem") == 0
        assert tomllib.loads(capsys.readouterr().out) == {"revoked": str(tmp_path / "revoked.pem")}
    powerctl("grid", "revoke", "--authority", tmp_path, tmp_path / "one.pem")
    assert len(list(x509.load_pem_x509_crl((tmp_path / "revoked.pem").read_bytes()))) == 2


def test_a_certificate_of_another_authority_cannot_be_taken_back(tmp_path: Path) -> None:
    powerctl("grid", "authority", "--authority", tmp_path / "one", "--name", "One")
    powerctl("grid", "authority", "--authority", tmp_path / "two", "--name", "Two")
    powerctl("grid", "enrol", "--authority", tmp_path / "one", "--name", "dso")
    assert powerctl("grid", "revoke", "--authority", tmp_path / "two", tmp_path / "one" / "dso.pem") == 2
