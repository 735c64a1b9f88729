"""Rows 52 and 53: the database comes back from a backup, and a backup without its key is noise."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import zlib
from pathlib import Path

import pytest

from cloud.cli import main
from cloud.store import vault
from powerctl.core.errors import ConfigError
from tests.contract.store.test_store import A_SESSION
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.test_settings import GOOD
from tests.unit.cloud.world import world


@pytest.fixture
def config(tmp_path: Path, files: SqliteFiles) -> Path:
    """A cloud with one session, and a key for its backups."""
    address = asyncio.run(_lived_in(files))
    assert main(["backup-key", "--out", str(tmp_path / "new.key")]) == 0
    assert main(["backup-key", "--out", str(tmp_path / "old.key")]) == 0
    return configured(tmp_path, address, "new.key", "old.key")


async def _lived_in(files: SqliteFiles) -> str:
    address = await files.new()
    async with world(address) as here:
        await here.reports(*A_SESSION)
    return address


def configured(folder: Path, address: str, *keys: str) -> Path:
    path = folder / "cloud.toml"
    named = ", ".join(f'"{folder / key}"' for key in keys)
    text = GOOD.replace("sqlite:///cloud.sqlite", address)
    path.write_text(f"{text}\n[cloud.backup]\nkeys = [{named}]\n")
    return path


def test_row_52_a_drill_restores_into_an_empty_database_and_compares_every_hash(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drill", "--config", str(config)]) == 0
    said = capsys.readouterr().out
    assert re.search(rf"inbox +{len(A_SESSION) - 1} rows  [0-9a-f]{{64}}", said)
    assert re.search(r"backed up in [\d.]+ s, restored in [\d.]+ s", said)


def test_row_52_a_backup_is_restored_after_the_database_is_gone(config: Path, tmp_path: Path) -> None:
    saved = tmp_path / "cloud.backup"
    assert main(["backup", "--config", str(config), str(saved)]) == 0
    configured(tmp_path, f"sqlite:///{tmp_path}/fresh.sqlite", "new.key")
    assert main(["restore", "--config", str(config), str(saved)]) == 0
    with sqlite3.connect(tmp_path / "fresh.sqlite") as fresh:
        assert fresh.execute("SELECT count(*) FROM records").fetchone() == (len(A_SESSION),)
    assert main(["restore", "--config", str(config), str(saved)]) == 2, "restored over what was there"


def test_row_53_a_backup_says_nothing_without_its_key(config: Path, tmp_path: Path) -> None:
    saved = tmp_path / "cloud.backup"
    main(["backup", "--config", str(config), str(saved)])
    content = saved.read_bytes()
    assert content.startswith(vault.MAGIC)
    assert saved.stat().st_mode & 0o077 == 0
    for word in (b"Harbour", b"inbox", b"EUR", b"demo-1"):
        assert word not in content
    assert len(zlib.compress(content)) > 0.99 * len(content), "what is encrypted cannot be compressed"
    stranger = tmp_path / "stranger.key"
    vault.new_key(stranger)
    with pytest.raises(ConfigError, match="another key"), vault.unsealed(saved, [stranger.read_bytes()]) as file:
        file.read()


def test_row_53_after_the_key_was_rotated_old_backups_are_still_restored(config: Path, tmp_path: Path) -> None:
    saved = tmp_path / "cloud.backup"
    address = f"sqlite:///{tmp_path}/fresh.sqlite"
    main(["backup", "--config", str(config), str(saved)])
    configured(tmp_path, address, "old.key")
    assert main(["restore", "--config", str(config), str(saved)]) == 2, "opened with another key"
    configured(tmp_path, address, "old.key", "new.key")
    assert main(["restore", "--config", str(config), str(saved)]) == 0


@pytest.mark.parametrize("where", [0.5, 0.999])
def test_row_53_a_backup_that_was_changed_or_cut_off_is_refused(config: Path, tmp_path: Path, where: float) -> None:
    saved = tmp_path / "cloud.backup"
    main(["backup", "--config", str(config), str(saved)])
    content = bytearray(saved.read_bytes())
    place = int(len(content) * where)
    configured(tmp_path, f"sqlite:///{tmp_path}/fresh.sqlite", "new.key")
    saved.write_bytes(content[:place])
    assert main(["restore", "--config", str(config), str(saved)]) == 2
    content[place] ^= 1
    saved.write_bytes(content)
    assert main(["restore", "--config", str(config), str(saved)]) == 2
