"""Who may call what. A method without a row cannot be served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cloud.domain.principal import Principal, Role
from cloud.domain.refusal import Refusal, Why

ANYONE: Final[frozenset[Role]] = frozenset()
"""Also people who have not signed in."""
_EVERYBODY: Final = frozenset(Role)
_DRIVING: Final = frozenset({Role.DRIVER, Role.OWNER, Role.OPERATOR})
"""Those who start and stop; whose sessions, the resource decides."""
_SESSIONS: Final = _DRIVING | {Role.OPERATOR_VIEW, Role.BILLING, Role.AUDITOR}
_RESERVATIONS: Final = _DRIVING | {Role.OPERATOR_VIEW, Role.UTILITY, Role.AUDITOR}
_BILLING: Final = frozenset({Role.BILLING, Role.OPERATOR})
_TARIFFS: Final = frozenset({Role.BILLING, Role.OPERATOR, Role.OPERATOR_VIEW, Role.AUDITOR})
_FLEET: Final = frozenset({Role.OWNER, Role.OPERATOR, Role.OPERATOR_VIEW})
"""Those who see how stations are; whose stations, the resource decides."""
_CONTROL: Final = frozenset({Role.OPERATOR})
_GRID: Final = frozenset({Role.UTILITY, Role.OPERATOR, Role.OPERATOR_VIEW, Role.AUDITOR})
_DISPATCH: Final = frozenset({Role.UTILITY})
_IDENTITIES: Final = frozenset({Role.ADMIN})
_AUDIT: Final = frozenset({Role.AUDITOR, Role.ADMIN})
_APPROVALS: Final = _BILLING | _DISPATCH
"""Those who may do what can need a second person."""
_DEEDS: Final = _AUDIT | {Role.OPERATOR, Role.BILLING, Role.UTILITY}
"""Those who see what they have done themselves; only `_AUDIT` sees others' deeds."""

POLICY: Final[Mapping[str, frozenset[Role]]] = {
    "/powerctl.v1.IdentityService/SignIn": ANYONE,
    "/powerctl.v1.IdentityService/SignInWithPassword": ANYONE,
    "/powerctl.v1.IdentityService/RefreshAccess": ANYONE,
    "/powerctl.v1.IdentityService/SignOut": _EVERYBODY,
    "/powerctl.v1.IdentityService/ChangePassword": _EVERYBODY,
    "/powerctl.v1.IdentityService/GetPrincipal": _EVERYBODY,
    "/powerctl.v1.LocationService/GetLocation": _EVERYBODY,
    "/powerctl.v1.LocationService/ListLocations": _EVERYBODY,
    "/powerctl.v1.SessionService/GetSession": _SESSIONS,
    "/powerctl.v1.SessionService/ListSessions": _SESSIONS,
    "/powerctl.v1.SessionService/StartSession": _DRIVING,
    "/powerctl.v1.SessionService/StopSession": _DRIVING,
    "/powerctl.v1.ReceiptService/GetReceipt": _SESSIONS,
    "/powerctl.v1.ReceiptService/ListReceipts": _SESSIONS,
    "/powerctl.v1.ReceiptService/DownloadReceipt": _SESSIONS,
    "/powerctl.v1.ReceiptService/ListCredits": _SESSIONS,
    "/powerctl.v1.ReceiptService/CreateCredit": _BILLING,
    "/powerctl.v1.PaymentService/GetPaymentOptions": _EVERYBODY,
    "/powerctl.v1.PaymentService/CreateChargingToken": _DRIVING,
    "/powerctl.v1.PaymentService/GetPayment": _SESSIONS,
    "/powerctl.v1.PaymentService/ReleasePayment": _BILLING,
    "/powerctl.v1.ReservationService/CreateReservation": _DRIVING,
    "/powerctl.v1.ReservationService/GetReservation": _RESERVATIONS,
    "/powerctl.v1.ReservationService/ListReservations": _RESERVATIONS,
    "/powerctl.v1.ReservationService/CancelReservation": _DRIVING,
    "/powerctl.v1.WatchService/Watch": _EVERYBODY,
    "/powerctl.v1.UserService/GetUser": _IDENTITIES,
    "/powerctl.v1.UserService/ListUsers": _IDENTITIES,
    "/powerctl.v1.UserService/CreateUser": _IDENTITIES,
    "/powerctl.v1.UserService/UpdateUser": _IDENTITIES,
    "/powerctl.v1.UserService/ResetCredentials": _IDENTITIES,
    "/powerctl.v1.StationIdentityService/CreateEnrolmentToken": _IDENTITIES,
    "/powerctl.v1.StationIdentityService/EnrolStation": ANYONE,
    "/powerctl.v1.StationIdentityService/RenewStationCertificate": ANYONE,
    "/powerctl.v1.StationIdentityService/ListStationCertificates": _IDENTITIES,
    "/powerctl.v1.StationIdentityService/RevokeStationCertificates": _IDENTITIES,
    "/powerctl.v1.DemoService/ListActs": _EVERYBODY,
    "/powerctl.v1.DemoService/PlayAct": _DRIVING,
    "/powerctl.v1.DemoService/ListMails": _EVERYBODY,
    "/powerctl.v1.AuditService/ListAuditEntries": _DEEDS,
    "/powerctl.v1.AuditService/VerifyAuditLog": _AUDIT,
    "/powerctl.v1.ApprovalService/GetApproval": _APPROVALS | _AUDIT,
    "/powerctl.v1.ApprovalService/ListApprovals": _APPROVALS | _AUDIT,
    "/powerctl.v1.ApprovalService/ApproveApproval": _APPROVALS,
    "/powerctl.v1.ApprovalService/RejectApproval": _APPROVALS,
    "/powerctl.v1.IdentityService/SignUp": ANYONE,
    "/powerctl.v1.IdentityService/SignInAsGuest": ANYONE,
    "/powerctl.v1.LocationService/EstimateCost": _EVERYBODY,
    "/powerctl.v1.PaymentService/GetPurchase": _SESSIONS,
    "/powerctl.v1.PaymentService/ListPurchases": _SESSIONS,
    "/powerctl.v1.NotificationService/GetNotificationSettings": _EVERYBODY,
    "/powerctl.v1.NotificationService/UpdateNotificationSettings": _EVERYBODY,
    "/powerctl.v1.NotificationService/CreatePushSubscription": _EVERYBODY,
    "/powerctl.v1.NotificationService/ListPushSubscriptions": _EVERYBODY,
    "/powerctl.v1.NotificationService/DeletePushSubscription": _EVERYBODY,
    "/powerctl.v1.TariffService/GetTariff": _TARIFFS,
    "/powerctl.v1.TariffService/ListTariffs": _TARIFFS,
    "/powerctl.v1.TariffService/CreateTariff": _BILLING,
    "/powerctl.v1.TariffService/UpdateTariff": _BILLING,
    "/powerctl.v1.TariffService/DeleteTariff": _BILLING,
    "/powerctl.v1.TariffService/PublishTariff": _BILLING,
    "/powerctl.v1.FleetService/GetStation": _FLEET,
    "/powerctl.v1.FleetService/ListStations": _FLEET,
    "/powerctl.v1.FleetService/GetFleetSummary": _FLEET,
    "/powerctl.v1.FleetService/ListStationEvents": _FLEET,
    "/powerctl.v1.FleetService/ListStationTelemetry": _FLEET,
    "/powerctl.v1.FleetService/ListStationDays": _FLEET,
    "/powerctl.v1.FleetService/ListAlarms": _FLEET,
    "/powerctl.v1.FleetService/GetRemoteCommand": _FLEET,
    "/powerctl.v1.FleetService/ListRemoteCommands": _FLEET,
    "/powerctl.v1.FleetService/GetConfiguration": _FLEET,
    "/powerctl.v1.FleetService/ListStationFiles": _FLEET,
    "/powerctl.v1.FleetService/DownloadStationFile": _FLEET,
    "/powerctl.v1.FleetService/AcknowledgeAlarm": _CONTROL,
    "/powerctl.v1.FleetService/CreateRemoteCommand": _CONTROL,
    "/powerctl.v1.FleetService/SetDesiredConfiguration": _CONTROL,
    "/powerctl.v1.UtilityService/ListFlexibility": _GRID,
    "/powerctl.v1.UtilityService/GetFleetCap": _GRID,
    "/powerctl.v1.UtilityService/ListFleetCaps": _GRID,
    "/powerctl.v1.UtilityService/ListGridEvents": _GRID,
    "/powerctl.v1.UtilityService/ExportGridEvents": _GRID,
    "/powerctl.v1.UtilityService/CreateFleetCap": _DISPATCH,
    "/powerctl.v1.UtilityService/CancelFleetCap": _DISPATCH,
}
"""Roles per method. Whose sessions and receipts a role sees is decided on the resource, not here."""
_READING: Final = ("Get", "List", "Watch", "Search", "Download", "Verify", "Estimate", "Export")


def admit(method: str, principal: Principal | None) -> None:
    """Return when `principal` may call `method`.

    Args:
        method: Full name, `/package.Service/Method`.
        principal: None: has not signed in.

    Raises:
        Refusal: UNAUTHENTICATED or PERMISSION_DENIED.
    """
    roles = POLICY.get(method)
    if roles is ANYONE:
        return
    if principal is None:
        raise Refusal(Why.UNAUTHENTICATED, "Sign in first.")
    if roles is None or principal.role not in roles:
        raise Refusal(Why.PERMISSION_DENIED, f"The role {principal.role} may not do this.")


def reads_all_deeds(principal: Principal) -> bool:
    """True when `principal` may read the audit log as a whole."""
    return principal.role in _AUDIT


def is_public(method: str) -> bool:
    """True when people who have not signed in may call `method`."""
    return POLICY.get(method) is ANYONE


def mutates(method: str) -> bool:
    """True when a call of `method` may change something. A name that does not say that it only reads counts so."""
    return not method.rpartition("/")[2].startswith(_READING)
