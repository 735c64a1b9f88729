/** Full jitter: anywhere between nothing and an exponentially growing bound. Milliseconds. */
export function fullJitter(attempt: number, random: () => number, baseMs = 400, capMs = 15_000): number {
  return random() * Math.min(capMs, baseMs * 2 ** attempt);
}
