/** Moments and spans as a person reads them. */

import { dates } from "./intl";

export interface WireTimestamp {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** Milliseconds since the Unix epoch. */
export function milliseconds(time: WireTimestamp): number {
  return Number(time.seconds) * 1000 + Math.round(time.nanos / 1e6);
}

/** "14:05". */
export function clock(locale: string, ms: number): string {
  return dates(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(ms);
}

/** "14:05:09". */
export function clockSeconds(locale: string, ms: number): string {
  const format = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
  return dates(locale, format).format(ms);
}

/** "21 Nov 2026, 14:05". */
export function dateTime(locale: string, ms: number): string {
  const format = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" } as const;
  return dates(locale, { ...format, hourCycle: "h23" }).format(ms);
}

/** "Mon 23 Nov", of a date as in ISO 8601. */
export function day(locale: string, date: string): string {
  const format = { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" } as const;
  return dates(locale, format).format(Date.parse(date));
}

/** "today" moments lose their date. */
export function moment(locale: string, ms: number, nowMs: number): string {
  const sameDay = new Date(ms).toDateString() === new Date(nowMs).toDateString();
  return sameDay ? clock(locale, ms) : dateTime(locale, ms);
}

/** "45 s", "12 min", "1 h", "1 h 05 min". Negative spans read as zero. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s}\u00a0s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes}\u00a0min`;
  const hours = `${Math.floor(minutes / 60)}\u00a0h`;
  return minutes % 60 ? `${hours} ${String(minutes % 60).padStart(2, "0")}\u00a0min` : hours;
}

/** "40–55 min", "1 h 05 min – 1 h 30 min"; one figure where both ends are the same. Seconds. */
export function span(low: number, high: number): string {
  if (high < 3600) {
    const [from, to] = [Math.floor(low / 60), Math.ceil(high / 60)];
    return from === to ? `${to}\u00a0min` : `${from}–${to}\u00a0min`;
  }
  return `${duration(low)} – ${duration(high)}`;
}
