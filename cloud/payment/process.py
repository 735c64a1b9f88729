"""The charging process as a saga: one transaction decides, then the provider is asked, then one writes what it said.

A crash anywhere leaves a purchase whose state says what to do next, and whose `asked` says that the outcome of it is
to be looked up first.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from weakref import WeakValueDictionary

from cloud.domain.credit import Credit
from cloud.domain.money import Money
from cloud.domain.principal import Principal
from cloud.domain.purchase import (
    OPERATIONS,
    TOKEN_LIFE,
    TOKEN_LIVES,
    Event,
    Hold,
    Operation,
    Purchase,
    PurchaseState,
    asking,
    capture_amount,
    key,
    moved,
    refund_amount,
    told,
)
from cloud.domain.receipt import Receipt, cost_so_far
from cloud.domain.refusal import Refusal, Why
from cloud.domain.session import Session, SessionState
from cloud.payment.port import Order, OutcomeUnknown, PaymentPort, ProviderRefused, looks_like_card
from cloud.store import locations, purchases, sessions
from cloud.store.store import Store
from cloud.store.writing import Writing
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.runtime import log, metrics

LOOK_EVERY: Final = timedelta(seconds=1)
REVIEW_EVERY: Final = timedelta(minutes=1)
HOLD_MARGIN: Final = timedelta(days=1)
"""A doubtful session's hold is given up so long before the provider would drop it."""
STOP_MARGIN: Final = timedelta(seconds=90)
"""Charging is ended while what this much more costs still fits into the hold."""
KEEP_EVENTS: Final = timedelta(days=30)
_MOST_OPEN: Final = 5
_AT_ONCE: Final = 8

_log = log.get(__name__)
Place = tuple[StationId, ConnectorId]


@dataclass(slots=True)
class Payments:
    """Sells charging tokens, and brings every purchase to its end."""

    store: Store
    provider: PaymentPort
    token_key: bytes
    """Charging tokens follow from it and the purchase, so that a repeated request has the same answer."""
    new_id: Callable[[], str]
    """Makes a random id."""
    stop: Callable[[SessionId], Awaitable[object]] | None = None
    """Ends a session whose hold is used up."""
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def buy(self, place: Place, method: str, request_id: str, caller: Principal) -> tuple[Purchase, str]:
        """A purchase that is authorised, and its charging token.

        Raises:
            Refusal: The card is declined, the provider does not answer, or the request id is not a new one.
        """
        if looks_like_card(method) or not 3 <= len(method) <= 100:
            raise Refusal(Why.INVALID_ARGUMENT, "payment_method is the provider's token for a card, never its number.")
        async with self.store.write() as writing:
            purchase = await self._purchase(writing, place, method, request_id, caller)
        if purchase.state is PurchaseState.AUTHORISING:
            purchase = await self.advance(purchase.id)
        if purchase.state is PurchaseState.AUTHORISING:
            raise Refusal(Why.UNAVAILABLE, "The payment is not confirmed yet. Ask again with the same request_id.")
        if purchase.state not in TOKEN_LIVES:
            why = purchase.detail or "This payment is over. Pay again with a new request_id."
            raise Refusal(Why.FAILED_PRECONDITION, why)
        return purchase, self._token(purchase)

    async def _purchase(
        self, writing: Writing, place: Place, method: str, request_id: str, caller: Principal
    ) -> Purchase:
        request = f"buy {place[0]} {place[1]} {hashlib.sha256(method.encode()).hexdigest()[:32]}"
        if (known := await purchases.asked(writing.connection, caller.user, request_id)) is not None:
            if known[1] != request:
                raise Refusal(Why.ALREADY_EXISTS, "This request_id was used for another request; make a new one.")
            return known[0]
        station = await locations.load(writing.connection, place[0])
        if station is None or station.connector(place[1]) is None:
            raise Refusal(Why.NOT_FOUND, "There is no such connector.")
        if await purchases.open_of(writing.connection, caller.user) >= _MOST_OPEN:
            raise Refusal(Why.RESOURCE_EXHAUSTED, "Too many payments are open. Finish one first.")
        tariff, now = self.store.tariff, writing.now
        purchase = Purchase(
            id=self.new_id(),
            user=caller.user,
            station=place[0],
            connector=place[1],
            method=method,
            hold=Money(tariff.currency, tariff.preauthorize_amount),
            create_time=now,
            token_expire_time=now + TOKEN_LIFE,
            due_time=now + LOOK_EVERY,
        )
        await purchases.add(writing.connection, purchase, request_id, request, self._token(purchase))
        return purchase

    async def bind(self, writing: Writing, token: str, session: SessionId, place: Place, caller: Principal) -> None:
        """Let `token` start `session`, as part of the transaction that starts it.

        Raises:
            Refusal: PERMISSION_DENIED: it may not.
        """
        purchase = await purchases.use_token(writing.connection, token, caller.user, place, writing.now)
        after = replace(moved(purchase, Event.USED, writing.now), session=session)
        await purchases.save(writing.connection, after)
        await purchases.mark_used(writing.connection, after, session)

    async def give_back(self, writing: Writing, receipt: Receipt, credit: Credit) -> None:
        """Have what a credit says refunded, as part of the transaction that writes the credit.

        Raises:
            Refusal: FAILED_PRECONDITION: the payment is not at rest.
        """
        purchase = await purchases.of_session(writing.connection, receipt.session)
        if purchase is None or purchase.state in (PurchaseState.RELEASED, PurchaseState.UNPAID):
            return
        if purchase.state is not PurchaseState.CLOSED or purchase.amount is None:
            raise Refusal(Why.FAILED_PRECONDITION, "The payment of this receipt is not settled yet. Try again later.")
        captured = capture_amount(purchase).amount
        wanted = replace(purchase, refund=min(captured, purchase.refund - credit.total.amount))
        await purchases.save(writing.connection, moved(wanted, Event.CREDITED, writing.now))

    async def release(self, session: SessionId) -> None:
        """Let the hold of a doubtful session go, by an operator's decision.

        Raises:
            Refusal: FAILED_PRECONDITION: it is not in review.
        """
        async with self.store.write() as writing:
            purchase = await purchases.of_session(writing.connection, session)
            if purchase is None or purchase.state is not PurchaseState.REVIEW:
                raise Refusal(Why.FAILED_PRECONDITION, "The payment of this session is not in review.")
            await purchases.save(writing.connection, moved(purchase, Event.GIVEN_UP, writing.now))

    async def hear(self, event: str, reference: str) -> bool:
        """Take a webhook: the worker then asks the provider. False: it came before."""
        async with self.store.write() as writing:
            if not await purchases.take_event(writing.connection, event, writing.now):
                return False
            await purchases.wake(writing.connection, reference, writing.now)
        return True

    async def tick(self) -> None:
        """Bring every purchase that is due one step further."""
        async with self.store.database.read() as connection:
            due = await purchases.due(connection, self.store.clock.utc())
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(purchase: str) -> None:
            async with room:
                await self.advance(purchase)

        await asyncio.gather(*(one(purchase) for purchase in due))

    async def forget(self) -> None:
        """Delete what has had its time."""
        async with self.store.database.write() as connection:
            now = self.store.clock.utc()
            await purchases.forget(connection, now, now - KEEP_EVENTS)

    async def advance(self, name: str) -> Purchase:
        """One step of a purchase; returns it as it is afterwards."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            purchase, was_asked = await self._decide(name)
            if purchase.state not in OPERATIONS:
                return purchase
            try:
                hold = await self._ask(purchase, was_asked)
            except OutcomeUnknown as error:
                _log.warning("payment_outcome_unknown", purchase=name, state=purchase.state.value, reason=str(error))
                metrics.counter("cloud_payment_operations_total").labels(OPERATIONS[purchase.state], "unknown").inc()
                return purchase
            except ProviderRefused as error:
                return await self._refused(purchase, str(error))
            return await self._write(purchase, hold)

    async def _decide(self, name: str) -> tuple[Purchase, bool]:
        """The purchase, written as asked when its state wants the provider; and whether it was asked before."""
        exhausted: SessionId | None = None
        async with self.store.write() as writing:
            purchase = await purchases.load(writing.connection, name)
            if purchase is None:
                raise LookupError(f"there is no purchase {name}")
            if purchase.state not in OPERATIONS:
                purchase, exhausted = await self._judge(writing, purchase)
            was_asked = purchase.asked
            if purchase.state in OPERATIONS:
                purchase = asking(purchase, writing.now)
            await purchases.save(writing.connection, purchase)
        if exhausted is not None and self.stop is not None:
            await self.stop(exhausted)
        return purchase, was_asked

    async def _judge(self, writing: Writing, purchase: Purchase) -> tuple[Purchase, SessionId | None]:
        """What session and clock mean for the purchase, and the session whose hold is used up."""
        now, session = writing.now, None
        if purchase.session is not None:
            session = await sessions.load(writing.connection, purchase.session)
        if session is None:
            expired = purchase.state is PurchaseState.AUTHORISED and now >= purchase.token_expire_time
            after = moved(purchase, Event.EXPIRED, now) if expired else purchase
            return _scheduled(after, purchase, purchase.token_expire_time), None
        receipt = await sessions.load_receipt(writing.connection, session.receipt) if session.receipt else None
        after = _with_session(purchase, session, receipt, now)
        charging = after.state is PurchaseState.CHARGING
        wait = LOOK_EVERY if charging else REVIEW_EVERY
        used_up = charging and self._used_up(after, session)
        return _scheduled(after, purchase, now + wait), session.id if used_up else None

    def _used_up(self, purchase: Purchase, session: Session) -> bool:
        if session.state is not SessionState.ACTIVE:
            return False
        more = int(session.rated.w * STOP_MARGIN.total_seconds() / 3600) if session.rated is not None else 0
        soon = replace(session, live_energy_wh=session.live_energy_wh + more)
        cost = cost_so_far(soon, self.store.clock.utc() + STOP_MARGIN)
        return cost is not None and cost.total.amount >= purchase.hold.amount

    async def _ask(self, purchase: Purchase, was_asked: bool) -> Hold | None:
        if was_asked:
            return await self.provider.look_up(purchase.id, purchase.hold_id)
        match OPERATIONS[purchase.state]:
            case Operation.AUTHORISE:
                order = Order(purchase.id, purchase.hold, purchase.method, f"Charging at {purchase.station}")
                return await self.provider.authorise(order, key(purchase))
            case Operation.CAPTURE:
                return await self.provider.capture(purchase.hold_id, capture_amount(purchase), key(purchase))
            case Operation.RELEASE:
                return await self.provider.release(purchase.hold_id, key(purchase))
            case Operation.REFUND:
                return await self.provider.refund(purchase.hold_id, refund_amount(purchase), key(purchase))

    async def _refused(self, purchase: Purchase, reason: str) -> Purchase:
        """A hold that is refused is declined; anything else is looked up, for it may have been done already."""
        _log.error("payment_refused", purchase=purchase.id, state=purchase.state.value, reason=reason)
        metrics.counter("cloud_payment_operations_total").labels(OPERATIONS[purchase.state], "refused").inc()
        if purchase.state is not PurchaseState.AUTHORISING:
            return purchase
        declined = replace(purchase, detail="The payment provider does not accept this payment method.")
        async with self.store.write() as writing:
            after = moved(declined, Event.DECLINED, writing.now)
            await purchases.save(writing.connection, after)
        return after

    async def _write(self, purchase: Purchase, hold: Hold | None) -> Purchase:
        async with self.store.write() as writing:
            present = await purchases.load(writing.connection, purchase.id)
            if present is None or (present.state, present.group) != (purchase.state, purchase.group):
                return present or purchase
            after = told(present, hold, writing.now)
            await purchases.save(writing.connection, after)
        if after.state is not purchase.state:
            metrics.counter("cloud_payment_operations_total").labels(OPERATIONS[purchase.state], "done").inc()
            _log.info("purchase_state_changed", purchase=after.id, before=purchase.state.value, after=after.state.value)
        if after.state is PurchaseState.CLOSED and after.shortfall is not None:
            _log.error("receipt_not_covered", purchase=after.id, receipt=after.receipt, amount=after.shortfall.amount)
        return after

    def _token(self, purchase: Purchase) -> str:
        digest = hmac.new(self.token_key, purchase.id.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def _with_session(purchase: Purchase, session: Session, receipt: Receipt | None, now: datetime) -> Purchase:
    """The purchase as its session wants it."""
    if receipt is not None:
        priced = replace(purchase, receipt=receipt.id, amount=receipt.total)
        return moved(priced, Event.RECEIPTED if receipt.total.amount > Decimal(0) else Event.FREE, now)
    if session.state is SessionState.NEEDS_REVIEW:
        ends = purchase.hold_expire_time is not None and now >= purchase.hold_expire_time - HOLD_MARGIN
        doubtful = moved(purchase, Event.DOUBTFUL, now)
        return moved(doubtful, Event.GIVEN_UP, now) if ends else doubtful
    failed = session.state is SessionState.OPEN and session.asked is None
    if failed or session.state is SessionState.CLOSED:
        return moved(purchase, Event.NOT_STARTED, now)
    return purchase


def _scheduled(after: Purchase, before: Purchase, due: datetime) -> Purchase:
    """The purchase, to be looked at again at `due` when nothing has changed."""
    return replace(after, due_time=due) if after.state is before.state and after.open else after
