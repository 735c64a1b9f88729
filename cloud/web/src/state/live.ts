/** Everything the stream has said so far, merged. Pure: a new state comes from the old one and a message. */

import type { Location } from "../gen/powerctl/v1/location_pb";
import type { Session } from "../gen/powerctl/v1/session_pb";
import type { WatchResponse } from "../gen/powerctl/v1/watch_pb";
import { milliseconds } from "../format/time";

export interface Live {
  readonly locations: ReadonlyMap<string, Location>;
  readonly sessions: ReadonlyMap<string, Session>;
}

export const NOTHING: Live = { locations: new Map(), sessions: new Map() };

/** A tab that stays open for weeks keeps this many sessions; the list page asks the server for older ones. */
export const KEPT_SESSIONS = 200;

function updated(session: Session): number {
  return session.updateTime ? milliseconds(session.updateTime) : 0;
}

/** Add or replace one session; an older copy than the one at hand changes nothing. */
export function mergeSession(sessions: ReadonlyMap<string, Session>, session: Session): ReadonlyMap<string, Session> {
  const known = sessions.get(session.name);
  if (known && updated(known) > updated(session)) return sessions;
  const merged = new Map(sessions);
  merged.set(session.name, session);
  if (merged.size > KEPT_SESSIONS) {
    const oldest = [...merged.values()].reduce((a, b) => (updated(a) <= updated(b) ? a : b));
    merged.delete(oldest.name);
  }
  return merged;
}

export function merge(live: Live, message: WatchResponse): Live {
  const { event } = message;
  if (event.case === "location") {
    return { ...live, locations: new Map(live.locations).set(event.value.name, event.value) };
  }
  if (event.case === "session") return { ...live, sessions: mergeSession(live.sessions, event.value) };
  return live;
}

/** Sessions, newest first. */
export function newestFirst(sessions: Iterable<Session>): Session[] {
  const begin = (session: Session): number => {
    const time = session.startTime ?? session.plugInTime ?? session.updateTime;
    return time ? milliseconds(time) : 0;
  };
  return [...sessions].sort((a, b) => begin(b) - begin(a) || b.name.localeCompare(a.name));
}
