import type { JSX } from "preact";
import { CALL } from "../api/clients";
import { receipts } from "../api/driving";
import { lastSegment } from "../domain/names";
import { stopReasonKey } from "../domain/words";
import { money, price } from "../format/money";
import { energy, register, text } from "../format/quantity";
import { dateTime, duration, milliseconds, type WireTimestamp } from "../format/time";
import type { Receipt, ReceiptLine } from "../gen/powerctl/v1/receipt_pb";
import { locale, t, type Key } from "../i18n";
import { link } from "../routes";
import { useLoaded } from "../state/loaded";
import { Downloads } from "../ui/Downloads";
import { Failed, Loading } from "../ui/Notice";
import { spotWords } from "../ui/Place";

export default function ReceiptPage({ name }: { readonly name: string }): JSX.Element {
  const [loaded, retry] = useLoaded(name, () => receipts.getReceipt({ name }, CALL));
  if (loaded.status === "failed") return <Failed sentence={loaded.sentence} retry={retry} />;
  if (loaded.status === "loading") return <Loading />;
  return (
    <div class="page page-narrow">
      <div class="page-tools no-print">
        <a href={link.sessions}>{t("receipt.back")}</a>
        <button class="button" type="button" onClick={() => window.print()}>
          {t("receipt.print")}
        </button>
      </div>
      <Paper receipt={loaded.value} />
      <Downloads name={name} />
    </div>
  );
}

function Fact({ name, value }: { readonly name: Key; readonly value: string }): JSX.Element {
  return (
    <div>
      <dt>{t(name)}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function time(moment: WireTimestamp | undefined): string {
  return moment ? dateTime(locale(), milliseconds(moment)) : "–";
}

function Line({ line }: { readonly line: ReceiptLine }): JSX.Element {
  return (
    <tr>
      <td>{line.description}</td>
      <td class="number">
        {line.quantity} {line.unit}
      </td>
      <td class="number">{line.unitPrice && price(locale(), line.unitPrice)}</td>
      <td class="number">{line.amount && money(locale(), line.amount)}</td>
    </tr>
  );
}

function Lines({ receipt }: { readonly receipt: Receipt }): JSX.Element {
  return (
    <table class="receipt-lines">
      <caption class="sr-only">{t("receipt.lines")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("receipt.item")}</th>
          <th scope="col" class="number">
            {t("receipt.quantity")}
          </th>
          <th scope="col" class="number">
            {t("receipt.unitPrice")}
          </th>
          <th scope="col" class="number">
            {t("receipt.amount")}
          </th>
        </tr>
      </thead>
      <tbody>
        {receipt.lines.map((line, index) => (
          <Line key={index} line={line} />
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row" colSpan={3}>
            {t("receipt.total")}
          </th>
          <td class="number">{receipt.total && money(locale(), receipt.total)}</td>
        </tr>
      </tfoot>
    </table>
  );
}

function Paper({ receipt }: { readonly receipt: Receipt }): JSX.Element {
  const seconds = Number(receipt.duration?.seconds ?? 0n);
  return (
    <article class="receipt panel">
      <header>
        <p class="eyebrow">
          {t("receipt.number", { id: receipt.number ? String(receipt.number) : lastSegment(receipt.name) })}
        </p>
        <h1>{receipt.total ? money(locale(), receipt.total) : t("receipt.title")}</h1>
        <p>
          {text(energy(locale(), receipt.energyWh))} · {duration(seconds)} · {receipt.locationDisplayName}
        </p>
        {receipt.simulated && <p class="stamp">{t("receipt.simulated")}</p>}
      </header>
      <Lines receipt={receipt} />
      <p class="small">
        {receipt.tariffName && `${t("receipt.tariff", { name: receipt.tariffName })}. `}
        {t(receipt.taxIncluded ? "receipt.taxIncluded" : "receipt.taxExcluded")}
      </p>
      <dl class="receipt-facts">
        <Fact name="receipt.where" value={receipt.locationDisplayName} />
        <Fact name="receipt.connector" value={spotWords(receipt.connector) || lastSegment(receipt.connector)} />
        <Fact name="receipt.start" value={time(receipt.startTime)} />
        <Fact name="receipt.end" value={time(receipt.endTime)} />
        <Fact name="receipt.duration" value={duration(seconds)} />
        <Fact name="receipt.reason" value={t(stopReasonKey(receipt.stopReason))} />
      </dl>
      <h2>{t("receipt.meter")}</h2>
      <dl class="receipt-facts">
        <Fact name="receipt.meterSerial" value={receipt.meterSerial} />
        <Fact name="receipt.energy" value={register(locale(), receipt.energyWh)} />
        <Fact name="receipt.meterStart" value={register(locale(), receipt.startRegisterWh)} />
        <Fact name="receipt.meterEnd" value={register(locale(), receipt.endRegisterWh)} />
      </dl>
      <p class="small">
        {t("receipt.meterNote")} {t("receipt.issued", { time: time(receipt.issueTime) })}
      </p>
    </article>
  );
}
