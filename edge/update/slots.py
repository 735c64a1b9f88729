"""Two slots for the station's software, and a link that says which one starts.

    ROOT/a, ROOT/b     a release each, with its manifest beside it: a.json, b.json
    ROOT/current       link to the slot that starts
    ROOT/state.json    which slot is good, and which is on trial

Whatever step the power fails at, `current` names a whole slot that is good or on trial: a slot is written aside and
gets its name when it is complete, and the link changes in one step. `begin_start` puts right what a power cut left.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from edge.update import bundle as bundles
from edge.update.manifest import Manifest, Refused, decode
from powerctl.core.errors import ConfigError

NAMES: Final = ("a", "b")
STARTS_ON_TRIAL: Final = 3
"""So often a release may start without being found healthy."""

Report = Callable[[str, str], None]
"""Told what has happened: a code, and a sentence."""


@dataclass(frozen=True, slots=True)
class State:
    """What is known about the slots."""

    good: str | None = None
    """The slot that has proven itself. None: nothing was ever installed."""
    trial: str | None = None
    """The slot that has to prove itself. None: there is none."""
    starts: int = 0
    """How often the slot on trial was started."""


class Slots:
    """The folder with both slots. Blocking; one process at a time."""

    def __init__(self, root: Path, report: Report = lambda _code, _detail: None) -> None:
        self._root = root
        self._report = report

    def state(self) -> State:
        """What is known about the slots.

        Raises:
            ConfigError: The note about them is damaged.
        """
        try:
            return State(**json.loads((self._root / "state.json").read_bytes()))
        except FileNotFoundError:
            return State()
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(
                str(self._root / "state.json"), f"cannot be used: {error}.", "Restore it, or install anew."
            ) from error

    def current(self) -> str | None:
        """The slot that starts. None: there is none."""
        try:
            name = os.readlink(self._root / "current")
        except OSError:
            return None
        return name if name in NAMES else None

    def manifest(self, slot: str) -> Manifest | None:
        """What the slot holds. None: nothing that was completed."""
        try:
            return decode((self._root / f"{slot}.json").read_bytes())
        except (OSError, Refused):
            return None

    def damage(self, slot: str) -> list[str]:
        """The files of the slot that are not as they were signed."""
        manifest = self.manifest(slot)
        return ["manifest"] if manifest is None else bundles.differences(manifest, self._root / slot)

    def install(self, bundle: Path, keys: Sequence[Path]) -> Manifest:
        """Verify a bundle, write it into the slot that does not start, and put that slot on trial.

        Raises:
            Refused: The bundle must not be installed; nothing has changed.
            OSError: The disk does not take it; what starts has not changed.
        """
        state = self.state()
        try:
            if state.trial is not None:
                raise Refused("an update is on trial; commit it or roll it back first")
            manifest = bundles.verify(bundle, keys)
            present = self.manifest(state.good) if state.good else None
            manifest.require_replaces(present.number if present else 0)
        except Refused as error:
            self._report("update_rejected", str(error))
            raise
        slot = NAMES[1] if state.good == NAMES[0] else NAMES[0]
        self._fill(slot, bundle, keys)
        self._note(replace(state, trial=slot, starts=0))
        self._start_from(slot)
        self._report("update_installed", f"release {manifest.number} ({manifest.version}) is on trial")
        return manifest

    def begin_start(self) -> str | None:
        """Called before the station's programs start; returns the slot that starts.

        A slot on trial that was started too often without being found healthy, or is not as it was signed, is given
        up here.
        """
        state = self.state()
        if state.trial is not None and self.current() != state.trial:
            # The power failed between the note and the change of the link, or between the way back and its note.
            self._note(replace(state, trial=None, starts=0))
            self._report("update_interrupted", self._named(state.trial))
        elif state.trial is not None and state.good is not None and self._is_hopeless(state, state.trial):
            self.rollback("it was started too often without being found healthy, or its files are damaged")
        elif state.trial is not None:
            self._note(replace(state, starts=state.starts + 1))
        return self.current()

    def commit(self) -> None:
        """The slot on trial has proven itself.

        Raises:
            ConfigError: No slot is on trial.
        """
        state = self.state()
        if state.trial is None:
            raise ConfigError(str(self._root), "has no update on trial.", "Install one first.")
        self._note(State(good=state.trial))
        self._report("update_committed", self._named(state.trial))

    def rollback(self, why: str) -> None:
        """Start from the good slot again.

        Raises:
            ConfigError: No slot is on trial, or there is none to go back to.
        """
        state = self.state()
        if state.trial is None or state.good is None:
            raise ConfigError(str(self._root), "has nothing to go back to.", "Install a release.")
        self._start_from(state.good)
        self._note(State(good=state.good))
        self._report("update_rolled_back", f"{self._named(state.trial)}: {why}")

    def _is_hopeless(self, state: State, trial: str) -> bool:
        return state.starts >= STARTS_ON_TRIAL or bool(self.damage(trial))

    def _named(self, slot: str) -> str:
        manifest = self.manifest(slot)
        return f"release {manifest.number} ({manifest.version})" if manifest else f"slot {slot}"

    def _fill(self, slot: str, bundle: Path, keys: Sequence[Path]) -> None:
        aside = self._root / f".{slot}.new"
        (self._root / f"{slot}.json").unlink(missing_ok=True)
        for path in (aside, self._root / slot):
            shutil.rmtree(path, ignore_errors=True)
        aside.mkdir(parents=True)
        manifest = bundles.unpack(bundle, keys, aside)
        for folder in (aside, *(path for path in aside.rglob("*") if path.is_dir())):
            _sync(folder)
        os.replace(aside, self._root / slot)
        self._write(f"{slot}.json", manifest.encode())

    def _note(self, state: State) -> None:
        self._write("state.json", json.dumps(asdict(state)).encode())

    def _start_from(self, slot: str) -> None:
        fresh = self._root / ".current.new"
        fresh.unlink(missing_ok=True)
        os.symlink(slot, fresh)
        os.replace(fresh, self._root / "current")
        _sync(self._root)

    def _write(self, name: str, content: bytes) -> None:
        fresh = self._root / f".{name}.new"
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self._root / name)
        _sync(self._root)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
