import type { JSX, RefObject } from "preact";
import type { Side } from "../domain/connector";
import { t } from "../i18n";

interface ConfirmStopProps {
  readonly dialog: RefObject<HTMLDialogElement | null>;
  readonly side: Side;
  confirm(): void;
}

/** A native dialog: focus, Escape and the backdrop are the browser's. */
export function ConfirmStop({ dialog, side, confirm }: ConfirmStopProps): JSX.Element {
  const title = `stop-${side}`;
  return (
    <dialog ref={dialog} aria-labelledby={title}>
      <form method="dialog">
        <h2 id={title}>{t("stop.title", { side: t(`connector.${side}`).toLowerCase() })}</h2>
        <p>{t("stop.body")}</p>
        <div class="dialog-buttons">
          <button class="button" type="submit">
            {t("stop.cancel")}
          </button>
          <button class="button stop" type="submit" onClick={confirm}>
            {t("stop.confirm")}
          </button>
        </div>
      </form>
    </dialog>
  );
}
