/** The server's clock as this browser can know it, so that ages do not depend on how the device's clock is set. */

const SAMPLES = 20;

export class ServerClock {
  #differences: number[] = [];

  /** Take note of a message. Transport only ever delays, so the largest difference is the closest. */
  observe(sentMs: number, receivedMs: number): void {
    this.#differences = [...this.#differences.slice(1 - SAMPLES), sentMs - receivedMs];
  }

  /** What the server's clock shows when the device's shows `deviceMs`; the device's own before any message. */
  at(deviceMs: number): number {
    return this.#differences.length ? deviceMs + Math.max(...this.#differences) : deviceMs;
  }
}
