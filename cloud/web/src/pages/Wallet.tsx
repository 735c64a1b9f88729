import type { JSX } from "preact";
import { money } from "../format/money";
import { locale, t } from "../i18n";
import { go, link } from "../routes";
import { options } from "../state/paying";
import { purchase, renew, update } from "../state/tab";
import { Empty } from "../ui/Notice";

/** Where a wallet would ask for its owner's consent. Nobody is asked for anything secret here. */
export default function Wallet(): JSX.Element {
  const now = purchase.value;
  if (!now || now.stage !== "wallet") return <Empty title={t("wallet.nothing")} />;
  const method = options.value?.testMethods.find((one) => one.paymentMethod === now.method);
  const hold = options.value?.hold ? money(locale(), options.value.hold) : "";
  const back = (approved: boolean): void => {
    if (approved) update({ stage: "approved" });
    else renew();
    go(link.charge(now.connector), true);
  };
  return (
    <section class="wallet panel">
      <p class="stamp">{t("wallet.simulated")}</p>
      <h1>{method?.displayName || t("wallet.title")}</h1>
      <p class="lead">{t("wallet.ask", { hold })}</p>
      <div class="form-buttons">
        <button class="button primary" type="button" onClick={() => back(true)}>
          {t("wallet.approve", { hold })}
        </button>
        <button class="button" type="button" onClick={() => back(false)}>
          {t("wallet.cancel")}
        </button>
      </div>
    </section>
  );
}
