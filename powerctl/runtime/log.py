"""Logs are events: one JSON line per state change, with a constant name.

`get("edge").info("session_state_changed", connector=1, after="charging")` writes
`{"ts": …, "level": "info", "program": "edge", "event": "session_state_changed", "connector": 1, …}`.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _JsonLines(logging.Formatter):
    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "program": self._program,
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(program: str, *, level: str = "info") -> None:
    """Send every log line of this process to standard error, as JSON.

    Args:
        program: Name that each line carries.
        level: One of `LEVELS`. Libraries are heard from `warning` on.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(program))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for product in ("powerctl", "edge", "cloud"):
        logging.getLogger(product).setLevel(LEVELS[level])


class Log:
    """A logger whose lines carry bound fields."""

    def __init__(self, name: str, fields: dict[str, Any] | None = None) -> None:
        self._logger = logging.getLogger(name)
        self._fields = fields or {}

    def bind(self, **fields: Any) -> Log:
        """A logger that adds `fields` to every line."""
        return Log(self._logger.name, {**self._fields, **fields})

    def _write(self, level: int, event: str, fields: dict[str, Any]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, extra={"fields": {**self._fields, **fields}})

    def debug(self, event: str, **fields: Any) -> None:
        """For a developer who looks for a mistake."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """Something changed, as it should."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Something is not as it should be; the program copes."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Someone must act."""
        self._write(logging.ERROR, event, fields)


def get(name: str) -> Log:
    """The logger of this name; use `__name__`."""
    return Log(name)
