/** Windows of time that a person wishes for. Pure. */

export const startChoices = ["now", "half", "hour", "own"] as const;
export type Start = (typeof startChoices)[number];

const AHEAD_MS: Record<Exclude<Start, "own">, number> = { now: 0, half: 30 * 60_000, hour: 3600_000 };

export interface WishedWindow {
  readonly start: Start;
  /** Milliseconds since the epoch; counts only where `start` is "own". */
  readonly own: number;
  readonly hours: number;
}

export interface Window {
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
}

/** The window that `wish` means at `now`. A start that is not a time, or past, is now. */
export function wishWindow({ start, own, hours }: WishedWindow, now: number): Window {
  const wanted = start === "own" ? own : now + AHEAD_MS[start];
  const begin = Number.isFinite(wanted) ? Math.max(now, wanted) : now;
  return { start: begin, end: begin + hours * 3600_000 };
}

/** "2026-11-21T14:05" on the device's own clock, as `<input type="datetime-local">` takes it. */
export function localInput(ms: number): string {
  const date = new Date(ms);
  const two = (number: number): string => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function timestamp(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (Math.floor(ms) % 1000) * 1_000_000 };
}
