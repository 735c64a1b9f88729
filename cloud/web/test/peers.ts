/**
 * Two clients that others wrote, for the tests in a real browser: Google's grpc-web and Connect for the web.
 * Built by `npm run peers` into tests/e2e/peers.js, which is committed.
 */
import { fromBinary, toBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { GrpcWebClientBase, MethodDescriptor, MethodType, type Metadata } from "grpc-web";
import {
  GetPrincipalRequestSchema,
  IdentityService,
  PrincipalSchema,
  type Principal,
} from "../src/gen/powerctl/v1/identity_pb";
import { GetSessionRequestSchema, SessionSchema, SessionService } from "../src/gen/powerctl/v1/session_pb";
import { WatchRequestSchema, WatchResponseSchema, WatchService } from "../src/gen/powerctl/v1/watch_pb";
import { create } from "@bufbuild/protobuf";

/** What a test asks of a client. Failures are `code: message`. */
interface Peer {
  who(): Promise<string>;
  missing(): Promise<string>;
  /** Kinds of the messages of a watch stream up to its first heartbeat. */
  watch(): Promise<string[]>;
}

const NOWHERE = "sessions/00000000-0000-4000-8000-000000000000";

function metadata(token: string): Metadata {
  return token ? { authorization: `Bearer ${token}` } : {};
}

function descriptor<I extends DescMessage, O extends DescMessage>(path: string, kind: string, input: I, output: O) {
  return new MethodDescriptor<MessageShape<I>, MessageShape<O>>(
    `/powerctl.v1.${path}`,
    kind,
    Object as never,
    Object as never,
    (message: MessageShape<I>) => toBinary(input, message),
    (bytes: Uint8Array) => fromBinary(output, bytes),
  );
}

/** Google's client; `text` is its default, base64, in which alone it streams. */
function google(format: "text" | "binary", token: string): Peer {
  const client = new GrpcWebClientBase({ format });
  const unary = <I extends DescMessage, O extends DescMessage>(path: string, input: I, output: O, fields: object) =>
    client.unaryCall(
      location.origin + `/powerctl.v1.${path}`,
      create(input, fields as never) as MessageShape<I>,
      metadata(token),
      descriptor(path, MethodType.UNARY, input, output),
    );
  return {
    async who() {
      const answer = await unary("IdentityService/GetPrincipal", GetPrincipalRequestSchema, PrincipalSchema, {});
      return (answer as Principal).name;
    },
    async missing() {
      try {
        await unary("SessionService/GetSession", GetSessionRequestSchema, SessionSchema, { name: NOWHERE });
        return "found";
      } catch (error) {
        const { code, message } = error as { code: number; message: string };
        return `${code}: ${message}`;
      }
    },
    watch() {
      const path = "WatchService/Watch";
      const stream = client.serverStreaming(
        location.origin + `/powerctl.v1.${path}`,
        create(WatchRequestSchema),
        metadata(token),
        descriptor(path, MethodType.SERVER_STREAMING, WatchRequestSchema, WatchResponseSchema),
      );
      const seen: string[] = [];
      return new Promise((resolve, reject) => {
        stream.on("error", (error) => reject(new Error(error.message)));
        stream.on("data", (message) => {
          const kind = (message as MessageShape<typeof WatchResponseSchema>).event.case ?? "";
          seen.push(kind);
          if (kind === "heartbeat") {
            stream.cancel();
            resolve(seen);
          }
        });
      });
    },
  };
}

function connect(transport: Transport): Peer {
  return {
    async who() {
      return (await createClient(IdentityService, transport).getPrincipal({})).name;
    },
    async missing() {
      try {
        await createClient(SessionService, transport).getSession({ name: NOWHERE });
        return "found";
      } catch (error) {
        const { code, rawMessage } = error as { code: number; rawMessage: string };
        return `${code}: ${rawMessage}`;
      }
    },
    async watch() {
      const seen: string[] = [];
      for await (const message of createClient(WatchService, transport).watch({})) {
        const kind = message.event.case ?? "";
        seen.push(kind);
        if (kind === "heartbeat") break;
      }
      return seen;
    },
  };
}

function peer(name: string, token: string): Peer {
  const signed: Interceptor = (next) => (request) => {
    if (token) request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  const options = { baseUrl: location.origin, interceptors: [signed] };
  const peers: Record<string, () => Peer> = {
    "grpc-web-text": () => google("text", token),
    "grpc-web": () => google("binary", token),
    "connect-grpc-web": () => connect(createGrpcWebTransport(options)),
    "connect-json": () => connect(createConnectTransport(options)),
  };
  return peers[name]!();
}

(globalThis as unknown as { peer: typeof peer }).peer = peer;
