"""The paid side of a charging process: a hold on the driver's card, a token, a session, a capture.

`RULES` is the whole process. What is done at a payment provider follows from the state alone, so that it can be done
again after a crash; an outcome that is not known is asked for, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from cloud.domain.money import Money
from powerctl.core.ids import ConnectorId, SessionId, StationId

TOKEN_LIFE: Final = timedelta(minutes=15)
"""How long a charging token waits for its start."""
SETTLING: Final = timedelta(minutes=2)
"""A provider's search may not show yet what was done less than this ago."""
_LONGEST_WAIT_S: Final = 300.0


class PurchaseState(StrEnum):
    """Where a purchase is."""

    AUTHORISING = "authorising"
    """A hold was asked for."""
    AUTHORISED = "authorised"
    """The hold is there and the token waits for its start."""
    CHARGING = "charging"
    REVIEW = "review"
    """The session is doubtful: a person looks, and nothing is captured before."""
    CAPTURING = "capturing"
    VOIDING = "voiding"
    REFUNDING = "refunding"
    CLOSED = "closed"
    """Captured."""
    RELEASED = "released"
    """Nothing was captured."""
    DECLINED = "declined"
    UNPAID = "unpaid"
    """The hold was gone before it could be captured; an operator's matter."""


class Event(StrEnum):
    """What selects a row of the table."""

    HELD = "held"
    DECLINED = "declined"
    USED = "used"
    """The token has started a session."""
    EXPIRED = "expired"
    """Nobody used the token in time."""
    NOT_STARTED = "not_started"
    RECEIPTED = "receipted"
    FREE = "free"
    """The receipt is about nothing."""
    DOUBTFUL = "doubtful"
    GIVEN_UP = "given_up"
    """An operator, or the end of the hold, decides that nothing is captured."""
    CAPTURED = "captured"
    VOIDED = "voided"
    HOLD_GONE = "hold_gone"
    CREDITED = "credited"
    REFUNDED = "refunded"


class Operation(StrEnum):
    """What a provider is asked to do."""

    AUTHORISE = "authorise"
    CAPTURE = "capture"
    RELEASE = "release"
    REFUND = "refund"


class HoldStatus(StrEnum):
    """What a provider knows about a hold."""

    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"
    """By us, or because it expired."""
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as the provider tells it."""

    id: str
    status: HoldStatus
    authorised: Money
    captured: Money
    refunded: Money
    expire_time: datetime | None = None
    detail: str = ""
    """Why it was declined, for the driver."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """Everything known about the paid side of one session."""

    id: str
    user: str
    station: StationId
    connector: ConnectorId
    method: str
    """The provider's name for the card or wallet; never its number."""
    hold: Money
    """What is held at most."""
    create_time: datetime
    token_expire_time: datetime
    state: PurchaseState = PurchaseState.AUTHORISING
    hold_id: str = ""
    """The provider's name of the hold. Empty: not known yet."""
    hold_expire_time: datetime | None = None
    session: SessionId | None = None
    receipt: str = ""
    amount: Money | None = None
    """To capture, and afterwards captured."""
    refund: Decimal = Decimal(0)
    """To be refunded in all, the present refund included."""
    refunded: Decimal = Decimal(0)
    """What the provider has confirmed of it."""
    asked: bool = False
    """True: the provider was asked for what the state wants, with an outcome that is not known yet."""
    group: int = 0
    """Counts decisions; a retry keeps the number and so the provider's idempotency key."""
    attempts: int = 0
    due_time: datetime | None = None
    """When the worker looks again. None: there is nothing to do."""
    ask_time: datetime | None = None
    """When the provider was first asked in this group."""
    detail: str = ""

    @property
    def open(self) -> bool:
        """True: money may still move."""
        return self.state not in FINAL

    @property
    def shortfall(self) -> Money | None:
        """What the session cost beyond the hold. None: nothing."""
        if self.amount is None or self.amount.amount <= self.hold.amount:
            return None
        return Money(self.hold.currency, self.amount.amount - self.hold.amount)


FINAL: Final = frozenset({PurchaseState.CLOSED, PurchaseState.RELEASED, PurchaseState.DECLINED, PurchaseState.UNPAID})
TOKEN_LIVES: Final = frozenset({PurchaseState.AUTHORISING, PurchaseState.AUTHORISED, PurchaseState.CHARGING})
"""In every other state the charging token is deleted."""

_S, _E = PurchaseState, Event
RULES: Final[Mapping[tuple[PurchaseState, Event], PurchaseState]] = {
    (_S.AUTHORISING, _E.HELD): _S.AUTHORISED,
    (_S.AUTHORISING, _E.DECLINED): _S.DECLINED,
    (_S.AUTHORISING, _E.HOLD_GONE): _S.RELEASED,
    (_S.AUTHORISED, _E.USED): _S.CHARGING,
    (_S.AUTHORISED, _E.EXPIRED): _S.VOIDING,
    (_S.CHARGING, _E.NOT_STARTED): _S.VOIDING,
    (_S.CHARGING, _E.RECEIPTED): _S.CAPTURING,
    (_S.CHARGING, _E.FREE): _S.VOIDING,
    (_S.CHARGING, _E.DOUBTFUL): _S.REVIEW,
    (_S.REVIEW, _E.RECEIPTED): _S.CAPTURING,
    (_S.REVIEW, _E.FREE): _S.VOIDING,
    (_S.REVIEW, _E.NOT_STARTED): _S.VOIDING,
    (_S.REVIEW, _E.GIVEN_UP): _S.VOIDING,
    (_S.CAPTURING, _E.CAPTURED): _S.CLOSED,
    (_S.CAPTURING, _E.HOLD_GONE): _S.UNPAID,
    (_S.VOIDING, _E.VOIDED): _S.RELEASED,
    (_S.CLOSED, _E.CREDITED): _S.REFUNDING,
    (_S.REFUNDING, _E.REFUNDED): _S.CLOSED,
}
"""A pair without a row changes nothing."""

OPERATIONS: Final[Mapping[PurchaseState, Operation]] = {
    _S.AUTHORISING: Operation.AUTHORISE,
    _S.CAPTURING: Operation.CAPTURE,
    _S.VOIDING: Operation.RELEASE,
    _S.REFUNDING: Operation.REFUND,
}
"""What a state wants of the provider; the others wait for people, stations or the clock."""


def moved(purchase: Purchase, event: Event, now: datetime) -> Purchase:
    """The purchase after `event`; when its new state wants something of the provider, that is due now."""
    to = RULES.get((purchase.state, event))
    if to is None:
        return purchase
    wants = to in OPERATIONS or to not in FINAL
    due = now if wants else None
    return replace(purchase, state=to, asked=False, attempts=0, group=purchase.group + 1, due_time=due, ask_time=None)


def key(purchase: Purchase) -> str:
    """The provider's idempotency key of what the state wants."""
    return f"{purchase.id}:{OPERATIONS[purchase.state]}:{purchase.group}"


def asking(purchase: Purchase, now: datetime) -> Purchase:
    """The purchase to be written before the provider is asked: a crash in between leaves the outcome unknown.

    A driver who asks again before it is due puts nothing off: what is due is looked at when it was to be.
    """
    if purchase.ask_time is not None and purchase.due_time is not None and now < purchase.due_time:
        return replace(purchase, asked=True)
    wait = min(_LONGEST_WAIT_S, 2.0 ** min(purchase.attempts, 10))
    due = now + timedelta(seconds=wait)
    first = purchase.ask_time or now
    return replace(purchase, asked=True, attempts=purchase.attempts + 1, due_time=due, ask_time=first)


def told(purchase: Purchase, hold: Hold | None, now: datetime) -> Purchase:
    """The purchase once the provider has said what it knows. None: it knows of no hold."""
    if hold is None:
        return _ask_anew(purchase, now)
    known = replace(purchase, hold_id=hold.id, hold_expire_time=hold.expire_time or purchase.hold_expire_time)
    event = _meaning(known, hold)
    if event is None:
        return _ask_anew(known, now)
    known = replace(known, detail=hold.detail or known.detail, refunded=hold.refunded.amount)
    return moved(known, event, now)


def refund_amount(purchase: Purchase) -> Money:
    """What is still to be given back."""
    return Money(purchase.hold.currency, purchase.refund - purchase.refunded)


def capture_amount(purchase: Purchase) -> Money:
    """What is captured: the receipt's total, and never more than was held.

    Raises:
        ValueError: There is no receipt.
    """
    if purchase.amount is None:
        raise ValueError(f"purchase {purchase.id} has no amount")
    return min(purchase.amount, purchase.hold, key=lambda money: money.amount)


def _meaning(purchase: Purchase, hold: Hold) -> Event | None:
    """What the provider's word means in this state. None: what was asked for has not happened."""
    return (
        _MEANINGS.get((purchase.state, hold.status)) if purchase.state is not _S.REFUNDING else _refund(purchase, hold)
    )


def _refund(purchase: Purchase, hold: Hold) -> Event | None:
    return Event.REFUNDED if hold.refunded.amount >= purchase.refund else None


_MEANINGS: Final[Mapping[tuple[PurchaseState, HoldStatus], Event]] = {
    (_S.AUTHORISING, HoldStatus.HELD): _E.HELD,
    (_S.AUTHORISING, HoldStatus.DECLINED): _E.DECLINED,
    (_S.AUTHORISING, HoldStatus.RELEASED): _E.HOLD_GONE,
    (_S.CAPTURING, HoldStatus.CAPTURED): _E.CAPTURED,
    (_S.CAPTURING, HoldStatus.RELEASED): _E.HOLD_GONE,
    (_S.CAPTURING, HoldStatus.DECLINED): _E.HOLD_GONE,
    (_S.VOIDING, HoldStatus.RELEASED): _E.VOIDED,
    (_S.VOIDING, HoldStatus.DECLINED): _E.VOIDED,
}


def _ask_anew(purchase: Purchase, now: datetime) -> Purchase:
    """The same operation again; as a new decision only once the provider must know of the old one."""
    settled = purchase.ask_time is not None and now - purchase.ask_time >= SETTLING
    # A second capture or release of one hold is refused; a second hold or refund is not, so those wait for the first.
    seen = settled or purchase.state in (_S.CAPTURING, _S.VOIDING)
    group = purchase.group + 1 if seen else purchase.group
    due = now if settled else purchase.due_time
    return replace(purchase, asked=False, group=group, ask_time=None if seen else purchase.ask_time, due_time=due)
