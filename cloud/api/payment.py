"""PaymentService: paying before charging."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from cloud.api import names, paging
from cloud.api.call import Call
from cloud.api.charging import require_request_id
from cloud.api.encode import money
from cloud.domain.money import Money
from cloud.domain.principal import Principal
from cloud.domain.purchase import Purchase, PurchaseState, capture_amount
from cloud.domain.refusal import Refusal, Why
from cloud.payment.methods import KnownMethod, PaymentKind, kinds_of, known_methods_of
from cloud.payment.process import Payments
from cloud.store import purchases
from cloud.store.store import Store
from powerctl.core.ids import SessionId
from powerctl.v1 import payment_pb2 as pb
from powerctl.wire.common import EnumCodec, time_to_wire

STATE: Final = EnumCodec(PurchaseState, pb.PaymentState, "PAYMENT_STATE")
KIND: Final = EnumCodec(PaymentKind, pb.PaymentKind, "PAYMENT_KIND")
_TOKEN_WAITS: Final = frozenset({PurchaseState.AUTHORISING, PurchaseState.AUTHORISED})
_CAPTURED: Final = frozenset({PurchaseState.CLOSED, PurchaseState.REFUNDING})


@dataclass(frozen=True, slots=True)
class PaymentService:
    """Sells charging tokens."""

    store: Store
    payments: Payments | None
    """None: nobody needs to pay."""
    provider: str = ""
    publishable_key: str = ""

    async def get_payment_options(self, request: pb.GetPaymentOptionsRequest, call: Call) -> pb.PaymentOptions:
        """What a client needs to ask the provider for a payment method."""
        tariff = self.store.tariff
        hold = Money(tariff.currency, tariff.preauthorize_amount if self.payments else Decimal(0))
        return pb.PaymentOptions(
            required=self.payments is not None,
            provider=self.provider,
            publishable_key=self.publishable_key,
            hold=money(hold),
            kinds=map(KIND.to_wire, kinds_of(self.provider)),
            test_methods=map(_test_method, known_methods_of(self.provider)),
        )

    async def create_charging_token(self, request: pb.CreateChargingTokenRequest, call: Call) -> pb.ChargingToken:
        """Holds an amount, and returns a token that starts one session."""
        require_request_id(request.request_id)
        place = names.parse_connector(request.connector)
        purchase, token = await self._payments().buy(place, request.payment_method, request.request_id, call.caller())
        return pb.ChargingToken(
            token=token,
            connector=names.connector_name(*place),
            expire_time=time_to_wire(purchase.token_expire_time),
            hold=money(purchase.hold),
            purchase=names.purchase_name(purchase.id),
        )

    async def get_purchase(self, request: pb.GetPurchaseRequest, call: Call) -> pb.Purchase:
        """What a charging token was bought with; another driver's does not exist for the caller."""
        name = names.parse_purchase(request.name)
        async with self.store.database.read() as connection:
            found = await purchases.load(connection, name)
        if found is None or not call.caller().sees(found.user, found.station):
            raise Refusal(Why.NOT_FOUND, f"There is no purchase {request.name}.")
        return _purchase(found)

    async def list_purchases(self, request: pb.ListPurchasesRequest, call: Call) -> pb.ListPurchasesResponse:
        """Purchases, newest first, as far as the caller may see them."""
        before, size = paging.text_in(request.page_token), paging.page_size(request.page_size)
        async with self.store.database.read() as connection:
            found, following = await purchases.page(connection, user=_only(call.caller()), before=before, size=size)
        return pb.ListPurchasesResponse(purchases=map(_purchase, found), next_page_token=paging.token_of(following))

    async def get_payment(self, request: pb.GetPaymentRequest, call: Call) -> pb.Payment:
        """The payment of a session; another driver's does not exist for the caller."""
        return _encoded(await self._load(names.parse_payment(request.name), call.caller()))

    async def release_payment(self, request: pb.ReleasePaymentRequest, call: Call) -> pb.Payment:
        """Lets the hold of a session in review go."""
        session = names.parse_payment(request.name)
        await self._load(session, call.caller())
        await self._payments().release(session)
        return _encoded(await self._load(session, call.caller()))

    async def _load(self, session: SessionId, caller: Principal) -> Purchase:
        async with self.store.database.read() as connection:
            found = await purchases.of_session(connection, session)
        if found is None or not caller.sees(found.user, found.station):
            raise Refusal(Why.NOT_FOUND, "There is no such payment.")
        return found

    def _payments(self) -> Payments:
        if self.payments is None:
            raise Refusal(Why.FAILED_PRECONDITION, "Charging needs no payment here.")
        return self.payments


def _only(caller: Principal) -> str | None:
    """Whose purchases a list is about. None: everybody's."""
    return None if caller.sees_all else caller.user


def _test_method(value: KnownMethod) -> pb.TestPaymentMethod:
    return pb.TestPaymentMethod(
        payment_method=value.method, kind=KIND.to_wire(value.kind), display_name=value.name, outcome=value.outcome
    )


def _purchase(value: Purchase) -> pb.Purchase:
    message = pb.Purchase(
        name=names.purchase_name(value.id),
        connector=names.connector_name(value.station, value.connector),
        session=names.session_name(value.session),
        receipt=names.receipt_name(value.receipt),
        state=STATE.to_wire(value.state),
        hold=money(value.hold),
        detail=value.detail,
        create_time=time_to_wire(value.create_time),
    )
    if value.state in _TOKEN_WAITS:
        message.token_expire_time.CopyFrom(time_to_wire(value.token_expire_time))
    _set_moved(value, message)
    return message


def _encoded(value: Purchase) -> pb.Payment:
    message = pb.Payment(
        name=f"{names.session_name(value.session)}/payment",
        state=STATE.to_wire(value.state),
        hold=money(value.hold),
        detail=value.detail,
    )
    _set_moved(value, message)
    return message


def _set_moved(value: Purchase, message: pb.Payment | pb.Purchase) -> None:
    """What was captured and refunded, in messages that tell both."""
    if value.state in _CAPTURED and value.amount is not None:
        message.captured.CopyFrom(money(capture_amount(value)))
    if value.refunded:
        message.refunded.CopyFrom(money(Money(value.hold.currency, value.refunded)))
