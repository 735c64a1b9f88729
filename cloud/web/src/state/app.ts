/** The state of the page. Components read the signals; only the functions here write them. */

import { batch, computed, signal } from "@preact/signals";
import { Role, type Principal } from "../gen/powerctl/v1/identity_pb";
import type { WatchResponse } from "../gen/powerctl/v1/watch_pb";
import { identity, CALL, changes } from "../api/clients";
import { isLost, isSignedOut } from "../api/errors";
import { pause } from "../api/pause";
import { fullJitter } from "../api/backoff";
import { follow, type Phase } from "../api/watch";
import { milliseconds } from "../format/time";
import { parse, type Route } from "../routes";
import { ServerClock } from "./clock";
import { forgetHistories, keepHistories, observe, observeQuiet } from "./histories";
import { merge, NOTHING, type Live } from "./live";
import { forget, keep, last } from "./snapshot";
import { forgetTab } from "./tab";

export type Account =
  | { readonly status: "loading" }
  | { readonly status: "signed-in"; readonly principal: Principal }
  | { readonly status: "signed-out"; readonly why: "never" | "left" | "ended" | "refused" }
  | { readonly status: "unreachable"; readonly error: unknown };

export const account = signal<Account>({ status: "loading" });
export const live = signal<Live>(NOTHING);
export const phase = signal<Phase>("connecting");
export const online = signal(navigator.onLine);
export const route = signal<Route>(parse(window.location.hash));
/** The server's time, ticking every second. Milliseconds since the epoch. */
export const now = signal(Date.now());
/** When the last message came, by the server's clock. */
export const heard = signal<number | null>(null);

/** Whether the stations that are there have had time to be named: one alone may be the first of many. */
export const settled = signal(false);
const SETTLE_MS = 100;
/** Farther off than a tick: the device's clock is wrong, or it has slept. */
const CLOCK_OFF_MS = 1_100;

export const operator = computed(
  () => account.value.status === "signed-in" && account.value.principal.role === Role.OPERATOR,
);
export const guest = computed(() => account.value.status === "signed-in" && account.value.principal.guest);
/** Nothing is sold here, and every page says so. */
export const simulated = computed(() => {
  const demo = account.value.status === "signed-in" && account.value.principal.demo;
  return demo || [...live.value.locations.values()].some((location) => location.simulated);
});

/** Seconds. A page that is killed, as phones do, has lost no more than this. */
const KEEP_EVERY = 10;

/** Names of the locations that the stream tells of. Undefined: every one. */
export const followed = signal<ReadonlySet<string> | undefined>(undefined);

const serverClock = new ServerClock();
let ticks = 0;
let stream: AbortController | undefined;

function onMessage(message: WatchResponse): void {
  batch(() => {
    if (message.sendTime) serverClock.observe(milliseconds(message.sendTime), Date.now());
    const at = serverClock.at(Date.now());
    // It ticks by itself; what shows an age is not drawn anew with every message.
    if (Math.abs(at - now.value) > CLOCK_OFF_MS) now.value = at;
    heard.value = at;
    live.value = merge(live.value, message);
    if (message.event.case === "location") observe(message.event.value, at);
    if (message.event.case === "location" && !settled.value) setTimeout(() => (settled.value = true), SETTLE_MS);
  });
}

function onPhase(next: Phase): void {
  phase.value = next;
  if (next === "signed-out") signedOut("ended");
}

function startStream(): void {
  const changed = stream !== undefined && phase.peek() === "live";
  stream?.abort();
  stream = new AbortController();
  const { signal: stop } = stream;
  const wanted = followed.peek();
  const asked = { locations: [...(wanted ?? [])], onlyHeartbeats: wanted?.size === 0 };
  void follow(
    {
      open: (resumeAfter, ended) => changes.watch({ ...asked, resumeAfter }, { signal: ended, timeoutMs: 0 }),
      onMessage,
      onPhase: (next) => {
        // Asking for other stations is no interruption that anybody need see.
        if (!stop.aborted && !(changed && next === "connecting")) onPhase(next);
      },
      pause,
      random: Math.random,
    },
    stop,
  );
}

/** Be told of these locations only; undefined: of all again. What the others were is forgotten then. */
export function followOnly(names: readonly string[] | undefined): void {
  const before = followed.peek();
  if (names ? before && names.length > 0 && names.every((name) => before.has(name)) : !before) return;
  if (names && !names.length && before?.size === 0) return;
  batch(() => {
    followed.value = names && new Set(names);
    if (!names) {
      live.value = { ...live.value, locations: new Map() };
      settled.value = false;
    }
  });
  if (stream) startStream();
}

export function signedIn(principal: Principal | undefined): void {
  if (!principal) return signedOut("never");
  const before = account.value;
  account.value = { status: "signed-in", principal };
  if (before.status !== "signed-in" || before.principal.name !== principal.name || !stream) startStream();
}

/** Nothing of the one who was here stays on the screen. */
export function signedOut(why: "never" | "left" | "ended" | "refused"): void {
  stream?.abort();
  stream = undefined;
  batch(() => {
    account.value = { status: "signed-out", why };
    live.value = NOTHING;
    heard.value = null;
  });
  forgetHistories();
  forgetTab();
  forget();
}

/** A sign-in token that the server has not answered yet. */
let pendingToken = "";

async function redeem(): Promise<void> {
  try {
    const answer = await identity.signIn({ token: pendingToken }, CALL);
    pendingToken = "";
    signedIn(answer.principal);
  } catch (error) {
    if (isLost(error)) {
      account.value = { status: "unreachable", error };
      return;
    }
    pendingToken = "";
    // The cookie of an earlier sign-in, or of this link's first use, may still be good.
    await recognise();
    if (account.value.status === "signed-out") signedOut("refused");
  }
}

/** Ask who the session cookie belongs to. Where nobody answers, what an earlier page had seen is shown with its age. */
async function recognise(): Promise<void> {
  try {
    signedIn(await identity.getPrincipal({}, CALL));
  } catch (error) {
    if (isSignedOut(error)) signedOut("never");
    else if (!showLast()) account.value = { status: "unreachable", error };
  }
}

/** True when there was something to show; the stream then finds out by itself whether the sign-in still holds. */
function showLast(): boolean {
  const known = last(Date.now());
  if (!known) return false;
  batch(() => {
    live.value = known.live;
    settled.value = true;
    heard.value = known.heard;
    signedIn(known.principal);
  });
  return true;
}

function keepLast(): void {
  if (account.value.status !== "signed-in" || heard.value === null) return;
  keep({ principal: account.value.principal, live: live.value, heard: heard.value });
}

/** Find out who is here, for as long as nobody answers. */
async function settleAccount(): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    await (pendingToken ? redeem() : recognise());
    if (account.value.status !== "unreachable") return;
    await pause(500 + fullJitter(attempt, Math.random), new AbortController().signal);
  }
}

function useLink({ token, to }: { readonly token: string; readonly to: string }): void {
  // The token works once: out of the address and the history before anything can reload it.
  const fragment = to.startsWith("/") ? `#${to}` : "#/";
  window.history.replaceState(null, "", fragment);
  route.value = parse(fragment);
  account.value = { status: "loading" };
  pendingToken = token;
  void settleAccount();
}

export async function leave(): Promise<void> {
  await identity.signOut({}, CALL).catch(() => undefined);
  signedOut("left");
}

function onRoute(): void {
  const next = parse(window.location.hash);
  if (next.page === "sign-in") useLink(next);
  else route.value = next;
}

function tick(): void {
  now.value = serverClock.at(Date.now());
  if (phase.value === "live" && ++ticks % KEEP_EVERY === 0) keepLast();
  observeQuiet(live.value.locations, phase.value === "live", now.value);
}

export function boot(): void {
  window.addEventListener("hashchange", onRoute);
  window.addEventListener("online", () => (online.value = true));
  window.addEventListener("offline", () => (online.value = false));
  window.addEventListener("pagehide", keepHistories);
  window.addEventListener("pagehide", keepLast);
  window.setInterval(tick, 1000);
  const first = route.value;
  if (first.page === "sign-in") useLink(first);
  else void settleAccount();
}
