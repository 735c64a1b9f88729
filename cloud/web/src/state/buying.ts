/** Holding the amount: to the wallet and back where there is one, and asked again with the same id while unanswered. */

import { Code, ConnectError } from "@connectrpc/connect";
import { CALL } from "../api/clients";
import { payments } from "../api/driving";
import { isLost } from "../api/errors";
import { milliseconds } from "../format/time";
import { PaymentKind } from "../gen/powerctl/v1/payment_pb";
import { go, link } from "../routes";
import { options } from "./paying";
import { purchase, renew, update } from "./tab";

const TRIES = 6;
const BETWEEN_MS = 1_500;

function isWallet(method: string): boolean {
  const found = options.value?.testMethods.find((one) => one.paymentMethod === method);
  return found?.kind === PaymentKind.WALLET;
}

/** Hold the amount for `connector`. Throws what the server said; a card that was declined is a new wish. */
export async function pay(connector: string): Promise<void> {
  const now = purchase.value;
  if (!now || now.connector !== connector) return;
  if (isWallet(now.method) && now.stage === "choosing") {
    update({ stage: "wallet" });
    return go(link.wallet);
  }
  update({ stage: "paying" });
  try {
    const token = await asked(connector, now.method, now.requestId);
    const expires = token.expireTime ? milliseconds(token.expireTime) : 0;
    update({ stage: "paid", token: token.token, expires });
  } catch (error) {
    // Unanswered: it may have been held. The next attempt has the same id and holds nothing twice.
    if (isLost(error)) update({ stage: "choosing" });
    else renew();
    throw error;
  }
}

async function asked(connector: string, paymentMethod: string, requestId: string) {
  for (let left = TRIES; ; left--) {
    try {
      return await payments.createChargingToken({ connector, paymentMethod, requestId }, CALL);
    } catch (error) {
      if (left === 0 || ConnectError.from(error).code !== Code.Unavailable) throw error;
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
    }
  }
}
