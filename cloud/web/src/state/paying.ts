/** Whether charging must be paid for here, and with what. Asked once per sign-in. */

import { computed, effect, signal } from "@preact/signals";
import { CALL } from "../api/clients";
import type { PaymentOptions } from "../gen/powerctl/v1/payment_pb";
import { account, operator } from "./app";

export const options = signal<PaymentOptions | undefined>(undefined);

/** An operator may start without paying; while it is not known the server decides. */
export const mustPay = computed(() => Boolean(options.value?.required) && !operator.value);

async function load(): Promise<void> {
  const { payments } = await import("../api/driving");
  options.value = await payments.getPaymentOptions({}, CALL);
}

/** Ask again with every sign-in; a failure leaves the decision to the server. */
export function watchPaying(): void {
  effect(() => {
    const { value } = account;
    if (value.status === "signed-in") void load().catch(() => undefined);
    else options.value = undefined;
  });
}
