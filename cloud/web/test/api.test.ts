import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fullJitter } from "../src/api/backoff";
import { explain, isLost, isSignedOut } from "../src/api/errors";
import { uuid } from "../src/api/uuid";
import { follow, SILENCE_MS, type Phase, type WatchPorts } from "../src/api/watch";
import type { WatchResponse } from "../src/gen/powerctl/v1/watch_pb";
import { en } from "../src/i18n/en";
import { link, parse } from "../src/routes";
import { heartbeat } from "./make";

const words = (key: keyof typeof en): string => en[key];

type Script = (signal: AbortSignal) => AsyncIterable<WatchResponse>;

async function* says(...cursors: string[]): AsyncGenerator<WatchResponse> {
  for (const cursor of cursors) yield heartbeat(cursor);
}

// eslint-disable-next-line require-yield
async function* fails(code: Code): AsyncGenerator<WatchResponse> {
  throw new ConnectError("no", code);
}

async function* hangs(signal: AbortSignal): AsyncGenerator<WatchResponse> {
  await new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
}

/** Plays one script per attempt, then ends the page. */
async function play(scripts: Script[]): Promise<{ phases: Phase[]; resumed: string[]; pauses: number[] }> {
  const stop = new AbortController();
  const seen = { phases: [] as Phase[], resumed: [] as string[], pauses: [] as number[] };
  const ports: WatchPorts = {
    open: (resumeAfter, signal) => {
      seen.resumed.push(resumeAfter);
      return scripts.shift()!(signal);
    },
    onMessage: () => undefined,
    onPhase: (phase) => seen.phases.push(phase),
    pause: (ms) => {
      seen.pauses.push(ms);
      if (!scripts.length) stop.abort();
      return Promise.resolve();
    },
    random: () => 1,
  };
  await follow(ports, stop.signal);
  return seen;
}

describe("the stream", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("continues where it was lost", async () => {
    const seen = await play([() => says("a", "b"), () => fails(Code.Unavailable), () => says("c")]);
    expect(seen.resumed).toEqual(["", "b", "b"]);
    expect(seen.phases).toEqual(["connecting", "live", "reconnecting", "live"]);
  });

  test("waits longer with each attempt, and briefly again after a success", async () => {
    const down: Script = () => fails(Code.Unavailable);
    const seen = await play([down, down, down, () => says("a"), down]);
    expect(seen.pauses).toEqual([400, 800, 1600, 400, 800]);
  });

  test("an end in good order is not shown as a loss", async () => {
    const seen = await play([() => says("a"), () => says("b")]);
    expect(seen.phases).toEqual(["connecting", "live", "live"]);
  });

  test("a stream that brings nothing is a loss", async () => {
    expect((await play([() => says()])).phases).toEqual(["connecting", "reconnecting"]);
  });

  test("ends when the sign-in has ended", async () => {
    const seen = await play([() => says("a"), () => fails(Code.Unauthenticated)]);
    expect(seen.phases.at(-1)).toBe("signed-out");
  });

  test("silence is a loss", async () => {
    const playing = play([(signal) => hangs(signal)]);
    await vi.advanceTimersByTimeAsync(SILENCE_MS - 1);
    await vi.advanceTimersByTimeAsync(1);
    expect((await playing).phases).toEqual(["connecting", "reconnecting"]);
  });
});

test("the pause is bounded and random", () => {
  expect(fullJitter(0, () => 0.5)).toBe(200);
  expect(fullJitter(50, () => 1)).toBe(15_000);
  expect(fullJitter(3, () => 0)).toBe(0);
});

describe("errors", () => {
  const lost = new ConnectError("fetch failed", Code.Unknown, undefined, undefined, new TypeError("fetch failed"));

  test.each([
    [new ConnectError("plug the vehicle in first", Code.FailedPrecondition), "Plug the vehicle in first."],
    [new ConnectError("stack trace", Code.Internal), en["error.internal"]],
    [new ConnectError("", Code.PermissionDenied), en["error.denied"]],
    [new ConnectError("late", Code.DeadlineExceeded), en["error.timeout"]],
    [lost, en["error.network"]],
    [new Error("bug"), en["error.internal"]],
  ])("%s reads %s", (error, sentence) => {
    expect(explain(error, words)).toBe(sentence);
  });

  test("only a lost call is asked again with the same id", () => {
    expect(isLost(lost)).toBe(true);
    expect(isLost(new ConnectError("late", Code.DeadlineExceeded))).toBe(true);
    expect(isLost(new ConnectError("no", Code.FailedPrecondition))).toBe(false);
    expect(isSignedOut(new ConnectError("no", Code.Unauthenticated))).toBe(true);
  });
});

test("request ids are random UUIDs", () => {
  expect(uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(uuid()).not.toBe(uuid());
});

describe("routes", () => {
  test.each([
    ["", { page: "home" }],
    ["#/", { page: "home" }],
    ["#signin=a.b%2Dc", { page: "sign-in", token: "a.b-c", to: "" }],
    ["#signin=a&to=/stations/s", { page: "sign-in", token: "a", to: "/stations/s" }],
    ["#/stations", { page: "stations" }],
    ["#/account", { page: "account" }],
    ["#/sessions/s", { page: "session", name: "sessions/s" }],
    ["#/reservations/r", { page: "reservation", name: "reservations/r" }],
    ["#/stations/l/e/c/charge", { page: "charge", connector: "locations/l/evses/e/connectors/c" }],
    ["#/stations/l/e/c/reserve", { page: "reserve", connector: "locations/l/evses/e/connectors/c" }],
    ["#/stations/l/e/c/dance", { page: "unknown" }],
    ["#/stations/l/e/c", { page: "unknown" }],
    ["#/sessions", { page: "sessions" }],
    ["#/stations/s%201", { page: "station", name: "locations/s 1" }],
    ["#/receipts/r", { page: "receipt", name: "receipts/r" }],
    ["#/receipts", { page: "unknown" }],
    ["#/receipts/a/b", { page: "unknown" }],
    ["#/%E0%A4%A", { page: "unknown" }],
  ])("%s", (fragment, route) => {
    expect(parse(fragment)).toEqual(route);
  });

  test("a link leads to its page", () => {
    expect(parse(link.station("locations/a b"))).toEqual({ page: "station", name: "locations/a b" });
    expect(parse(link.receipt("receipts/r"))).toEqual({ page: "receipt", name: "receipts/r" });
    const connector = "locations/a b/evses/1/connectors/2";
    expect(parse(link.charge(connector))).toEqual({ page: "charge", connector });
    expect(parse(link.reserve(connector))).toEqual({ page: "reserve", connector });
  });
});
