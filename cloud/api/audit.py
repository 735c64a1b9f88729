"""AuditService: who did what; and the ledger into which every call that may change something is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from google.protobuf.message import Message

from cloud.api import paging
from cloud.api.call import Call
from cloud.api.tokens import Tokens
from cloud.domain.audit import OK, AuditEntry, Deed, Wanted
from cloud.domain.policy import reads_all_deeds
from cloud.domain.refusal import Refusal, Why
from cloud.ingest.ports import StoreUnavailable
from cloud.store import audit
from cloud.store.store import Store
from powerctl.runtime import log
from powerctl.v1 import audit_pb2 as pb
from powerctl.wire.common import time_from_wire, time_to_wire

ANCHOR_EVERY: Final = timedelta(days=1)
_NAMING: Final = ("name", "parent", "connector", "receipt", "location", "user_id", "user", "tariff")
"""Fields that say what a request is about."""
_LONGEST: Final = 120
_UNWRITTEN: Final = frozenset({Why.RESOURCE_EXHAUSTED, Why.UNAVAILABLE})
"""Refusals of which there may be very many, or for which there is no room."""

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Writes deeds into the audit log."""

    store: Store

    @asynccontextmanager
    async def entry(self, method: str, request: Message, call: Call) -> AsyncIterator[None]:
        """Exactly one entry for what happens in the block. What cannot be written down is not done.

        Raises:
            StoreUnavailable: There is no room for the entry.
        """
        principal = call.principal
        user, role = (principal.user, principal.role.value) if principal else ("", "")
        deed = Deed(user, role, method, resource_of(request), call.peer)
        try:
            with audit.asked(deed):
                yield
        except Refusal as refusal:
            await self._refused(deed, refusal)
            raise
        await self._write(deed, OK)

    async def _refused(self, deed: Deed, refusal: Refusal) -> None:
        if refusal.why in _UNWRITTEN:
            return
        try:
            await self._write(deed, refusal.why.value, refusal.message)
        except StoreUnavailable as error:
            # It was refused anyway; the caller learns why, the log that there was no room.
            _log.error("audit_not_written", method=deed.method, user=deed.user, reason=str(error))

    async def _write(self, deed: Deed, result: str, detail: str = "") -> None:
        if deed.written:
            return
        async with self.store.database.write() as connection:
            await audit.append(connection, deed, self.store.clock.utc(), result, detail)


def resource_of(request: Any) -> str:
    """What `request` is about. Empty: it does not say."""
    fields = request.DESCRIPTOR.fields_by_name
    for field in _NAMING:
        value = getattr(request, field) if field in fields else ""
        if isinstance(value, Message):
            value = resource_of(value)
        if value:
            return str(value)[:_LONGEST]
    return ""


@dataclass(frozen=True, slots=True)
class AuditService:
    """Reads the audit log."""

    store: Store
    tokens: Tokens

    async def list_audit_entries(self, request: pb.ListAuditEntriesRequest, call: Call) -> pb.ListAuditEntriesResponse:
        """Entries that fit, newest first."""
        before, size = paging.number_in(request.page_token), paging.page_size(request.page_size)
        caller = call.caller()
        own = request.own or not reads_all_deeds(caller)
        wanted = Wanted(
            request.user, request.method, request.resource, request.result, only_of=caller.user if own else None
        )
        times = (_bound(request, "start_time"), _bound(request, "end_time"))
        async with self.store.database.read() as connection:
            found, following = await audit.page(connection, before=before, size=size, wanted=wanted, times=times)
        return pb.ListAuditEntriesResponse(
            audit_entries=map(_encoded, found), next_page_token=paging.token_of(following)
        )

    async def verify_audit_log(self, request: pb.VerifyAuditLogRequest, call: Call) -> pb.VerifyAuditLogResponse:
        """Follows the chain, and compares it with what was signed."""
        found = await verify(self.store, self.tokens)
        return pb.VerifyAuditLogResponse(entries=found.entries, broken_entry=found.broken_entry, why=found.why)


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether the audit log is what was written."""

    entries: int
    broken_entry: int = 0
    """The first entry that does not hold. Zero: all hold."""
    why: str = ""


async def verify(store: Store, tokens: Tokens) -> Finding:
    """Follow the whole chain, and compare it with its signed ends."""
    async with store.database.read() as connection:
        anchors = await audit.anchors(connection)
        verdict = await audit.verify(connection, frozenset(anchors))
    if verdict.broken is not None:
        return Finding(verdict.entries, verdict.broken.number, verdict.broken.why)
    for number, token in anchors.items():
        digest = tokens.read_anchor(token, number)
        if digest is None:
            return Finding(verdict.entries, number, "the signature of this end of the chain is not ours")
        if verdict.digests.get(number) != digest:
            return Finding(verdict.entries, number, "this is not the entry that was signed as the chain's end")
    return Finding(verdict.entries)


async def anchor(store: Store, tokens: Tokens) -> bool:
    """Sign the chain's end, once a day. True: it was signed."""
    now = store.clock.utc()
    async with store.database.write() as connection:
        last = await audit.last_anchor(connection)
        head = await audit.end(connection)
        due = last is None or (now - last[1] >= ANCHOR_EVERY and head.number > last[0])
        if not due or head.number == 0:
            return False
        await audit.add_anchor(connection, head.number, tokens.anchor(head.number, head.digest), now)
    _log.info("audit_log_signed", entry=head.number, digest=head.digest)
    return True


def _bound(request: pb.ListAuditEntriesRequest, field: Literal["start_time", "end_time"]) -> datetime | None:
    return time_from_wire(getattr(request, field), field) if request.HasField(field) else None


def _encoded(value: AuditEntry) -> pb.AuditEntry:
    return pb.AuditEntry(
        name=f"auditEntries/{value.number}",
        time=time_to_wire(value.time),
        user=value.user,
        method=value.method,
        resource=value.resource,
        result=value.result,
        peer=value.peer,
        digest=value.digest,
    )
