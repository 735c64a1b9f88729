import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { clockSeconds, milliseconds } from "../../format/time";
import { locale } from "../../i18n";
import { useCall } from "../../state/call";
import { Alert } from "../../ui/Notice";
import { w } from "../i18n";
import { asking, carryOut, done, type Deed } from "../state/deeds";

/** Asks once before anything is done that others notice. */
export function Confirm(): JSX.Element | null {
  const deed = asking.value;
  return deed ? <Question key={deed.title} deed={deed} /> : null;
}

function Question({ deed }: { readonly deed: Deed }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [note, setNote] = useState("");
  const call = useCall();
  useEffect(() => dialog.current?.showModal(), []);
  const leave = (): void => void (asking.value = undefined);
  const submit = (event: Event): void => {
    event.preventDefault();
    void call.run(() => carryOut(deed, note.trim())).then((good) => good && leave());
  };
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="confirm-title" onClose={leave}>
      <form onSubmit={submit}>
        <h2 id="confirm-title">{deed.title}</h2>
        <p>{deed.body}</p>
        {deed.noteLabel && (
          <label class="field">
            <span>{deed.noteLabel}</span>
            <input
              type="text"
              maxLength={400}
              required={deed.noteRequired ?? false}
              value={note}
              onInput={(event) => setNote(event.currentTarget.value)}
            />
          </label>
        )}
        <Alert sentence={call.failure} />
        <p class="small">{w("confirm.audited")}</p>
        <div class="dialog-buttons">
          <button class="button" type="button" disabled={call.busy} onClick={leave}>
            {w("confirm.cancel")}
          </button>
          <button class={deed.danger ? "button stop" : "button primary"} type="submit" disabled={call.busy}>
            {deed.label}
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** What the audit log says about the last deed; it stays until it is put away. */
export function DoneNote(): JSX.Element {
  const last = done.value;
  return (
    <div class="done" role="status">
      {last && (
        <div class="done-card">
          <div>
            <strong>{w("done.title", { what: last.title })}</strong>
            {last.entry === null && <p>{w("done.unread")}</p>}
            {last.entry && (
              <p class="done-entry">
                {w("done.entry", { number: last.entry.name.replace("auditEntries/", "") })}
                {last.entry.time && <span>{clockSeconds(locale(), milliseconds(last.entry.time))}</span>}
                <span>{last.entry.method.replace("/powerctl.v1.", "")}</span>
                <span>{last.entry.resource}</span>
                <span>{last.entry.result}</span>
                <code title={last.entry.digest}>{last.entry.digest.slice(0, 12)}</code>
              </p>
            )}
          </div>
          <button class="button quiet" type="button" onClick={() => (done.value = undefined)}>
            {w("done.close")}
          </button>
        </div>
      )}
    </div>
  );
}
