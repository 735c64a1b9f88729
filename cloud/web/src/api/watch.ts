/** Keeps one stream of changes open for as long as the page lives. */

import type { WatchResponse } from "../gen/powerctl/v1/watch_pb";
import { fullJitter } from "./backoff";
import { isSignedOut } from "./errors";

/** The server's heartbeat comes every 15 s; two missed ones mean that nobody is there. */
export const SILENCE_MS = 35_000;

export type Phase = "connecting" | "live" | "reconnecting" | "signed-out";

export interface WatchPorts {
  open(resumeAfter: string, signal: AbortSignal): AsyncIterable<WatchResponse>;
  onMessage(message: WatchResponse): void;
  onPhase(phase: Phase): void;
  /** Resolves after `ms`, or earlier when trying at once makes sense (back online, page shown again). */
  pause(ms: number, stop: AbortSignal): Promise<void>;
  random(): number;
}

/** Abort after `ms` without a call of `fed`. */
function watchdog(ms: number, outer: AbortSignal): { signal: AbortSignal; fed(): void; end(): void } {
  const controller = new AbortController();
  const bark = (): void => controller.abort();
  let timer = setTimeout(bark, ms);
  outer.addEventListener("abort", bark);
  return {
    signal: controller.signal,
    fed: () => {
      clearTimeout(timer);
      timer = setTimeout(bark, ms);
    },
    end: () => {
      clearTimeout(timer);
      outer.removeEventListener("abort", bark);
      controller.abort();
    },
  };
}

interface Reading {
  /** Whether anything came. */
  readonly heard: boolean;
  readonly end: "renewed" | "lost" | "signed-out";
}

/** Read one stream to its end, keeping `cursor` at the last message. */
async function read(ports: WatchPorts, cursor: { value: string }, stop: AbortSignal): Promise<Reading> {
  const dog = watchdog(SILENCE_MS, stop);
  let heard = false;
  try {
    for await (const message of ports.open(cursor.value, dog.signal)) {
      dog.fed();
      if (message.cursor) cursor.value = message.cursor;
      if (!heard) ports.onPhase("live");
      heard = true;
      ports.onMessage(message);
    }
    // The server ends a stream now and then so that the sign-in is renewed: that is not a loss.
    return { heard, end: heard ? "renewed" : "lost" };
  } catch (error) {
    return { heard, end: isSignedOut(error) ? "signed-out" : "lost" };
  } finally {
    dog.end();
  }
}

/** Follow the stream, reconnecting, until `stop` or until the caller is no longer signed in. */
export async function follow(ports: WatchPorts, stop: AbortSignal): Promise<void> {
  const cursor = { value: "" };
  let attempt = 0;
  ports.onPhase("connecting");
  while (!stop.aborted) {
    const { heard, end } = await read(ports, cursor, stop);
    if (stop.aborted) return;
    if (end === "signed-out") return ports.onPhase("signed-out");
    if (end === "lost") ports.onPhase("reconnecting");
    if (heard) attempt = 0;
    await ports.pause(fullJitter(attempt++, ports.random), stop);
  }
}
