import type { JSX, RefObject } from "preact";
import type { Side } from "../domain/connector";
import { t } from "../i18n";

interface ConfirmStopProps {
  readonly dialog: RefObject<HTMLDialogElement | null>;
  readonly side: Side;
  confirm(): void;
}

const YES = "stop";

/** Ask; whatever was answered the last time is forgotten. */
export function askToStop(dialog: HTMLDialogElement | null): void {
  if (!dialog) return;
  dialog.returnValue = "";
  dialog.showModal();
}

/** A native dialog: focus, Escape and the backdrop are the browser's. */
export function ConfirmStop({ dialog, side, confirm }: ConfirmStopProps): JSX.Element {
  const title = `stop-${side}`;
  // Only after the dialog has closed: confirming takes it off the page.
  const closed = (): void => void (dialog.current?.returnValue === YES && confirm());
  return (
    <dialog ref={dialog} aria-labelledby={title} onClose={closed}>
      <form method="dialog">
        <h2 id={title}>{t("stop.title", { side: t(`connector.${side}`).toLowerCase() })}</h2>
        <p>{t("stop.body")}</p>
        <div class="dialog-buttons">
          <button class="button" type="submit">
            {t("stop.cancel")}
          </button>
          <button class="button stop" type="submit" value={YES}>
            {t("stop.confirm")}
          </button>
        </div>
      </form>
    </dialog>
  );
}
