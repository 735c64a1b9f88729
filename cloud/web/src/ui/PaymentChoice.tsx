import type { JSX } from "preact";
import { PaymentKind, type PaymentOptions, type TestPaymentMethod } from "../gen/powerctl/v1/payment_pb";
import { t } from "../i18n";

interface ChoiceProps {
  readonly options: PaymentOptions;
  readonly chosen: string;
  choose(method: string): void;
}

function Art({ kind }: { readonly kind: PaymentKind }): JSX.Element {
  return (
    <svg class="method-art" viewBox="0 0 40 28" aria-hidden="true">
      <rect x="1" y="1" width="38" height="26" rx="5" />
      {kind === PaymentKind.WALLET ? <path d="M24 10h15v8H24a4 4 0 0 1 0-8z" /> : <path d="M1 9h38M6 20h9" />}
    </svg>
  );
}

function Method({
  one,
  chosen,
  choose,
}: { readonly one: TestPaymentMethod } & Omit<ChoiceProps, "options">): JSX.Element {
  return (
    <label class="method">
      <input
        type="radio"
        name="method"
        value={one.paymentMethod}
        checked={one.paymentMethod === chosen}
        onChange={() => choose(one.paymentMethod)}
      />
      <Art kind={one.kind} />
      <span>
        {one.displayName}
        <small>{one.outcome}</small>
      </span>
    </label>
  );
}

/** Cards and wallets of a provider that moves no money. A real provider brings a form of its own. */
export function PaymentChoice({ options, chosen, choose }: ChoiceProps): JSX.Element {
  if (!options.testMethods.length) return <p class="failure">{t("pay.noForm", { provider: options.provider })}</p>;
  return (
    <fieldset class="methods">
      <legend>{t("pay.method")}</legend>
      <p class="small">{t("pay.simulated")}</p>
      {options.testMethods.map((one) => (
        <Method key={one.paymentMethod} one={one} chosen={chosen} choose={choose} />
      ))}
    </fieldset>
  );
}
