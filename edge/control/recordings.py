"""`powerctl-edge blackbox`: what the black boxes have kept, as a list and as one archive to take away."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.control.settings import load_settings
from powerctl.core.errors import ConfigError

NOTHING: Final = "No recordings: no connector had a fault."


@dataclass(frozen=True, slots=True)
class Kept:
    """One recording on disk."""

    log: Path

    @property
    def name(self) -> str:
        """As in the list and in the archive, without ending."""
        return self.log.stem

    @property
    def files(self) -> list[Path]:
        """The candump log, and the JSON file beside it where it is still there."""
        return [path for path in (self.log, self.log.with_suffix(".json")) if path.exists()]

    def line(self) -> str:
        """Name, size and what it is about."""
        size_kb = sum(path.stat().st_size for path in self.files) / 1000
        return f"{self.name:<48} {size_kb:>7.0f} kB  {self._about()}".rstrip()

    def _about(self) -> str:
        try:
            document = json.loads(self.log.with_suffix(".json").read_text())
            return f"connector {document['connector']}, {document['why']}, {document['time']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "frames only"


def folder_of(config: Path) -> Path:
    """Where the station's black boxes write. Raises ConfigError: the settings cannot be used."""
    station, _ = load_settings(config)
    return station.state_dir / "edge" / "blackbox"


def kept(folder: Path) -> list[Kept]:
    """Every recording, the newest first."""
    return [Kept(log) for log in sorted(folder.glob("*.log"), reverse=True)]


def chosen(recordings: Sequence[Kept], names: Sequence[str]) -> list[Kept]:
    """The named recordings, all of them without a name; `latest` is the newest.

    Raises:
        ConfigError: There is no such recording.
    """
    if not names:
        return list(recordings)
    known = {recording.name: recording for recording in recordings}
    if recordings:
        known["latest"] = recordings[0]
    missing = [name for name in names if name not in known]
    if missing:
        raise ConfigError("blackbox", f"there is no recording {missing[0]!r}.", "See the list without --save.")
    return [known[name] for name in dict.fromkeys(names)]


def save(recordings: Sequence[Kept], archive: Path) -> int:
    """Write one ZIP archive; returns its bytes.

    Raises:
        ConfigError: It exists already, or cannot be written.
    """
    try:
        with zipfile.ZipFile(archive, "x", zipfile.ZIP_DEFLATED) as packed:
            for recording in recordings:
                for path in recording.files:
                    packed.write(path, path.name)
        return archive.stat().st_size
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(str(archive), f"cannot be written: {reason}.", "Choose another name with --save.") from error


def told(config: Path, names: Sequence[str], archive: Path | None) -> Iterator[str]:
    """List the recordings, or save those that are named, all without a name; yields what to print.

    Raises:
        ConfigError: The settings, a name or the archive cannot be used.
    """
    recordings = kept(folder_of(config))
    if archive is None:
        yield from (recording.line() for recording in chosen(recordings, names))
        if not recordings:
            yield NOTHING
        return
    found = chosen(recordings, names)
    if not found:
        yield NOTHING
        return
    size = save(found, archive)
    yield f"{archive}: {len(found)} recordings, {size / 1000:.0f} kB."
