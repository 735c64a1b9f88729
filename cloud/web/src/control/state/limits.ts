/** What limited a station in the last minutes, source by source, and what was granted and measured meanwhile. */

import { LimitSource } from "../../gen/powerctl/v1/common_pb";
import type { Location } from "../../gen/powerctl/v1/location_pb";
import { sampleOf } from "../../state/sample";
import type { Sample } from "../../state/history";

export const KEPT_MS = 30 * 60_000;
/** At most one sample per this; a change inside replaces the last one. */
export const EVERY_MS = 500;

export interface Slice {
  readonly source: LimitSource;
  /** Watts: this source withholds what lies between. */
  readonly from: number;
  readonly to: number;
}

export interface LimitSample extends Sample {
  /** From the cap in force upwards to the rating. */
  readonly slices: readonly Slice[];
}

/** What each source withholds below `top`: from its own cap up to the next higher one. The lowest cap binds. */
export function slices(
  sources: readonly { readonly source: LimitSource; readonly limitW: number }[],
  top: number,
): Slice[] {
  const lowest = new Map<LimitSource, number>();
  for (const { source, limitW } of sources) lowest.set(source, Math.min(limitW, lowest.get(source) ?? Infinity));
  const ordered = [...lowest].filter(([, watts]) => watts < top).sort(([, a], [, b]) => a - b);
  return ordered.map(([source, from], index) => ({ source, from, to: ordered[index + 1]?.[1] ?? top }));
}

/** The station's rating: the highest of its caps, which is what the hardware sets. Watts. */
export function topOf(location: Location): number {
  const caps = location.stationLimits?.sources ?? [];
  const hardware = caps.find((limit) => limit.source === LimitSource.HARDWARE);
  const connectors = location.evses.flatMap((evse) => evse.connectors).map((connector) => connector.maxPowerW);
  return hardware?.limitW || Math.max(1000, ...connectors);
}

export function limitSampleOf(location: Location, time: number): LimitSample {
  const sources = location.stationLimits?.sources ?? [];
  return { ...sampleOf(location, time), slices: slices(sources, topOf(location)) };
}

export class LimitHistory {
  #samples: LimitSample[] = [];

  get samples(): readonly LimitSample[] {
    return this.#samples;
  }

  add(sample: LimitSample): void {
    const last = this.#samples.at(-1);
    if (last && sample.time < last.time) return;
    if (last && this.#samples.length > 1 && sample.time - this.#samples.at(-2)!.time < EVERY_MS) this.#samples.pop();
    this.#samples.push(sample);
    while (this.#samples.length > 2 && this.#samples[1]!.time < sample.time - KEPT_MS) this.#samples.shift();
  }

  /** Put what was before this page was opened in front of what it has seen. */
  precede(earlier: readonly LimitSample[]): void {
    const first = this.#samples[0]?.time ?? Infinity;
    this.#samples.unshift(...earlier.filter((sample) => sample.time < first));
  }

  /** Sources that have withheld anything in the window, most recent first. */
  sources(since: number): LimitSource[] {
    const seen = new Set<LimitSource>();
    for (let index = this.#samples.length - 1; index >= 0; index--) {
      const sample = this.#samples[index]!;
      if (sample.time < since) break;
      for (const { source } of sample.slices) seen.add(source);
    }
    return [...seen];
  }
}

const histories = new Map<string, LimitHistory>();

/** Of a location; it goes on while other pages are shown, as long as they ask for it. */
export function limitHistoryOf(name: string): LimitHistory {
  const known = histories.get(name) ?? new LimitHistory();
  histories.set(name, known);
  return known;
}

/** Stations whose limits are followed while the control room is open. */
export const FOLLOWED = 50;

/** Take a sample of every station that is online, as far as there is room. */
export function follow(locations: Iterable<Location>, now: number): void {
  for (const location of locations) {
    const known = histories.has(location.name) || histories.size < FOLLOWED;
    if (known && location.online) limitHistoryOf(location.name).add(limitSampleOf(location, now));
  }
}
