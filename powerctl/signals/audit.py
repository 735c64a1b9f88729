"""One line in the log for every accepted write: who, in which role, by which certificate, what."""

from __future__ import annotations

from collections.abc import Sequence

from powerctl.runtime import log
from powerctl.signals.bank import Change
from powerctl.signals.grid_signal import Authority

_log = log.get(__name__)


def audit(changes: Sequence[Change], authority: Authority) -> None:
    """Put an accepted write on record."""
    _log.info(
        "modbus_write_accepted",
        channel=authority.channel.value,
        peer=authority.peer,
        role=authority.role,
        fingerprint=authority.fingerprint,
        values={change.field.path: change.value for change in changes},
    )
