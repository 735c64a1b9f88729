/** What can be made to happen, what holds, and what was done last. */

import { signal } from "@preact/signals";
import { createClient } from "@connectrpc/connect";
import { CALL, transport } from "../api/clients";
import { pause } from "../api/pause";
import { DemoService, type Act } from "../gen/powerctl/v1/demo_pb";

export interface Deed {
  readonly act: string;
  readonly begun: boolean;
}

/** Undefined: not heard yet. */
export const acts = signal<readonly Act[] | undefined>(undefined);
export const last = signal<Deed | null>(null);
export const failed = signal(false);

const client = createClient(DemoService, transport);
const EVERY_MS = 2000;

/** The act's own part of its name. */
export function idOf(act: Act): string {
  return act.name.slice(act.name.indexOf("/") + 1);
}

export async function play(act: Act): Promise<void> {
  try {
    acts.value = (await client.playAct({ name: act.name }, CALL)).acts;
    last.value = { act: idOf(act), begun: !act.active };
    failed.value = false;
  } catch {
    failed.value = true;
  }
}

/** Keep up with what holds, until `stop`. Others may press buttons too. */
export async function follow(stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      acts.value = (await client.listActs({}, { ...CALL, signal: stop })).acts;
      failed.value = false;
    } catch {
      failed.value = !stop.aborted;
    }
    await pause(EVERY_MS, stop);
  }
}
