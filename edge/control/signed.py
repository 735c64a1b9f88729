"""Signed records of the meters on their way to the cloud: kept on disk until the outbox has them, and after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from edge.control.parts import Signer
from edge.hardware.lem import MOST_OCMF
from powerctl.core.ids import SessionId
from powerctl.core.record import SignedMeterRecord
from powerctl.runtime import log
from powerctl.wire.signed import MOST_SIGNED

TOLD: Final = "told"
"""Folder of the records that the outbox has."""

_log = log.get(__name__)


def transaction_name(session: SessionId, began: datetime) -> str:
    """What a meter is told to call a transaction; its time of day tells those of one session apart."""
    return f"{session}-{began:%H%M%S}"


def session_of(transaction: str) -> SessionId:
    """The session of a transaction that `transaction_name` has named."""
    return SessionId(transaction.rpartition("-")[0])


class Signing:
    """One connector's transactions at its meter.

    Args:
        signer: The meter. None: it signs nothing.
    """

    def __init__(self, signer: Signer | None) -> None:
        self._signer = signer
        self._transaction: str | None = None

    def began(self, session: SessionId | None, now: datetime) -> None:
        """Current may flow."""
        if self._signer is not None and session is not None:
            self._transaction = transaction_name(session, now)
            self._signer.began(self._transaction)

    def ended(self) -> None:
        """No current flows any more."""
        if self._signer is not None and self._transaction is not None:
            self._signer.ended(self._transaction)
        self._transaction = None


class SignedRecords:
    """Enters what the meters have signed into the outbox, once each as far as a crash allows.

    Args:
        folder: Where the meters' drivers keep their records.
        record: Enters a record into the outbox; the result comes when it is durable.
    """

    def __init__(self, folder: Path, record: Callable[[SignedMeterRecord], asyncio.Future[None]]) -> None:
        self._folder = folder
        self._record = record
        self._loop = asyncio.get_running_loop()

    def recall(self) -> None:
        """Enter what the last run has left."""
        for path in sorted(self._folder.glob("*.ocmf")):
            if path.stat().st_size <= MOST_OCMF:
                self._tell(path.stem, path.read_bytes())

    def signed(self, transaction: str, content: bytes) -> None:
        """A driver has kept a record. Called from its thread."""
        self._loop.call_soon_threadsafe(self._tell, transaction, content)

    def _tell(self, transaction: str, content: bytes) -> None:
        if len(content) > MOST_SIGNED:
            _log.error("signed_record_too_long", transaction=transaction, bytes=len(content))
            return
        done = self._record(SignedMeterRecord(session_of(transaction), transaction, content))
        done.add_done_callback(lambda stored: self._stored(stored, transaction))

    def _stored(self, stored: asyncio.Future[None], transaction: str) -> None:
        if not stored.cancelled():
            self._loop.run_in_executor(None, self._put_away, transaction)

    def _put_away(self, transaction: str) -> None:
        try:
            (self._folder / TOLD).mkdir(exist_ok=True)
            (self._folder / f"{transaction}.ocmf").rename(self._folder / TOLD / f"{transaction}.ocmf")
        except OSError as error:
            _log.warning("signed_record_stays", transaction=transaction, reason=str(error))
