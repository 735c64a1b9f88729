"""PaymentService: paying before charging."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from cloud.api import names
from cloud.api.call import Call
from cloud.api.charging import require_request_id
from cloud.api.encode import money
from cloud.domain.money import Money
from cloud.domain.principal import Principal
from cloud.domain.purchase import Purchase, PurchaseState, capture_amount
from cloud.domain.refusal import Refusal, Why
from cloud.payment.process import Payments
from cloud.store import purchases
from cloud.store.store import Store
from powerctl.core.ids import SessionId
from powerctl.v1 import payment_pb2 as pb
from powerctl.wire.common import EnumCodec, time_to_wire

STATE: Final = EnumCodec(PurchaseState, pb.PaymentState, "PAYMENT_STATE")
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
        )

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


def _encoded(value: Purchase) -> pb.Payment:
    message = pb.Payment(
        name=f"{names.session_name(value.session)}/payment",
        state=STATE.to_wire(value.state),
        hold=money(value.hold),
        detail=value.detail,
    )
    if value.state in _CAPTURED and value.amount is not None:
        message.captured.CopyFrom(money(capture_amount(value)))
    if value.refunded:
        message.refunded.CopyFrom(money(Money(value.hold.currency, value.refunded)))
    return message
