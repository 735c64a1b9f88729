"""Software gets onto a station only signed and newer, stays only when it is healthy, and no power cut leaves a station
without a release that starts."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.update import bundle as bundles
from edge.update.judge import Terms, proves_itself
from edge.update.manifest import Refused
from edge.update.slots import STARTS_ON_TRIAL
from powerctl.core.clock import ManualClock
from powerctl.core.errors import ConfigError
from tests.checklist.vendor import Station, Vendor, flipped

DAY_S = 86_400.0


@pytest.fixture
def vendor(tmp_path: Path) -> Vendor:
    return Vendor(tmp_path / "vendor")


@pytest.fixture
def station(tmp_path: Path, vendor: Vendor) -> Station:
    (tmp_path / "slots").mkdir()
    made = Station(tmp_path / "slots")
    made.takes(vendor, 5)
    made.events.clear()
    return made


def test_row_32_no_bit_of_a_bundle_can_be_changed(station: Station, vendor: Vendor) -> None:
    good = vendor.release(6)
    with tarfile.open(good) as archive:
        contents = [(member.offset_data, member.size) for member in archive.getmembers()]
    places = [begin + part for begin, size in contents for part in (0, size // 2, size - 1)]
    for place in places:
        with pytest.raises(Refused):
            station.slots.install(flipped(good, place), [vendor.public])
    assert station.events == ["update_rejected"] * len(places)
    assert station.runs() == 5


def test_row_32_a_wrong_signer_and_an_unsigned_bundle_are_refused(
    station: Station, vendor: Vendor, tmp_path: Path
) -> None:
    stranger = Vendor(tmp_path / "stranger")
    with pytest.raises(Refused, match="not signed by anybody"):
        station.slots.install(stranger.release(6), [vendor.public])
    with pytest.raises(ConfigError):
        station.slots.install(vendor.release(6), [])
    assert station.runs() == 5
    station.slots.install(stranger.release(6), [vendor.public, stranger.public])


@pytest.mark.parametrize(
    ("number", "may_replace", "taken"), [(6, 0, True), (5, 0, False), (4, 0, False), (4, 4, False), (4, 5, True)]
)
def test_row_32_an_older_release_is_refused_unless_its_signer_authorised_it(
    station: Station, vendor: Vendor, number: int, may_replace: int, taken: bool
) -> None:
    bundle = vendor.release(number, may_replace=may_replace)
    if taken:
        station.slots.install(bundle, [vendor.public])
        assert station.runs() == number
        return
    with pytest.raises(Refused, match="not newer"):
        station.slots.install(bundle, [vendor.public])
    assert station.events == ["update_rejected"]
    assert station.runs() == 5


@pytest.mark.parametrize("path", ["../escape", "/etc/escape", "a/../../escape", "a//b", ""])
def test_row_32_a_signed_path_cannot_leave_the_slot(
    station: Station, vendor: Vendor, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bundles._described
    with monkeypatch.context() as patched:
        patched.setattr(bundles, "decode", lambda _: None)
        patched.setattr(bundles, "_described", lambda *given: _renamed(real(*given), path))
        patched.setattr(tarfile.TarFile, "add", lambda self, name, arcname, recursive: None)
        bundle = vendor.release(7)
    with pytest.raises(Refused):
        station.slots.install(bundle, [vendor.public])


def _renamed(file: Any, path: str) -> Any:
    return replace(file, path=path)


def test_row_32_what_the_manifest_does_not_name_is_refused(station: Station, vendor: Vendor) -> None:
    bundle = vendor.release(6)
    with tarfile.open(bundle, "a") as archive:
        more = tarfile.TarInfo("files/backdoor")
        more.size = 3
        archive.addfile(more, io.BytesIO(b"abc"))
    with pytest.raises(Refused, match="more than"):
        station.slots.install(bundle, [vendor.public])
    assert station.runs() == 5


class PowerCut(BaseException):
    """The machine stops here."""


class _Machine:
    """Stops before the step number `last`: every call that changes the disk is a step."""

    CHANGES = ("replace", "symlink", "unlink", "mkdir", "fsync", "open", "rmdir")

    def __init__(self, last: int, patched: pytest.MonkeyPatch) -> None:
        self.steps = 0
        self._last = last
        for name in self.CHANGES:
            patched.setattr(os, name, self._counted(getattr(os, name)))

    def _counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def step(*arguments: Any, **more: Any) -> Any:
            if self.steps >= self._last:
                raise PowerCut
            self.steps += 1
            return real(*arguments, **more)

        return step


def steps_of(action: Callable[[], object]) -> int:
    """How many steps the action has."""
    with pytest.MonkeyPatch.context() as patched:
        machine = _Machine(10**6, patched)
        action()
    return machine.steps


def cut_at(step: int, action: Callable[[], object]) -> None:
    """The power fails before that step."""
    with pytest.MonkeyPatch.context() as patched, contextlib.suppress(PowerCut):
        _Machine(step, patched)
        action()


def test_row_33_power_cut_at_any_step_of_an_installation_leaves_a_release_that_starts(
    station: Station, vendor: Vendor, tmp_path: Path
) -> None:
    bundle = vendor.release(6)
    untouched = tmp_path / "untouched"
    shutil.copytree(station.root, untouched, symlinks=True)
    steps = steps_of(lambda: station.slots.install(bundle, [vendor.public]))
    assert steps >= 20
    for step in range(steps):
        shutil.rmtree(station.root)
        shutil.copytree(untouched, station.root, symlinks=True)
        cut_at(step, lambda: station.slots.install(bundle, [vendor.public]))
        assert station.runs() in {5, 6}
        station.slots.begin_start()
        before = station.runs()
        assert (station.slots.state().trial is not None) == (before == 6)
        if before == 5:
            station.slots.install(bundle, [vendor.public])
        assert station.runs() == 6
        station.slots.rollback("to see that the way back is there")
        assert station.runs() == 5


@pytest.mark.parametrize("way", ["commit", "rollback", "start"])
def test_row_33_power_cut_at_any_step_of_the_decision(station: Station, vendor: Vendor, way: str) -> None:
    actions: dict[str, Callable[[], object]] = {
        "commit": lambda: station.slots.commit(),
        "rollback": lambda: station.slots.rollback("not healthy"),
        "start": lambda: station.slots.begin_start(),
    }
    step, more = 0, True
    number = 6
    while more:
        station.slots.install(vendor.release(number), [vendor.public])
        with pytest.MonkeyPatch.context() as patched:
            _Machine(step, patched)
            try:
                actions[way]()
                more = False
            except PowerCut:
                step += 1
        good = station.slots.begin_start()
        assert good is not None
        assert station.runs() > 0
        if station.slots.state().trial is not None:
            station.slots.commit()
        number = max(number, station.runs()) + 1
    assert step >= 4


def test_row_33_a_release_that_never_gets_healthy_is_given_up_after_a_few_starts(
    station: Station, vendor: Vendor
) -> None:
    station.slots.install(vendor.release(6), [vendor.public])
    for _ in range(STARTS_ON_TRIAL):
        station.slots.begin_start()
        assert station.runs() == 6
    station.slots.begin_start()
    assert station.runs() == 5
    assert station.events == ["update_installed", "update_rolled_back"]


def test_row_33_a_slot_on_trial_that_the_disk_has_damaged_does_not_start(station: Station, vendor: Vendor) -> None:
    station.slots.install(vendor.release(6), [vendor.public])
    (station.root / "current" / "VERSION").write_text("something else\n")
    station.slots.begin_start()
    assert station.runs() == 5


class Health:
    """A release that is healthy at some seconds, on a clock that sleeps move."""

    def __init__(self, well: Callable[[float], bool]) -> None:
        self.clock = ManualClock()
        self._began = self.clock.monotonic()
        self._well = well

    async def healthy(self) -> bool:
        return self._well(self.clock.monotonic() - self._began)

    async def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def judged(self) -> bool:
        return await proves_itself(self.healthy, Terms(60, 600), self.clock, self.sleep)


@pytest.mark.parametrize(
    ("well", "stays"),
    [
        (lambda _: True, True),
        (lambda _: False, False),
        (lambda at: at > 300, True),
        (lambda at: at % 30 > 4, False),
        (lambda at: at > 590, False),
    ],
)
async def test_row_33_only_health_without_a_break_lets_a_release_stay(
    well: Callable[[float], bool], stays: bool
) -> None:
    assert await Health(well).judged() is stays
