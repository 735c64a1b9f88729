"""Whether a session may be started or stopped now, and what the station is then told."""

from __future__ import annotations

from cloud.domain.location import Connector, Station
from cloud.domain.principal import Principal, Role
from cloud.domain.refusal import Refusal, Why
from cloud.domain.session import Session, SessionState
from powerctl.core.ids import SessionId
from powerctl.core.order import StartCharging, StopCharging
from powerctl.core.session import ConnectorState, StopReason


def require_plugged(station: Station, connector: Connector) -> SessionId:
    """The session that is plugged in.

    Raises:
        Refusal: FAILED_PRECONDITION: the station is offline, the connector is faulted or empty.
    """
    _require_online(station)
    if connector.state is ConnectorState.FAULTED:
        raise Refusal(Why.FAILED_PRECONDITION, f"This connector is out of order. {connector.detail}".strip())
    if connector.session is None:
        raise Refusal(Why.FAILED_PRECONDITION, "Plug the vehicle in first.")
    return connector.session


def start_action(session: Session) -> StartCharging:
    """The command that starts `session`.

    Raises:
        Refusal: FAILED_PRECONDITION: it is charging already, or over.
    """
    if session.over:
        raise Refusal(
            Why.FAILED_PRECONDITION, "This session has ended. Unplug the vehicle and plug it in again to charge again."
        )
    if session.state is not SessionState.OPEN:
        raise Refusal(Why.FAILED_PRECONDITION, "Charging has been started on this connector already.")
    return StartCharging(session.id, session.connector)


def stop_action(session: Session, station: Station, principal: Principal) -> StopCharging:
    """The command that ends `session`.

    Raises:
        Refusal: FAILED_PRECONDITION: nothing is charging, or the station is offline.
    """
    if session.over or session.state is SessionState.OPEN:
        raise Refusal(Why.FAILED_PRECONDITION, "This session is not charging.")
    if session.state is SessionState.STOPPING:
        raise Refusal(Why.FAILED_PRECONDITION, "Charging is being stopped already.")
    _require_online(station)
    own = session.driver == principal.user or principal.role is Role.DRIVER
    return StopCharging(session.id, session.connector, StopReason.DRIVER if own else StopReason.OPERATOR)


def stoppable(session: Session, principal: Principal) -> bool:
    """True when `principal` may stop the session now."""
    running = session.state in (SessionState.PENDING, SessionState.ACTIVE)
    return running and principal.owns_or_operates(session.driver)


def _require_online(station: Station) -> None:
    if not station.online:
        raise Refusal(
            Why.FAILED_PRECONDITION,
            "The station is offline: nothing can be started or stopped from here. Use the button at the station.",
        )
