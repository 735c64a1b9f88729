/** The last known state, kept on the device so that the page opens where there is no network. Gone with the sign-in. */

import { fromJson, toJson, type JsonValue } from "@bufbuild/protobuf";
import { PrincipalSchema, type Principal } from "../gen/powerctl/v1/identity_pb";
import { LocationSchema } from "../gen/powerctl/v1/location_pb";
import { SessionSchema } from "../gen/powerctl/v1/session_pb";
import type { Live } from "./live";
import { device, readJson, write } from "./stored";

const STORED = "powerctl.last";
/** Older values help nobody find a charger. */
const KEPT_MS = 7 * 24 * 3600_000;

export interface Snapshot {
  readonly principal: Principal;
  readonly live: Live;
  /** When the last message came, by the server's clock. Milliseconds since the epoch. */
  readonly heard: number;
}

interface Stored {
  readonly principal: JsonValue;
  readonly locations: readonly JsonValue[];
  readonly sessions: readonly JsonValue[];
  readonly heard: number;
}

export function keep({ principal, live, heard }: Snapshot): void {
  const stored: Stored = {
    principal: toJson(PrincipalSchema, principal),
    locations: [...live.locations.values()].map((one) => toJson(LocationSchema, one)),
    sessions: [...live.sessions.values()].map((one) => toJson(SessionSchema, one)),
    heard,
  };
  write(device, STORED, JSON.stringify(stored));
}

export function forget(): void {
  write(device, STORED, null);
}

/** What an earlier page had seen. Undefined: nothing, nothing of use, or a later version wrote it. */
export function last(now: number): Snapshot | undefined {
  const stored = readJson<Stored>(device, STORED);
  if (!stored || !(now - stored.heard < KEPT_MS)) return undefined;
  const options = { ignoreUnknownFields: true };
  try {
    const locations = stored.locations.map((one) => fromJson(LocationSchema, one, options));
    const sessions = stored.sessions.map((one) => fromJson(SessionSchema, one, options));
    return {
      principal: fromJson(PrincipalSchema, stored.principal, options),
      live: {
        locations: new Map(locations.map((one) => [one.name, one])),
        sessions: new Map(sessions.map((one) => [one.name, one])),
      },
      heard: stored.heard,
    };
  } catch {
    return undefined;
  }
}
