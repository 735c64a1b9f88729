"""Page sizes and page tokens (AIP-158): sizes are coerced, tokens are opaque."""

from __future__ import annotations

import base64
import binascii
import hashlib

from cloud.domain.refusal import Refusal, Why

DEFAULT_SIZE = 50
MAX_SIZE = 100


def page_size(asked: int) -> int:
    """The size of a page. Raises Refusal: INVALID_ARGUMENT: it is negative."""
    if asked < 0:
        raise Refusal(Why.INVALID_ARGUMENT, "page_size must not be negative.")
    return min(asked or DEFAULT_SIZE, MAX_SIZE)


def token_of(position: int | str | None) -> str:
    """The page token that continues at `position`. Empty: that was all."""
    return base64.urlsafe_b64encode(str(position).encode()).decode() if position else ""


def text_in(token: str) -> str:
    """The position in `token`; empty for the first page. Raises Refusal: INVALID_ARGUMENT."""
    try:
        return base64.urlsafe_b64decode(token.encode("ascii")).decode()
    except (binascii.Error, ValueError) as error:
        raise _bad() from error


def number_in(token: str) -> int | None:
    """The position in `token` as a number. None: the first page. Raises Refusal: INVALID_ARGUMENT."""
    text = text_in(token)
    if text and not (text.isascii() and text.isdigit() and len(text) < 19):
        raise _bad()
    return int(text) if text else None


def place_token(offset: int, *asked: str) -> str:
    """The page token that continues after so many, in an answer to just what was `asked`."""
    return token_of(f"{_fingerprint(asked)}.{offset}")


def place_in(token: str, *asked: str) -> int:
    """How many were shown before. Raises Refusal: INVALID_ARGUMENT: the token was given for another question."""
    digest, _, offset = text_in(token).rpartition(".")
    if not token:
        return 0
    if not (offset.isascii() and offset.isdigit() and len(offset) < 10):
        raise _bad()
    if digest != _fingerprint(asked):
        raise Refusal(Why.INVALID_ARGUMENT, "page_token is of another filter or order: begin with the first page.")
    return int(offset)


def _fingerprint(asked: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(asked).encode()).hexdigest()[:16]


def _bad() -> Refusal:
    return Refusal(Why.INVALID_ARGUMENT, "page_token is not one that this service has given.")
