import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Alert } from "../../ui/Notice";
import { w } from "../i18n";

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly type?: "text" | "number" | "datetime-local" | "password";
  readonly value?: string;
  readonly hint?: string;
  readonly optional?: boolean;
  readonly min?: number;
  readonly step?: string;
  readonly pattern?: string;
  readonly complete?: string;
  /** Told when what was typed is complete. */
  changed?(value: string): void;
}

export function Field(props: FieldProps): JSX.Element {
  const { label, name, type = "text", value, hint, optional, complete = "off", changed, ...rest } = props;
  const note = hint ? `${name}-hint` : undefined;
  return (
    <label class="field">
      <span>{label}</span>
      <input
        name={name}
        // The type of JSX has one form per type of input; this one takes several.
        type={type as "text"}
        defaultValue={value ?? ""}
        required={!optional}
        autocomplete={complete}
        aria-describedby={note}
        onChange={changed && ((event) => changed(event.currentTarget.value.trim()))}
        {...rest}
      />
      {hint && (
        <small id={note} class="small">
          {hint}
        </small>
      )}
    </label>
  );
}

interface SelectProps {
  readonly label: string;
  readonly name: string;
  readonly value?: string;
  readonly options: readonly (readonly [value: string, label: string])[];
}

export function Select({ label, name, value, options }: SelectProps): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <select name={name} defaultValue={value}>
        {options.map(([one, words]) => (
          <option key={one} value={one} selected={one === value}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

export type Values = (name: string) => string;

interface FormProps {
  readonly title: string;
  readonly label: string;
  readonly failure?: string;
  readonly children: ComponentChildren;
  close(): void;
  submit(values: Values): void;
}

/** A form over the page. */
export function FormDialog({ title, label, failure = "", children, close, submit }: FormProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const send = (event: Event): void => {
    event.preventDefault();
    const data = new FormData(event.target as HTMLFormElement);
    submit((name) => String(data.get(name) ?? "").trim());
  };
  return (
    <dialog ref={dialog} class="form-dialog" aria-labelledby="form-title" onClose={close}>
      <form onSubmit={send}>
        <h2 id="form-title">{title}</h2>
        <div class="form-grid">{children}</div>
        <Alert sentence={failure} />
        <div class="dialog-buttons">
          <button class="button" type="button" onClick={close}>
            {w("confirm.cancel")}
          </button>
          <button class="button primary" type="submit">
            {label}
          </button>
        </div>
      </form>
    </dialog>
  );
}
