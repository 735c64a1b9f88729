"""Settings: TOML, read once, frozen, strict about what they do not know.

A station has one file with the tables `[station]`, `[manager]`, `[edge]` and `[uplink]`; each program reads the
tables that concern it. The cloud has a file of its own with `[cloud]`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from powerctl.core.errors import ConfigError

STATION_FILE_SECTIONS: Final = frozenset({"station", "manager", "edge", "uplink"})


class Section(BaseModel):
    """Base of every settings model. Fields that bear on safety have no default."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


S = TypeVar("S", bound=Section)


class TlsFiles(Section):
    """Where the certificates of one TLS endpoint lie."""

    ca: Path
    """PEM file with the certificates that peers must chain to."""
    certificate: Path
    """PEM file with our certificate, then its intermediates."""
    key: Path
    """PEM file with our private key, readable by this program's user only."""


class HttpListener(Section):
    """Where /healthz and /metrics are served."""

    host: str = "127.0.0.1"
    port: int = Field(ge=0, le=65535)
    """0: any free port."""


def load(
    path: Path, sections: Mapping[str, type[Section]], *, known: Collection[str] = STATION_FILE_SECTIONS
) -> dict[str, Any]:
    """The tables of `path` that are named in `sections`, validated.

    Args:
        path: A TOML file.
        sections: The model of each table to read; each table must be there.
        known: Tables of other programs, which are left alone. Any other table is refused.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or a table or key is missing, unknown or out of range;
            names the first such key and counts the others.
    """
    document = _read(path)
    unknown = sorted(set(document) - set(sections) - set(known))
    if unknown:
        expected = ", ".join(f"[{name}]" for name in sorted({*sections, *known}))
        raise ConfigError(f"{path}: {unknown[0]}", "is not a known table.", f"Expected are {expected}.")
    missing = sorted(set(sections) - set(document))
    if missing:
        raise ConfigError(f"{path}: {missing[0]}", "is missing.", f"Add the table [{missing[0]}].")
    return {name: _validate(path, name, document[name], model) for name, model in sections.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(str(path), f"cannot be read: {reason}.", "Give --config a readable file.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), "is not UTF-8 text.", "Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), f"is not TOML: {error}.", "Correct that line.") from error


def _validate(path: Path, table: str, content: Any, model: type[S]) -> S:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise _as_config_error(path, table, error) from error


_REMEDIES: Final = {
    "missing": "Add it; it has no default because only the installer knows it.",
    "extra_forbidden": "Remove it, or correct its spelling.",
}


def _as_config_error(path: Path, table: str, error: ValidationError) -> ConfigError:
    # A misspelt key is unknown and the right one missing: the first explains the second.
    first, *others = sorted(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    key = ".".join([table, *(str(part) for part in first["loc"])])
    why = {"missing": "is missing.", "extra_forbidden": "is not a known key."}.get(first["type"], f"{first['msg']}.")
    if first["type"] not in _REMEDIES and not isinstance(first["input"], dict | list):
        why = f"{first['input']!r}: {why}"
    remedy = _REMEDIES.get(first["type"], "Correct the value.")
    if others:
        remedy += f" ({len(others)} more to correct after this one.)"
    return ConfigError(f"{path}: {key}", why, remedy)
