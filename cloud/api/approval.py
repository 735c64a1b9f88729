"""ApprovalService: what waits for a second person, and that person's word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.api import names, paging
from cloud.api.call import Access, Call
from cloud.api.method import Method, Unary
from cloud.domain.approval import LONGEST_DETAIL, Approval, ApprovalState, may_see, require_decidable
from cloud.domain.policy import POLICY
from cloud.domain.principal import Principal
from cloud.domain.refusal import Refusal, Why
from cloud.store import approvals, people
from cloud.store.store import Store
from powerctl.runtime import log
from powerctl.v1 import approval_pb2 as pb
from powerctl.wire.common import EnumCodec, time_to_wire

STATE: Final = EnumCodec(ApprovalState, pb.ApprovalState, "APPROVAL_STATE")
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class ApprovalService:
    """Reads and decides approvals."""

    store: Store
    methods: Mapping[str, Method]
    """The table that this service is part of: what is approved is done by the method that was called."""

    async def get_approval(self, request: pb.GetApprovalRequest, call: Call) -> pb.Approval:
        """One approval."""
        async with self.store.database.read() as connection:
            found, _ = await _load(connection, request.name, call.caller())
        return self._encoded(found, call.caller())

    async def list_approvals(self, request: pb.ListApprovalsRequest, call: Call) -> pb.ListApprovalsResponse:
        """Approvals that the caller may know of, newest first."""
        before, size = paging.number_in(request.page_token), paging.page_size(request.page_size)
        caller = call.caller()
        async with self.store.database.read() as connection:
            found, following = await approvals.page(connection, methods=_seen(caller), before=before, size=size)
        encoded = [self._encoded(one, caller) for one in found]
        return pb.ListApprovalsResponse(approvals=encoded, next_page_token=paging.token_of(following))

    async def approve_approval(self, request: pb.ApproveApprovalRequest, call: Call) -> pb.Approval:
        """Does what was asked."""
        caller = call.caller()
        async with self.store.write() as writing:
            found, payload = await _load(writing.connection, request.name, caller)
            require_decidable(found, caller, writing.now, approve=True)
            approved = replace(found, state=ApprovalState.APPROVED, decided_by=caller.user, decide_time=writing.now)
            await approvals.save(writing.connection, approved)
        after = await self._done(approved, payload)
        async with self.store.database.write() as connection:
            await approvals.save(connection, after)
        return self._encoded(after, caller)

    async def reject_approval(self, request: pb.RejectApprovalRequest, call: Call) -> pb.Approval:
        """It will not be done."""
        if len(request.detail) > LONGEST_DETAIL:
            raise Refusal(Why.INVALID_ARGUMENT, f"detail has at most {LONGEST_DETAIL} characters.")
        caller = call.caller()
        async with self.store.write() as writing:
            found, _ = await _load(writing.connection, request.name, caller)
            require_decidable(found, caller, writing.now, approve=False)
            after = replace(
                found,
                state=ApprovalState.REJECTED,
                decided_by=caller.user,
                decide_time=writing.now,
                detail=request.detail,
            )
            await approvals.save(writing.connection, after)
        return self._encoded(after, caller)

    async def _done(self, approval: Approval, payload: bytes) -> Approval:
        """The approval after what was asked has been done, or refused."""
        method = self.methods[approval.method]
        assert isinstance(method, Unary)
        try:
            who = await self._still_entitled(approval)
            now = self.store.clock.utc()
            access = Access(who, f"approvals/{approval.id}", now, now, now)
            await method.handler(method.request.FromString(payload), Call(access, approved=True))
        except Refusal as refusal:
            after = replace(approval, state=ApprovalState.FAILED, detail=refusal.message)
        else:
            after = replace(approval, state=ApprovalState.DONE)
        _log.info(
            "approved_deed",
            approval=approval.id,
            method=approval.method,
            requester=approval.requester.user,
            approver=approval.decided_by,
            outcome=after.state.value,
        )
        return after

    async def _still_entitled(self, approval: Approval) -> Principal:
        """Who has asked, as they are now. Raises Refusal: they may not any more."""
        async with self.store.database.read() as connection:
            person = await people.load(connection, approval.requester.user)
        if person is None:
            return approval.requester
        if person.disabled or person.role not in POLICY[approval.method]:
            raise Refusal(Why.PERMISSION_DENIED, "Who has asked may not do this any more.")
        return person.principal

    def _encoded(self, value: Approval, caller: Principal) -> pb.Approval:
        now = self.store.clock.utc()
        message = pb.Approval(
            name=f"approvals/{value.id}",
            method=value.method,
            summary=value.summary,
            requester=f"users/{value.requester.user}",
            requester_display_name=value.requester.display_name,
            state=STATE.to_wire(value.state_at(now)),
            create_time=time_to_wire(value.create_time),
            expire_time=time_to_wire(value.expire_time),
            decided_by=value.decided_by,
            detail=value.detail,
            approvable=value.is_decided_by(caller, now),
        )
        if value.decide_time is not None:
            message.decide_time.CopyFrom(time_to_wire(value.decide_time))
        return message


async def _load(connection: AsyncConnection, name: str, who: Principal) -> tuple[Approval, bytes]:
    """The approval and its request. Raises Refusal: NOT_FOUND."""
    found = await approvals.load(connection, names.parse_one(name, "approvals"))
    if found is None or not may_see(found[0].method, who):
        raise Refusal(Why.NOT_FOUND, f"There is no {name}.")
    return found


def _seen(who: Principal) -> list[str]:
    """Methods whose approvals `who` may know of."""
    return [method for method in POLICY if may_see(method, who)]
