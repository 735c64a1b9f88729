"""Commands for the day on which the database is gone: back up, restore, and the drill that tries both."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from cloud.ingest.ports import StoreUnavailable
from cloud.settings import CloudSettings, load_settings
from cloud.store.backup import Manifest, dump, load
from cloud.store.engine import Database, database_url
from cloud.store.migrate import migrate, require_current
from cloud.store.vault import new_key, read_key, sealed, unsealed
from powerctl.core.errors import ConfigError


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to a parser."""
    key = commands.add_parser("backup-key", help="Make a key for backups.")
    key.add_argument("--out", type=Path, required=True, metavar="FILE")
    for name, meaning in (
        ("backup", "Write everything in the database to an encrypted file."),
        ("restore", "Write a backup into an empty database, and compare what is there then."),
        ("drill", "Back up, restore into a new database, compare every row's hash, and say how long it took."),
    ):
        parser = commands.add_parser(name, help=meaning, description=meaning)
        parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the cloud's file (TOML)")
        if name == "drill":
            parser.add_argument("--into", default="", metavar="ADDRESS", help="an empty database; left out: a file")
        else:
            parser.add_argument("file", type=Path, metavar="BACKUP")


def backup_key(options: argparse.Namespace) -> None:
    """Make a key."""
    try:
        new_key(options.out)
    except OSError as error:
        raise ConfigError(str(options.out), f"cannot be written: {error.strerror}.", "Name a new file.") from error
    print(f"Wrote {options.out}; keep a copy elsewhere, and name it first in cloud.backup.keys.")


def backup(options: argparse.Namespace) -> None:
    """Back up."""
    settings = load_settings(options.config)
    manifest = _answered(_backup(settings, options.file))
    print(f"Wrote {_rows(manifest)} of {len(manifest)} tables to {options.file}.")


def restore(options: argparse.Namespace) -> None:
    """Restore."""
    settings = load_settings(options.config)
    manifest = _answered(_restore(settings, settings.database_url, options.file))
    print(f"Restored {_rows(manifest)} of {len(manifest)} tables; every table has the hash that was backed up.")


def drill(options: argparse.Namespace) -> None:
    """Back up and restore beside the running database."""
    settings = load_settings(options.config)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "drill.backup"
        into = options.into or f"sqlite:///{folder}/drill.sqlite"
        began = time.perf_counter()
        written = _answered(_backup(settings, file))
        middle = time.perf_counter()
        restored = _answered(_restore(settings, into, file))
        over = time.perf_counter()
        size = file.stat().st_size
    for name, one in written.items():
        print(f"{name:<16} {one.rows:>9} rows  {one.sha256}")
    if restored != written:
        raise ConfigError("drill", "what was restored is not what was backed up.", "Do not rely on this backup.")
    print(f"{_rows(written)} in {size} bytes: backed up in {middle - began:.1f} s, restored in {over - middle:.1f} s.")


async def _backup(settings: CloudSettings, path: Path) -> Manifest:
    keys = _keys(settings)
    database = Database(database_url(settings.database_url))
    try:
        await require_current(database)
        with sealed(path, keys[0]) as file:
            return await dump(database, file)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written: {error.strerror}.", "Name another file.") from error
    finally:
        await database.close()


async def _restore(settings: CloudSettings, address: str, path: Path) -> Manifest:
    keys = _keys(settings)
    database = Database(database_url(address))
    try:
        await migrate(database)
        with unsealed(path, keys) as file:
            return await load(database, file)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}.", "Name another file.") from error
    finally:
        await database.close()


def _keys(settings: CloudSettings) -> list[bytes]:
    if settings.backup is None:
        why = "is missing: backups are encrypted, and nothing says with which key."
        raise ConfigError("cloud.backup", why, "Make a key with `powerctl-cloud backup-key`, and name it there.")
    return [read_key(path) for path in settings.backup.keys]


def _answered(work: Coroutine[Any, Any, Manifest]) -> Manifest:
    try:
        return asyncio.run(work)
    except StoreUnavailable as error:
        raise ConfigError("cloud.database_url", f"does not answer: {error}.", "Start the database.") from error


def _rows(manifest: Manifest) -> str:
    return f"{sum(one.rows for one in manifest.values())} rows"
