"""The services, put together: the one table that both listeners serve."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

from cloud.api.approval import ApprovalService
from cloud.api.approving import Approving
from cloud.api.audit import AuditService, Ledger
from cloud.api.charging import Charging
from cloud.api.demo import DemoService
from cloud.api.encode import Encoder
from cloud.api.fleet import FleetService
from cloud.api.front_door import FrontDoor
from cloud.api.identity import IdentityService
from cloud.api.location import LocationService
from cloud.api.method import Methods, methods_of
from cloud.api.notification import NotificationService
from cloud.api.ordering import Ordering
from cloud.api.payment import PaymentService
from cloud.api.receipt import ReceiptService
from cloud.api.reservation import ReservationService
from cloud.api.reserving import Reserving
from cloud.api.session import SessionService
from cloud.api.sign_in import SignIns
from cloud.api.station_identity import StationIdentityService
from cloud.api.tariff import TariffService
from cloud.api.user import UserService
from cloud.api.utility import UtilityService
from cloud.api.watch import WatchService
from cloud.ca.registrar import Registrar
from cloud.domain.approval import Rules
from cloud.payment.process import Payments
from cloud.store.store import Store
from powerctl.v1 import (
    approval_pb2,
    audit_pb2,
    demo_pb2,
    fleet_pb2,
    identity_pb2,
    location_pb2,
    notification_pb2,
    payment_pb2,
    receipt_pb2,
    reservation_pb2,
    session_pb2,
    station_identity_pb2,
    tariff_pb2,
    user_pb2,
    utility_pb2,
    watch_pb2,
)


@dataclass(frozen=True, slots=True)
class MoneyMatters:
    """How charging is paid for here."""

    payments: Payments | None = None
    """None: nobody needs to pay."""
    provider: str = ""
    publishable_key: str = ""
    issuer: str = ""
    """Who sells, one line each."""


NO_MONEY: Final = MoneyMatters()
DEFAULT_RULES: Final = Rules()
"""Where nothing else is said about second persons."""


def methods(
    store: Store,
    charging: Charging,
    sign_ins: SignIns,
    encoder: Encoder,
    *,
    demo: bool,
    registrar: Registrar | None = None,
    money: MoneyMatters = NO_MONEY,
    open_door: bool = False,
    push_key: str = "",
    email: bool = False,
    director: Path | None = None,
    rules: Rules = DEFAULT_RULES,
) -> Methods:
    """Every method of the API by its full name."""
    table: Methods = {}
    approving = Approving(store, rules)
    ordering = Ordering(store, charging.publisher, charging.new_id)
    served: tuple[tuple[ModuleType, str, object], ...] = (
        (location_pb2, "LocationService", LocationService(store, encoder)),
        (session_pb2, "SessionService", SessionService(store, charging, encoder)),
        (receipt_pb2, "ReceiptService", ReceiptService(store, approving, money.payments, encoder.zone, money.issuer)),
        (payment_pb2, "PaymentService", PaymentService(store, money.payments, money.provider, money.publishable_key)),
        (reservation_pb2, "ReservationService", ReservationService(store, Reserving(ordering))),
        (watch_pb2, "WatchService", WatchService(store, encoder)),
        (identity_pb2, "IdentityService", IdentityService(sign_ins, FrontDoor(sign_ins, open_door), demo)),
        (
            notification_pb2,
            "NotificationService",
            NotificationService(store, sign_ins.tokens.sealer, push_key, email),
        ),
        (tariff_pb2, "TariffService", TariffService(store, approving)),
        (utility_pb2, "UtilityService", UtilityService(store, ordering, approving)),
        (approval_pb2, "ApprovalService", ApprovalService(store, table)),
        (fleet_pb2, "FleetService", FleetService(store, charging, ordering, encoder.zone)),
        (user_pb2, "UserService", UserService(store, sign_ins)),
        (audit_pb2, "AuditService", AuditService(store, sign_ins.tokens)),
        (demo_pb2, "DemoService", DemoService(director, store)),
        (
            station_identity_pb2,
            "StationIdentityService",
            StationIdentityService(store, sign_ins.tokens, registrar),
        ),
    )
    ledger = Ledger(store)
    for module, name, servicer in served:
        table |= methods_of(module.DESCRIPTOR.services_by_name[name], servicer, ledger)
    return table
