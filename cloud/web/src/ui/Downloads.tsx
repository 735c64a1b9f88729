import type { JSX } from "preact";
import { CALL } from "../api/clients";
import { receipts } from "../api/driving";
import { ReceiptFormat } from "../gen/powerctl/v1/receipt_pb";
import { t, type Key } from "../i18n";
import { useCall } from "../state/call";
import { Alert } from "./Notice";

const FORMATS: readonly (readonly [format: ReceiptFormat, title: Key, note: Key])[] = [
  [ReceiptFormat.PDF, "download.pdf", "download.pdfNote"],
  [ReceiptFormat.OCMF, "download.ocmf", "download.ocmfNote"],
  [ReceiptFormat.JSON, "download.json", "download.jsonNote"],
];

async function download(name: string, format: ReceiptFormat): Promise<void> {
  const { content, contentType, fileName } = await receipts.downloadReceipt({ name, format }, CALL);
  const address = URL.createObjectURL(new Blob([new Uint8Array(content)], { type: contentType }));
  const anchor = Object.assign(document.createElement("a"), { href: address, download: fileName });
  anchor.click();
  URL.revokeObjectURL(address);
}

/** The receipt as files, and how anybody can check it without us. */
export function Downloads({ name }: { readonly name: string }): JSX.Element {
  const call = useCall();
  return (
    <section class="panel downloads no-print" aria-labelledby="downloads-title">
      <h2 id="downloads-title">{t("download.title")}</h2>
      <ul class="plain">
        {FORMATS.map(([format, title, note]) => (
          <li key={format}>
            <button
              class="button"
              type="button"
              disabled={call.busy}
              onClick={() => void call.run(() => download(name, format))}
            >
              {t(title)}
            </button>
            <span class="small">{t(note)}</span>
          </li>
        ))}
      </ul>
      <Alert sentence={call.failure} />
      <h3>{t("download.verify")}</h3>
      <p>{t("download.verifyHow")}</p>
      <p class="command">
        <code>powerctl-cloud verify receipt.json</code>
      </p>
    </section>
  );
}
