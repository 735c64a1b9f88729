/** The typed clients of the public API. Same origin; the session cookie identifies the caller. */

import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { IdentityService } from "../gen/powerctl/v1/identity_pb";
import { LocationService } from "../gen/powerctl/v1/location_pb";
import { SessionService } from "../gen/powerctl/v1/session_pb";
import { WatchService } from "../gen/powerctl/v1/watch_pb";

export const transport = createGrpcWebTransport({ baseUrl: window.location.origin });

export const identity = createClient(IdentityService, transport);
export const locations = createClient(LocationService, transport);
export const sessions = createClient(SessionService, transport);
export const changes = createClient(WatchService, transport);

/** For every call but the stream. */
export const CALL = { timeoutMs: 10_000 };
