"""Every code that the cloud can say has a sentence in every language, and every alarm a page with what to do."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.domain import alarm
from cloud.domain.event_words import phrase
from cloud.words import LANGUAGES, Phrase, catalogue, english, text
from edge.chademo.table import Code
from powerctl.core.fault import Fault
from powerctl.core.record import Body, CommandOutcome, FaultRaised, GridEvent, GridEventKind, SecurityEvent, SignalClass
from powerctl.core.session import ConnectorState, StopReason
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from tests.unit.cloud.stories import LEFT, NOON

ROOT = Path(__file__).resolve().parents[4]
SENTENCES = {language: catalogue(language) for language in LANGUAGES}
VALUES: dict[str, type[StrEnum]] = {
    "stop": StopReason,
    "state": ConnectorState,
    "outcome": CommandOutcome,
    "kind": GridEventKind,
    "signal": SignalClass,
    "source": LimitSource,
}
OURS = (alarm.SILENT, alarm.DUPLICATE_IDENTITY, alarm.CERTIFICATE_ENDS, alarm.CONFIG_DRIFT)
NEEDED = {
    *(f"alarm.{code}.{part}" for code in alarm.KINDS for part in ("title", "remedy")),
    *(f"alarm.{code}.detail" for code in OURS),
    *(f"security.{code}" for code in alarm.NEEDS_NOBODY),
    *(f"event.{body.__name__}" for body in get_args(Body)),
    *(f"{group}.{one.value}" for group, kind in VALUES.items() for one in kind),
}
"""What the tables of the server can say."""


def places(sentence: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", sentence))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_sentence(language: str) -> None:
    assert sorted(NEEDED - SENTENCES[language].keys()) == []
    assert sorted(SENTENCES[language].keys() - NEEDED) == [], "nothing says this"
    assert [code for code, sentence in SENTENCES[language].items() if not sentence.strip()] == []


def test_a_sentence_has_the_same_places_in_every_language() -> None:
    first, *others = SENTENCES.values()
    for other in others:
        assert {code for code in NEEDED if places(first[code]) != places(other[code])} == set()


def test_every_code_of_the_controller_is_described() -> None:
    calls = re.compile(r'(?:_report|report|alarm|SecurityEvent)\(\s*"([a-z_]+)"|_?[A-Z]+: Final = "(door_[a-z]+)"')
    security = {
        first or second
        for path in (ROOT / "edge").rglob("*.py")
        for first, second in calls.findall(path.read_text("utf-8"))
    }
    assert {"update_rejected", "door_opened", "time_jump", "certificate_rolled_back"} <= security
    assert {one.value for one in Code} <= alarm.KINDS.keys()
    assert security <= alarm.KINDS.keys() | alarm.NEEDS_NOBODY


def test_every_alarm_has_a_page_that_names_it_and_every_page_an_alarm() -> None:
    pages = {path.stem: path.read_text("utf-8") for path in (ROOT / "docs" / "runbooks").glob("alarm-*.md")}
    assert pages.keys() == {kind.runbook for kind in alarm.KINDS.values()}
    for code, kind in alarm.KINDS.items():
        assert f"`{code}`" in pages[kind.runbook].partition("##")[0], code
    for page in pages.values():
        assert re.findall(r"^## (.+)$", page, re.MULTILINE) == ["What it means", "What to look at", "What to do"]


def test_a_code_of_a_later_version_has_the_page_for_others() -> None:
    assert alarm.kind("flux_compensator") == alarm.KINDS[alarm.OTHER]
    assert english(alarm.remedy("flux_compensator")) == SENTENCES["en"]["alarm.other.remedy"]


def test_a_phrase_is_said_with_its_values() -> None:
    event = GridEvent(GridEventKind.APPLIED, LimitSource.DSO, Power(4_200.0), None, NOON, "")
    assert english(phrase(event)) == "The limit of the grid operator was applied: 4.2 kW."
    fault = FaultRaised(LEFT, Fault("insulation", "180 kΩ.", latched=True))
    assert english(phrase(fault)) == "Fault: Insulation too low. 180 kΩ."
    assert english(phrase(SecurityEvent("door_closed", "", NOON))) == "Security: the doors are closed again."
    assert english(phrase(SecurityEvent("never_seen", "Odd.", NOON))) == "Security: never_seen. Odd."
    assert all(is_dataclass(body) for body in get_args(Body))


@given(st.text(max_size=40) | st.sampled_from(["@alarm.lock.title", "#1", "=x", "{fault}"]))
def test_what_a_station_says_is_said_as_it_is(said: str) -> None:
    assert (
        english(phrase(SecurityEvent("door_closed", said, NOON)))
        == f"Security: the doors are closed again. {said}".strip()
    )
    assert english(Phrase("alarm.configuration_drift.detail", {"count": "#3", "first": text(said)})).endswith(
        f"{said}."
    )
