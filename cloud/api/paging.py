"""Page sizes and page tokens (AIP-158): sizes are coerced, tokens are opaque."""

from __future__ import annotations

import base64
import binascii

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


def _bad() -> Refusal:
    return Refusal(Why.INVALID_ARGUMENT, "page_token is not one that this service has given.")
