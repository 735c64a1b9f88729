/** Messages for tests, as short as the test's story needs. */

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectorState, LimitSource } from "../src/gen/powerctl/v1/common_pb";
import {
  ConnectorLiveSchema,
  LocationSchema,
  type ConnectorLive,
  type Location,
} from "../src/gen/powerctl/v1/location_pb";
import { SessionSchema, SessionState, type Session } from "../src/gen/powerctl/v1/session_pb";
import { WatchResponseSchema, type WatchResponse } from "../src/gen/powerctl/v1/watch_pb";

export const STATION = "locations/s";
export const LEFT = `${STATION}/evses/1/connectors/1`;
export const RIGHT = `${STATION}/evses/2/connectors/2`;

export function live(state: ConnectorState, powerW = 0, limitW = 0, session = ""): ConnectorLive {
  return create(ConnectorLiveSchema, { state, powerW, limitW, session });
}

export interface StationFields {
  readonly left?: ConnectorLive;
  readonly right?: ConnectorLive;
  readonly capW?: number;
  readonly ratingW?: number;
  readonly acPowerW?: number;
  readonly source?: LimitSource;
  readonly positions?: readonly [string, string];
}

export function station(fields: StationFields = {}): Location {
  const [first, second] = fields.positions ?? ["left", "right"];
  const { capW, ratingW = 22_000, source = LimitSource.DSO } = fields;
  const limits =
    capW === undefined
      ? {}
      : { stationLimits: { capW, source, sources: [{ source: LimitSource.HARDWARE, limitW: ratingW }] } };
  const connector = (name: string, position: string, values?: ConnectorLive) => ({
    connectors: [{ name, position, ...(values && { live: values }) }],
  });
  return create(LocationSchema, {
    name: STATION,
    online: true,
    evses: [connector(LEFT, first, fields.left), connector(RIGHT, second, fields.right)],
    ...limits,
    ...(fields.acPowerW !== undefined && { acPowerW: fields.acPowerW }),
  });
}

type SessionFields = Omit<MessageInitShape<typeof SessionSchema>, "$typeName">;

export function session(name: string, state: SessionState, more: SessionFields = {}, updatedMs = 0): Session {
  return create(SessionSchema, { ...more, name, state, connector: LEFT, updateTime: timestampFromMs(updatedMs) });
}

export function message(event: WatchResponse["event"], cursor = "c1"): WatchResponse {
  return create(WatchResponseSchema, { cursor, event });
}

export const heartbeat = (cursor = "c1"): WatchResponse =>
  create(WatchResponseSchema, { cursor, event: { case: "heartbeat", value: {} } });
