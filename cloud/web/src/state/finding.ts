/** What the person looks for, and from where. The position stays in this browser: it is never sent. */

import { signal } from "@preact/signals";
import { NO_FILTERS, type Filters, type Place } from "../domain/find";
import { readJson, tab, write } from "./stored";

const STORED = "powerctl.filters";
const WAIT_MS = 10_000;

export const filters = signal<Filters>({ ...NO_FILTERS, ...readJson<Filters>(tab, STORED) });
export const position = signal<Place | undefined>(undefined);
export const locating = signal<"no" | "asked" | "refused">("no");

export function filter(change: Partial<Filters>): void {
  filters.value = { ...filters.value, ...change };
  write(tab, STORED, JSON.stringify(filters.value));
}

export function clearFilters(): void {
  filter(NO_FILTERS);
}

export function locate(): void {
  locating.value = "asked";
  navigator.geolocation.getCurrentPosition(
    ({ coords: { latitude, longitude } }) => {
      position.value = { latitude, longitude };
      locating.value = "no";
    },
    () => (locating.value = "refused"),
    { timeout: WAIT_MS, maximumAge: 60_000 },
  );
}
