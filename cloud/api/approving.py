"""Asks for a second person: what needs one is not done but waits, and who has asked is told so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.api.call import Call
from cloud.domain.approval import MOST_PENDING, Approval, Required, Rules, may_approve
from cloud.domain.refusal import Refusal, Why
from cloud.store import approvals, people
from cloud.store.store import Store
from powerctl.core.errors import PowerctlError

REASON: Final = "APPROVAL_REQUIRED"
_DEFAULT: Final = Rules()


class _Wanted(PowerctlError):
    """A second person must approve; undoes the transaction in which that came out."""


@dataclass(frozen=True, slots=True)
class Question:
    """One call that may need a second person."""

    rules: Rules
    method: str
    call: Call

    async def approved(self, connection: AsyncConnection, summary: str) -> None:
        """Return when it may be done; `summary` says for a person what that is."""
        if self.call.approved or self.rules.required is Required.NEVER:
            return
        always = self.rules.required is Required.ALWAYS
        roles = may_approve(self.method)
        if always or await people.is_there_another(connection, self.call.caller().user, roles):
            raise _Wanted(summary)


@dataclass(frozen=True, slots=True)
class Approving:
    """Keeps what waits."""

    store: Store
    rules: Rules = field(default=_DEFAULT)

    @asynccontextmanager
    async def of(self, method: str, request: Message, call: Call) -> AsyncIterator[Question]:
        """A call; what is found in the block to need a second person waits after it.

        Raises:
            Refusal: FAILED_PRECONDITION for the reason APPROVAL_REQUIRED: it waits. RESOURCE_EXHAUSTED: too much does.
        """
        try:
            yield Question(self.rules, method, call)
        except _Wanted as wanted:
            waiting = await self._kept(method, request, call, str(wanted))
            within = f"{self.rules.life.total_seconds() / 3600:g} hours"
            sentence = f"A second person must approve this within {within}. It waits as approvals/{waiting.id}."
            raise Refusal(Why.FAILED_PRECONDITION, sentence, reason=REASON) from wanted

    async def _kept(self, method: str, request: Message, call: Call, summary: str) -> Approval:
        payload, now = request.SerializeToString(deterministic=True), self.store.clock.utc()
        asker = call.caller()
        # Not the store's own transaction: that would write the deed down as done, and it was not.
        async with self.store.database.write() as connection:
            waiting = await approvals.pending(connection, asker.user, now)
            for one, before in waiting:
                if (one.method, before) == (method, payload):
                    return one
            if len(waiting) >= MOST_PENDING:
                raise Refusal(Why.RESOURCE_EXHAUSTED, "Too much of yours waits for a second person.")
            made = Approval(self.store.new_id(), asker, method, summary, now, now + self.rules.life)
            await approvals.add(connection, made, payload)
        return made
