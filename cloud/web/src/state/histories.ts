/** The histories of the stations that were looked at. They outlive a reload of the page, not the tab. */

import { signal } from "@preact/signals";
import type { Location } from "../gen/powerctl/v1/location_pb";
import { History, type Sample } from "./history";
import { sampleOf } from "./sample";

const STORED = "powerctl.history";
/** With news younger than this the picture has just been drawn. */
const QUIET_MS = 900;
const histories = new Map<string, History>();
/** Rises with every new sample. */
export const version = signal(0);

function stored(): Record<string, readonly Sample[]> {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? "{}") as Record<string, readonly Sample[]>;
  } catch {
    return {};
  }
}

export function historyOf(location: Location, now: number): History {
  const known = histories.get(location.name);
  if (known) return known;
  const history = new History();
  history.restore(stored()[location.name] ?? [], now);
  if (location.online) history.add(sampleOf(location, now));
  histories.set(location.name, history);
  return history;
}

export function observe(location: Location, now: number): void {
  const history = histories.get(location.name);
  if (!history) return;
  if (location.online) history.add(sampleOf(location, now));
  else history.gap(now);
  version.value++;
}

/** Without news the last values hold as long as both connections do; else the lines end. */
export function observeQuiet(locations: ReadonlyMap<string, Location>, connected: boolean, now: number): void {
  let drawn = false;
  for (const [name, history] of histories) {
    const location = locations.get(name);
    const heard = (history.samples.at(-1)?.time ?? 0) > now - QUIET_MS;
    if (location?.online && connected && heard) continue;
    if (location?.online && connected) history.add(sampleOf(location, now));
    else history.gap(now);
    drawn = true;
  }
  if (drawn) version.value++;
}

export function keepHistories(): void {
  const samples = Object.fromEntries([...histories].map(([name, history]) => [name, history.samples]));
  try {
    sessionStorage.setItem(STORED, JSON.stringify(samples));
  } catch {
    // Without storage a reload starts with an empty picture.
  }
}

export function forgetHistories(): void {
  histories.clear();
  try {
    sessionStorage.removeItem(STORED);
  } catch {
    // As above.
  }
}
