"""A log line is one JSON object with a constant event name and the fields that were bound."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from powerctl.runtime import log


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_carries_event_program_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("edge")
    log.get("edge.control").bind(connector=1).info("session_opened", session="abc")
    (line,) = lines(capsys)
    assert {k: line[k] for k in ("level", "program", "event", "connector", "session")} == {
        "level": "info",
        "program": "edge",
        "event": "session_opened",
        "connector": 1,
        "session": "abc",
    }


def test_debug_is_silent_until_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("edge")
    log.get("edge.x").debug("frame")
    assert lines(capsys) == []
    log.configure("edge", level="debug")
    log.get("edge.x").debug("frame")
    assert lines(capsys)[0]["event"] == "frame"


def test_a_failure_carries_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("edge")
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        logging.getLogger("edge.x").exception("task_failed")
    assert "RuntimeError: broken" in str(lines(capsys)[0]["traceback"])
