"""The services, put together: the one table that both listeners serve."""

from __future__ import annotations

from cloud.api.audit import AuditService, Ledger
from cloud.api.charging import Charging
from cloud.api.encode import Encoder
from cloud.api.identity import IdentityService
from cloud.api.location import LocationService
from cloud.api.method import Methods, methods_of
from cloud.api.receipt import ReceiptService
from cloud.api.session import SessionService
from cloud.api.sign_in import SignIns
from cloud.api.station_identity import StationIdentityService
from cloud.api.user import UserService
from cloud.api.watch import WatchService
from cloud.ca.registrar import Registrar
from cloud.store.store import Store
from powerctl.v1 import (
    audit_pb2,
    identity_pb2,
    location_pb2,
    receipt_pb2,
    session_pb2,
    station_identity_pb2,
    user_pb2,
    watch_pb2,
)


def methods(
    store: Store,
    charging: Charging,
    sign_ins: SignIns,
    encoder: Encoder,
    *,
    demo: bool,
    registrar: Registrar | None = None,
) -> Methods:
    """Every method of the API by its full name."""
    served = (
        (location_pb2, "LocationService", LocationService(store, encoder)),
        (session_pb2, "SessionService", SessionService(store, charging, encoder)),
        (receipt_pb2, "ReceiptService", ReceiptService(store)),
        (watch_pb2, "WatchService", WatchService(store, encoder)),
        (identity_pb2, "IdentityService", IdentityService(sign_ins, demo)),
        (user_pb2, "UserService", UserService(store, sign_ins)),
        (audit_pb2, "AuditService", AuditService(store, sign_ins.tokens)),
        (
            station_identity_pb2,
            "StationIdentityService",
            StationIdentityService(store, sign_ins.tokens, registrar),
        ),
    )
    table: Methods = {}
    ledger = Ledger(store)
    for module, name, servicer in served:
        table |= methods_of(module.DESCRIPTOR.services_by_name[name], servicer, ledger)
    return table
