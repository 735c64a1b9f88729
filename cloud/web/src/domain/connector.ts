/** What a connector offers the person in front of it. Pure: live values and sessions in, one view out. */

import { ConnectorState } from "../gen/powerctl/v1/common_pb";
import type { Connector, ConnectorLive, Location } from "../gen/powerctl/v1/location_pb";
import { SessionState, type Session } from "../gen/powerctl/v1/session_pb";

export type Side = "left" | "right";

/** The one thing to do now. */
export type Action = "start" | "starting" | "stop" | "stopping" | "none";

export interface ConnectorView {
  readonly name: string;
  readonly side: Side;
  readonly connector: Connector;
  readonly live: ConnectorLive | undefined;
  readonly state: ConnectorState;
  /** The session in the connector, where the caller may see it. */
  readonly session: Session | undefined;
  readonly action: Action;
  /** Power flows, or is about to or just has. */
  readonly energised: boolean;
  readonly pluggedIn: boolean;
}

const ENERGISED: ReadonlySet<ConnectorState> = new Set([
  ConnectorState.STARTING,
  ConnectorState.CHARGING,
  ConnectorState.PAUSED,
  ConnectorState.STOPPING,
]);

export function isEnergised(state: ConnectorState): boolean {
  return ENERGISED.has(state);
}

const STATE_ACTIONS: Partial<Record<ConnectorState, Action>> = {
  [ConnectorState.OCCUPIED]: "start",
  [ConnectorState.STARTING]: "starting",
  [ConnectorState.STOPPING]: "stopping",
};

function action(state: ConnectorState, session: Session | undefined): Action {
  if (session?.state === SessionState.PENDING) return "starting";
  if (session?.state === SessionState.STOPPING) return "stopping";
  if (session?.stoppable && state !== ConnectorState.STOPPING) return "stop";
  return STATE_ACTIONS[state] ?? "none";
}

const RUNNING: ReadonlySet<SessionState> = new Set([SessionState.PENDING, SessionState.ACTIVE, SessionState.STOPPING]);

/** The session in the connector. The answer to a command may know it before the next live value names it. */
function sessionIn(connector: Connector, sessions: ReadonlyMap<string, Session>): Session | undefined {
  const named = connector.live?.session ? sessions.get(connector.live.session) : undefined;
  if (named) return named;
  return [...sessions.values()].find((session) => session.connector === connector.name && RUNNING.has(session.state));
}

function view(connector: Connector, side: Side, sessions: ReadonlyMap<string, Session>): ConnectorView {
  const live = connector.live;
  const state = live?.state ?? ConnectorState.UNSPECIFIED;
  const session = sessionIn(connector, sessions);
  return {
    name: connector.name,
    side,
    connector,
    live,
    state,
    session,
    action: action(state, session),
    energised: isEnergised(state),
    pluggedIn: state !== ConnectorState.UNSPECIFIED && state !== ConnectorState.AVAILABLE,
  };
}

/** The connectors from left to right, as a person stands in front of the station. */
export function connectorViews(location: Location, sessions: ReadonlyMap<string, Session>): ConnectorView[] {
  const connectors = location.evses.flatMap((evse) => evse.connectors);
  const known = connectors.some((connector) => connector.position === "right");
  return connectors
    .map((connector, index) => {
      const right = known ? connector.position === "right" : index % 2 === 1;
      return view(connector, right ? "right" : "left", sessions);
    })
    .sort((a, b) => a.side.localeCompare(b.side));
}
