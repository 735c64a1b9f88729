/** What the person looks for, and from where. The position stays in this browser: it is never sent. */

import { signal } from "@preact/signals";
import { fromQuery, NO_FILTERS, toQuery, type Filters, type Place } from "../domain/find";
import { parse } from "../routes";
import { readJson, tab, write } from "./stored";

const STORED = "powerctl.filters";
/** Where the map is. */
const FINDING: ReadonlySet<string> = new Set(["home", "stations"]);
const WAIT_MS = 10_000;

export const filters = signal<Filters>({ ...NO_FILTERS, ...readJson<Filters>(tab, STORED) });
export const position = signal<Place | undefined>(undefined);
export const locating = signal<"no" | "asked" | "refused">("no");

export function filter(change: Partial<Filters>): void {
  filters.value = { ...filters.value, ...change };
  write(tab, STORED, JSON.stringify(filters.value));
  show();
}

/** The address says what is shown, so that it can be kept and passed on; the way back does not lead through filters. */
function show(): void {
  const [page = ""] = window.location.hash.split("?");
  const query = toQuery(filters.value);
  window.history.replaceState(window.history.state, "", query ? `${page || "#/"}?${query}` : page || "#/");
}

/** Take the filters of the address, now and whenever it changes; an address without any keeps those in use. */
export function adopt(): () => void {
  const take = (): void => {
    if (!FINDING.has(parse(window.location.hash).page)) return;
    const [, query] = window.location.hash.split("?");
    if (query) filter(fromQuery(query));
    else show();
  };
  take();
  window.addEventListener("hashchange", take);
  return () => window.removeEventListener("hashchange", take);
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
