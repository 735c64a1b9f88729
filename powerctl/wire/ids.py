"""Identifiers from a peer.

Every `*_from_wire` raises `RemoteError` on a text that is no identifier.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from powerctl.core.errors import RemoteError
from powerctl.core.ids import ConnectorId, SessionId

MAX_ID: Final = 64
"""Longest identifier, serial or version, in characters."""
MAX_CONNECTORS = 64
"""Most connectors that one station may report."""
REMEMBERED: Final = 20_000
"""Identifiers that are not looked at again: more than a cell's sessions of an hour. A refused one is not kept."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


@lru_cache(REMEMBERED)
def id_from_wire(text: str, what: str) -> str:
    """`text`, when it is an identifier: 1 to 64 letters, digits and `. _ : -`, starting with a letter or digit.

    Raises:
        RemoteError: It is not.
    """
    if not _ID.fullmatch(text):
        raise RemoteError(f"{what} {text[:MAX_ID]!r}: use 1 to {MAX_ID} letters, digits, dots, colons and hyphens")
    return text


def session_from_wire(text: str) -> SessionId:
    """`text` as a session id.

    Raises:
        RemoteError: It is empty or no identifier.
    """
    return SessionId(id_from_wire(text, "session"))


def connector_from_wire(number: int) -> ConnectorId:
    """`number` as a connector id.

    Raises:
        RemoteError: It is not between 1 and `MAX_CONNECTORS`.
    """
    if not 1 <= number <= MAX_CONNECTORS:
        raise RemoteError(f"connector {number}: must be 1 to {MAX_CONNECTORS}")
    return ConnectorId(number)
