"""What is said to people about stations, by code: English, which machines and logs get too, and what the page needs.

A sentence has places in braces. A value that begins with `@` is itself a code, one with `#` a number in English digits,
one with `=` text that follows; the page writes the first two as its language does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Final

LANGUAGES: Final = ("en", "fi")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence before it is said in a language."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)


def catalogue(language: str) -> dict[str, str]:
    """Sentences by code."""
    content: dict[str, str] = json.loads(resources.files(__package__).joinpath(f"{language}.json").read_text("utf-8"))
    return content


_ENGLISH: Final = catalogue("en")
_MARKS: Final = ("@", "#", "=")


def text(value: str) -> str:
    """A value that is said as it is, whatever it begins with."""
    return f"={value}" if value.startswith(_MARKS) else value


def known(code: str) -> bool:
    """True when the catalogue has a sentence for this code."""
    return code in _ENGLISH


def english(phrase: Phrase) -> str:
    """The sentence in English; places without a value are left out."""

    def value(place: re.Match[str]) -> str:
        given = phrase.values.get(place[1], "")
        return _ENGLISH.get(given[1:], given[1:]) if given.startswith(_MARKS) else given

    return re.sub(r"\{(\w+)\}", value, _ENGLISH[phrase.code]).strip()
