/** The last minutes of one station: what may be drawn, what was granted, what was taken. */

export const WINDOW_MS = 5 * 60_000;
/** Closer samples replace each other, so that a burst of changes cannot grow the buffer. */
export const SPACING_MS = 200;

export interface Sample {
  /** Milliseconds since the epoch, by the server's clock. */
  readonly time: number;
  /** Watts AC; null: not known. */
  readonly cap: number | null;
  readonly ac: number | null;
  /** Watts DC; null: not known. */
  readonly left: number | null;
  readonly right: number | null;
  readonly leftLimit: number | null;
  readonly rightLimit: number | null;
  /** What sets the cap; empty: not known. */
  readonly source: string;
}

/** Column arrays as the chart takes them, stacked: right lies on left. Times in seconds, powers in kilowatts. */
export type Columns = readonly [
  times: number[],
  left: (number | null)[],
  both: (number | null)[],
  leftLimit: (number | null)[],
  bothLimit: (number | null)[],
  ac: (number | null)[],
  cap: (number | null)[],
];

/** A moment at which the cap or what sets it changed. */
export interface CapChange {
  readonly time: number;
  readonly cap: number;
  readonly source: string;
}

export class History {
  #samples: Sample[] = [];

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** Add the newest sample; one that is older than the last is dropped. */
  add(sample: Sample): void {
    const last = this.#samples.at(-1);
    if (last && sample.time < last.time) return;
    const previous = this.#samples.at(-2);
    if (last && previous && sample.time - previous.time < SPACING_MS && sameGap(last, sample)) this.#samples.pop();
    this.#samples.push(sample);
    this.#forget(sample.time - WINDOW_MS);
  }

  /** Take over what an earlier page had seen; what is too old by now stays out. */
  restore(samples: readonly Sample[], now: number): void {
    for (const sample of samples) if (sample.time > now - WINDOW_MS && sample.time <= now) this.add(sample);
    this.gap(now);
  }

  /** From `time` on nothing is known: the lines end here. */
  gap(time: number): void {
    const last = this.#samples.at(-1);
    if (!last || isGap(last)) return;
    this.add({ ...EMPTY, time: Math.max(time, last.time) });
  }

  columns(): Columns {
    const of = (pick: (sample: Sample) => number | null): (number | null)[] =>
      this.#samples.map((sample) => kilo(pick(sample)));
    return [
      this.#samples.map((sample) => sample.time / 1000),
      of((sample) => sample.left),
      of((sample) => sum(sample.left, sample.right)),
      of((sample) => sample.leftLimit),
      of((sample) => sum(sample.leftLimit, sample.rightLimit)),
      of((sample) => sample.ac),
      of((sample) => sample.cap),
    ];
  }

  /** Changes of the cap inside the window, oldest first; the first known cap is not a change. */
  capChanges(): CapChange[] {
    const changes: CapChange[] = [];
    let before: Sample | undefined;
    for (const sample of this.#samples) {
      if (sample.cap === null) continue;
      const { time, cap, source } = sample;
      if (before && (before.cap !== cap || before.source !== source)) changes.push({ time, cap, source });
      before = sample;
    }
    return changes;
  }

  /** One sample older than the window stays: it is where the lines enter the picture. */
  #forget(before: number): void {
    const second = this.#samples.findIndex((sample) => sample.time >= before);
    if (second > 1) this.#samples.splice(0, second - 1);
  }
}

const EMPTY: Omit<Sample, "time"> = {
  cap: null,
  ac: null,
  left: null,
  right: null,
  leftLimit: null,
  rightLimit: null,
  source: "",
};

function isGap(sample: Sample): boolean {
  return sample.cap === null && sample.ac === null && sample.left === null && sample.right === null;
}

function sameGap(a: Sample, b: Sample): boolean {
  return isGap(a) === isGap(b);
}

function sum(left: number | null, right: number | null): number | null {
  return left === null && right === null ? null : (left ?? 0) + (right ?? 0);
}

function kilo(watts: number | null): number | null {
  return watts === null ? null : watts / 1000;
}
