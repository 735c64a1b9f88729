"""What a second person must approve before it is done, and who may. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from cloud.domain.policy import POLICY, reads_all_deeds
from cloud.domain.principal import Principal, Role
from cloud.domain.refusal import Refusal, Why

WITHIN: Final = timedelta(days=1)
"""What one person gives back, and whom they cap, within so long counts together: parts do not pass where the whole
would not."""
MOST_PENDING: Final = 100
"""Of one person at once."""
LONGEST_DETAIL: Final = 500


class Required(StrEnum):
    """When a second person must approve."""

    WHERE_POSSIBLE = "where_possible"
    """As soon as there is somebody else who may do the same."""
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Rules:
    """What needs a second person."""

    required: Required = Required.WHERE_POSSIBLE
    refund_above: Decimal = Decimal(100)
    """Of one person within `WITHIN`, in the currency of the receipts."""
    fleet_share: float = 0.05
    """Of all stations, that one person dispatches to within `WITHIN`."""
    life: timedelta = timedelta(hours=24)
    """In which somebody must decide."""

    def too_many(self, stations: int, of: int) -> bool:
        """True when a dispatch to `stations` out of `of` is one to the fleet. One station alone never is."""
        return stations > 1 and stations > self.fleet_share * of


class ApprovalState(StrEnum):
    """Where an approval is."""

    PENDING = "pending"
    APPROVED = "approved"
    """What was asked is being done."""
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Approval:
    """What somebody has asked for, and what became of it."""

    id: str
    requester: Principal
    method: str
    """Full name."""
    summary: str
    """For a person."""
    create_time: datetime
    expire_time: datetime
    state: ApprovalState = ApprovalState.PENDING
    decided_by: str = ""
    decide_time: datetime | None = None
    detail: str = ""

    def state_at(self, now: datetime) -> ApprovalState:
        """Where it is at `now`."""
        over = self.state is ApprovalState.PENDING and now >= self.expire_time
        return ApprovalState.EXPIRED if over else self.state

    def is_decided_by(self, who: Principal, now: datetime) -> bool:
        """True when `who` may approve it at `now`."""
        pending = self.state_at(now) is ApprovalState.PENDING
        return pending and who.user != self.requester.user and who.role in may_approve(self.method)


def may_approve(method: str) -> Collection[Role]:
    """Roles of those who may approve a call of `method`: who could have made it."""
    return POLICY[method]


def may_see(method: str, who: Principal) -> bool:
    """True when `who` may know which calls of `method` wait."""
    return reads_all_deeds(who) or who.role in may_approve(method)


def require_decidable(approval: Approval, who: Principal, now: datetime, *, approve: bool) -> None:
    """Return when `who` may approve or reject it now. Raises Refusal."""
    state = approval.state_at(now)
    if state is not ApprovalState.PENDING:
        raise Refusal(Why.FAILED_PRECONDITION, f"Nothing is left to decide: it is {state.value}.")
    if who.role not in may_approve(approval.method):
        raise Refusal(Why.PERMISSION_DENIED, "Only who might have asked for it may decide.")
    if approve and who.user == approval.requester.user:
        raise Refusal(Why.PERMISSION_DENIED, "Somebody else must approve what you have asked for.")
