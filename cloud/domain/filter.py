"""Filters (AIP-160) and orders (AIP-132) as text, read into values. Pure; which fields there are, others know.

    filter     = sequence {"AND" sequence} ;      sequence = either {either} ;
    either     = term {"OR" term} ;               term = ["NOT" | "-"] ("(" filter ")" | restriction) ;
    restriction = word [("=" | "!=" | ":" | "<" | "<=" | ">" | ">=") word]

Sources:
    google.aip.dev/160 (words side by side mean AND, OR binds closer than AND), google.aip.dev/132 (order_by).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from cloud.domain.refusal import Refusal, Why

LONGEST: Final = 500
"""Characters of a filter."""
DEEPEST: Final = 10
"""Brackets within brackets."""
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<bracket>[()])|(?P<op><=|>=|!=|=|<|>|:)|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<word>[^\s()<>=!:"]+))"""
)
_ORDER: Final = re.compile(r"\s*([a-z_]+)(?:\s+(asc|desc))?\s*")


@dataclass(frozen=True, slots=True)
class Word:
    """A bare word: in any of the fields that are searched."""

    text: str


@dataclass(frozen=True, slots=True)
class Compare:
    """A field compared with a value."""

    field: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: Filter


@dataclass(frozen=True, slots=True)
class Every:
    """All of them; of none: true."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of them."""

    parts: tuple[Filter, ...]


Filter = Word | Compare | Not | Every | Either


class Order(NamedTuple):
    """A field to sort by."""

    field: str
    down: bool


class _Token(NamedTuple):
    kind: str
    text: str
    at: int
    """Characters before it."""


def parse_filter(text: str) -> Filter:
    """What a filter asks for. Raises Refusal: INVALID_ARGUMENT: it is none, with where and why."""
    if len(text) > LONGEST:
        raise Refusal(Why.INVALID_ARGUMENT, f"filter: at most {LONGEST} characters.")
    reader = _Reader(_tokens(text), len(text))
    found = reader.every(0) if reader.left else Every(())
    if reader.left:
        raise reader.unexpected()
    return found


def parse_order(text: str) -> tuple[Order, ...]:
    """What to sort by, first things first. Raises Refusal: INVALID_ARGUMENT."""
    if not text.strip():
        return ()
    matches = [_ORDER.fullmatch(part) for part in text.split(",")]
    if len(text) > LONGEST or None in matches:
        raise Refusal(
            Why.INVALID_ARGUMENT, 'order_by: write field names with commas between, as in "name, power desc".'
        )
    return tuple(Order(match[1], match[2] == "desc") for match in matches if match)


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise Refusal(Why.INVALID_ARGUMENT, f"filter, character {at + 1}: {text[at]} cannot stand here.")
        kind = str(match.lastgroup)
        told = match[kind]
        value = re.sub(r"\\(.)", r"\1", told) if kind == "quoted" else told
        found.append(_Token(kind, value, match.start(kind)))
        at = match.end()
    return found


class _Reader:
    """Reads tokens from the left."""

    def __init__(self, tokens: list[_Token], length: int) -> None:
        self._tokens = tokens
        self._next = 0
        self._length = length

    @property
    def left(self) -> bool:
        return self._next < len(self._tokens)

    def every(self, depth: int) -> Filter:
        parts = [self._either(depth)]
        while self.left and self._token[:2] != ("bracket", ")"):
            self._takes("AND")
            parts.append(self._either(depth))
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _either(self, depth: int) -> Filter:
        parts = [self._term(depth)]
        while self._takes("OR"):
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _term(self, depth: int) -> Filter:
        if self._takes("NOT"):
            return Not(self._simple(depth))
        if self.left and self._token.kind == "word" and self._token.text.startswith("-"):
            one = self._token
            if one.text != "-":
                self._tokens[self._next] = one._replace(text=one.text[1:])
            else:
                self._next += 1
            return Not(self._simple(depth))
        return self._simple(depth)

    def _simple(self, depth: int) -> Filter:
        if not self.left:
            raise self.unexpected()
        if self._token[:2] == ("bracket", "("):
            return self._bracket(depth + 1)
        field = self._value()
        if not self.left or self._token.kind != "op":
            return Word(field)
        operator = self._token.text
        self._next += 1
        return Compare(field, operator, self._value())

    def _bracket(self, depth: int) -> Filter:
        if depth > DEEPEST:
            raise Refusal(Why.INVALID_ARGUMENT, f"filter: at most {DEEPEST} brackets within each other.")
        self._next += 1
        found = self.every(depth)
        if not self.left:
            raise self.unexpected()
        self._next += 1
        return found

    def _value(self) -> str:
        if not self.left or self._token.kind not in ("word", "quoted") or self._is_keyword(self._token):
            raise self.unexpected()
        self._next += 1
        return self._tokens[self._next - 1].text

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _takes(self, keyword: str) -> bool:
        if not self.left or self._token.kind != "word" or self._token.text != keyword:
            return False
        self._next += 1
        return True

    @staticmethod
    def _is_keyword(token: _Token) -> bool:
        return token.kind == "word" and token.text in ("AND", "OR", "NOT")

    def unexpected(self) -> Refusal:
        if not self.left:
            return Refusal(Why.INVALID_ARGUMENT, f"filter, character {self._length + 1}: something is missing here.")
        return Refusal(
            Why.INVALID_ARGUMENT, f"filter, character {self._token.at + 1}: {self._token.text} cannot stand here."
        )
