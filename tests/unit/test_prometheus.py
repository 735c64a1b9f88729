"""The rules do what their tests say; every alert has a runbook page and a test, and asks for metrics that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from powerctl.runtime.metrics import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
PAGES = sorted(page for page in RUNBOOKS.glob("*.md") if not page.stem.startswith("alarm-"))
RULES = "\n".join(path.read_text() for path in sorted((FOLDER / "rules").glob("*.yml")))
TESTS = sorted((FOLDER / "tests").glob("*.yml"))
ALERTS = re.findall(r"- alert: (\w+)", RULES)
RECORDED = set(re.findall(r"- record: (\S+)", RULES))


def promtool(*arguments: str) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not on this machine (Debian package prometheus)")
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_configuration() -> None:
    promtool("check", "config", str(FOLDER / "prometheus.yml"))


@pytest.mark.parametrize("tests", TESTS, ids=lambda path: path.stem)
def test_the_rules_do_what_their_tests_say(tests: Path) -> None:
    promtool("test", "rules", str(tests))


def test_every_alert_has_a_test_that_sees_it_fire() -> None:
    text = "\n".join(path.read_text() for path in TESTS)
    fired = set(re.findall(r"alertname: (\w+)\n\s+exp_alerts:\n", text))
    assert sorted(set(ALERTS) - fired) == []


def test_every_recorded_series_is_tested_or_alerted_on() -> None:
    text = RULES.replace("record: ", "record:") + "\n".join(path.read_text() for path in TESTS)
    assert [name for name in sorted(RECORDED) if not re.search(rf"(?<!record:){re.escape(name)}\b", text)] == []


def test_every_alert_has_a_runbook_page_of_its_own_and_every_page_an_alert() -> None:
    pages = re.findall(r"runbook_url: docs/runbooks/(\S+)\.md", RULES)
    assert pages == [re.sub(r"(?<!^)([A-Z])", r"-\1", alert).lower() for alert in ALERTS]
    assert sorted(pages) == sorted(page.stem for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_runbook_page_says_what_it_means_what_to_look_at_and_what_to_do(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"^# (\w+)$", text, re.MULTILINE)[0] in ALERTS
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["What it means", "What to look at", "What to do"]


def test_rules_and_pages_ask_for_metrics_of_the_catalogue() -> None:
    known = {metric.name for metric in CATALOGUE} | {f"{m.name}_bucket" for m in CATALOGUE if m.type == "histogram"}
    text = RULES + "\n".join(re.sub(r"`", " ", path.read_text()) for path in RUNBOOKS.glob("*.md"))
    asked = set(re.findall(r"(?<![\w:])(?:powerctl|edge|cloud)_\w+", text))
    assert sorted(asked - known) == []


def test_every_alert_is_a_page_or_a_ticket() -> None:
    assert len(re.findall(r"severity: ", RULES)) == len(ALERTS)
    assert set(re.findall(r"severity: (\w+)", RULES)) == {"page", "ticket"}
