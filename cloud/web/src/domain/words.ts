/** The wire's enumerations as keys of the dictionary: one table per enumeration. */

import { ConnectorState, ConnectorType, LimitSource, StopReason } from "../gen/powerctl/v1/common_pb";
import { ReservationState } from "../gen/powerctl/v1/reservation_pb";
import { SessionState } from "../gen/powerctl/v1/session_pb";
import type { Key } from "../i18n";

const SOURCES = [
  "unknown",
  "hardware",
  "cable",
  "modules",
  "thermal",
  "vehicle",
  "share",
  "dso",
  "ems",
  "aggregator",
  "operator",
  "local_contact",
  "frequency",
  "schedule",
  "failsafe",
  "fallback",
  "ramp",
  "handover",
  "plan",
  "site_meter",
  "emergency",
  "fault",
] as const;

type SourceWord = (typeof SOURCES)[number];

function sourceWord(source: LimitSource): SourceWord {
  return SOURCES[source] ?? "unknown";
}

export function sourceKey(source: LimitSource): Key {
  return `source.${sourceWord(source)}`;
}

export function whyKey(source: LimitSource): Key {
  return `why.${sourceWord(source)}`;
}

/** What would have to happen for more power, where this source binds. */
export function changeKey(source: LimitSource): Key {
  return `change.${sourceWord(source)}`;
}

/** The stable code that operators quote, for example "DSO". */
export function sourceCode(source: LimitSource): string {
  return LimitSource[source] ?? String(source);
}

const STATES: Record<ConnectorState, Key> = {
  [ConnectorState.UNSPECIFIED]: "state.unknown",
  [ConnectorState.AVAILABLE]: "state.available",
  [ConnectorState.OCCUPIED]: "state.occupied",
  [ConnectorState.STARTING]: "state.starting",
  [ConnectorState.CHARGING]: "state.charging",
  [ConnectorState.PAUSED]: "state.paused",
  [ConnectorState.STOPPING]: "state.stopping",
  [ConnectorState.FINISHED]: "state.finished",
  [ConnectorState.FAULTED]: "state.faulted",
};

export function stateKey(state: ConnectorState): Key {
  return STATES[state] ?? "state.unknown";
}

const SESSION_STATES: Record<SessionState, Key> = {
  [SessionState.UNSPECIFIED]: "session.state.unknown",
  [SessionState.OPEN]: "session.state.open",
  [SessionState.PENDING]: "session.state.pending",
  [SessionState.ACTIVE]: "session.state.active",
  [SessionState.STOPPING]: "session.state.stopping",
  [SessionState.COMPLETED]: "session.state.completed",
  [SessionState.NEEDS_REVIEW]: "session.state.review",
  [SessionState.CLOSED]: "session.state.closed",
};

export function sessionStateKey(state: SessionState): Key {
  return SESSION_STATES[state] ?? "session.state.unknown";
}

const STOP_REASONS: Record<StopReason, Key> = {
  [StopReason.UNSPECIFIED]: "stopReason.unknown",
  [StopReason.DRIVER]: "stopReason.driver",
  [StopReason.OPERATOR]: "stopReason.operator",
  [StopReason.VEHICLE]: "stopReason.vehicle",
  [StopReason.UNPLUGGED]: "stopReason.unplugged",
  [StopReason.GRID]: "stopReason.grid",
  [StopReason.EMERGENCY]: "stopReason.emergency",
  [StopReason.FAULT]: "stopReason.fault",
  [StopReason.RESTART]: "stopReason.restart",
  [StopReason.TIME]: "stopReason.time",
};

export function stopReasonKey(reason: StopReason): Key {
  return STOP_REASONS[reason] ?? "stopReason.unknown";
}

const TYPES: Record<ConnectorType, Key> = {
  [ConnectorType.UNSPECIFIED]: "connector.type.unknown",
  [ConnectorType.CHADEMO]: "connector.type.chademo",
  [ConnectorType.CCS2]: "connector.type.ccs2",
};

export function typeKey(type: ConnectorType): Key {
  return TYPES[type] ?? "connector.type.unknown";
}

const RESERVATION_STATES: Record<ReservationState, Key> = {
  [ReservationState.UNSPECIFIED]: "reservation.state.unknown",
  [ReservationState.RESERVED]: "reservation.state.reserved",
  [ReservationState.FULFILLED]: "reservation.state.fulfilled",
  [ReservationState.CANCELED]: "reservation.state.canceled",
  [ReservationState.NO_SHOW]: "reservation.state.noShow",
  [ReservationState.REFUSED]: "reservation.state.refused",
};

export function reservationStateKey(state: ReservationState): Key {
  return RESERVATION_STATES[state] ?? "reservation.state.unknown";
}
