/** Starting and stopping: what was asked, what is under way, what went wrong. */

import { batch, signal } from "@preact/signals";
import { CALL, sessions } from "../api/clients";
import { explain, isLost, isSignedOut } from "../api/errors";
import { uuid } from "../api/uuid";
import type { Session } from "../gen/powerctl/v1/session_pb";
import { t } from "../i18n";
import { go, link } from "../routes";
import { live, signedOut } from "./app";
import { mergeSession } from "./live";
import { forgetTab, update, type Purchase } from "./tab";

/** Connectors with a call under way. */
export const busy = signal<ReadonlySet<string>>(new Set());
/** Connector to the sentence about its last failed call. */
export const failures = signal<ReadonlyMap<string, string>>(new Map());

/** A wish keeps its id until the server has answered, so that asking again cannot happen twice. */
const wishes = new Map<string, string>();

function wish(key: string): string {
  const id = wishes.get(key) ?? uuid();
  wishes.set(key, id);
  return id;
}

function setBusy(connector: string, on: boolean): void {
  const next = new Set(busy.value);
  if (on) next.add(connector);
  else next.delete(connector);
  busy.value = next;
}

export function dismiss(connector: string): void {
  const next = new Map(failures.value);
  next.delete(connector);
  failures.value = next;
}

/** The session as the server answered; undefined: it did not, or refused. */
async function ask(
  connector: string,
  key: string,
  call: (requestId: string) => Promise<Session>,
): Promise<Session | undefined> {
  if (busy.value.has(connector)) return undefined;
  dismiss(connector);
  setBusy(connector, true);
  try {
    const session = await call(wish(key));
    wishes.delete(key);
    live.value = { ...live.value, sessions: mergeSession(live.value.sessions, session) };
    return session;
  } catch (error) {
    if (!isLost(error)) wishes.delete(key);
    if (isSignedOut(error)) signedOut("ended");
    else batch(() => (failures.value = new Map(failures.value).set(connector, explain(error, t))));
    return undefined;
  } finally {
    setBusy(connector, false);
  }
}

/** Start what is plugged in; with a purchase, by its token, and on to the page of the session. */
export async function start(connector: string, paid?: Purchase): Promise<void> {
  if (!paid) {
    await ask(connector, `start ${connector}`, (requestId) => sessions.startSession({ connector, requestId }, CALL));
    return;
  }
  const wished = { connector, requestId: paid.startId, chargingToken: paid.token };
  const key = `start ${paid.startId}`;
  const session = await ask(connector, key, () => sessions.startSession(wished, CALL));
  if (!session) {
    // Refused is a new wish; unanswered is the same one, also after a reload.
    if (!wishes.has(key)) update({ startId: uuid() });
    return;
  }
  forgetTab();
  go(link.session(session.name), true);
}

export async function stop(connector: string, name: string): Promise<void> {
  await ask(connector, `stop ${name}`, (requestId) => sessions.stopSession({ name, requestId }, CALL));
}
