"""From settings to sources: each is attached before it runs, and what cannot be is the operator's matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from powerctl.core.errors import ConfigError
from powerctl.runtime.clock import SystemClock
from powerctl.signals.grid_signal import Authority
from powerctl.signals.lpc import State
from powerctl.signals.settings import GridSettings
from powerctl.signals.sources.assembly import Running
from powerctl.signals.sources.contact import ContactSource
from powerctl.signals.sources.frequency import FrequencySource, Mode
from powerctl.signals.sources.openadr import OpenAdrSource
from powerctl.signals.sources.site import SiteSource
from powerctl.signals.sources.source import Source
from tests.unit.signals.sources.test_settings import ALL, UTILITY
from tests.unit.signals.station import RATING, grid_settings


class Host:
    """Remembers what was attached."""

    def __init__(self) -> None:
        self.attached: list[Source] = []

    def add_source(self, source: Source) -> Callable[[], None]:
        self.attached.append(source)
        return lambda: None

    def submit(self, slot: int, values: Mapping[str, int], authority: Authority) -> State | None:
        return None


def assembled(sources: dict[str, Any], *, slots: bool = True) -> tuple[Running, Host]:
    raw = {**grid_settings().model_dump(), "sources": sources}
    host = Host()
    settings = GridSettings.model_validate(raw if slots else {**raw, "slots": []})
    return Running(settings, host, SystemClock(), RATING), host


def test_every_source_of_the_settings_is_attached_and_gets_a_task(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    running, host = assembled({**ALL, "openadr": {**ALL["openadr"], "client_secret_file": str(secret)}})
    assert [type(one) for one in host.attached] == [ContactSource, SiteSource, FrequencySource, OpenAdrSource]
    tasks = running.tasks()
    assert len(tasks) == 5
    for task in tasks:
        task.close()


def test_without_sources_nothing_runs() -> None:
    running, host = assembled({})
    assert (running.tasks(), host.attached) == ([], [])


def test_the_frequency_response_holds_back_from_the_stations_own_rating() -> None:
    frequency = {"product": "fcr-d", "armed": True, "socket": "/run/hz", "down_w": 30_000}
    _, host = assembled({"frequency": frequency})
    (source,) = host.attached
    assert isinstance(source, FrequencySource)
    assert (source.response.rules.rating, source.response.rules.down) == (RATING, RATING)
    assert source.response.mode is Mode.ARMED


def test_a_terminal_without_a_commissioned_slot_is_an_error() -> None:
    with pytest.raises(ConfigError, match="not commissioned"):
        assembled({"utility": UTILITY}, slots=False)


def test_an_openadr_secret_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ConfigError, match="client_secret_file"):
        assembled({"openadr": {**ALL["openadr"], "client_secret_file": "/nowhere/secret"}})
