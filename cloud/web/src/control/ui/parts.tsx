import type { ComponentChildren, JSX } from "preact";
import { duration, milliseconds, moment, type WireTimestamp } from "../../format/time";
import { locale, t } from "../../i18n";
import { now } from "../../state/app";
import { w } from "../i18n";

export type Tone = "good" | "warn" | "bad" | "plain" | "info";

export function Badge({
  tone = "plain",
  children,
}: {
  readonly tone?: Tone;
  readonly children: ComponentChildren;
}): JSX.Element {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}

interface HeadProps {
  readonly title: string;
  readonly lead?: string | undefined;
  readonly children?: ComponentChildren;
}

export function Head({ title, lead, children }: HeadProps): JSX.Element {
  return (
    <div class="control-head">
      <div>
        <h1>{title}</h1>
        {lead && <p class="small">{lead}</p>}
      </div>
      {children && <div class="control-tools">{children}</div>}
    </div>
  );
}

/** How long ago, ticking; the moment itself on hover. */
export function Ago({ time }: { readonly time: WireTimestamp | undefined }): JSX.Element {
  if (!time) return <span class="faint">–</span>;
  const at = milliseconds(time);
  return (
    <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString(locale())}>
      {w("time.ago", { age: duration((now.value - at) / 1000) })}
    </time>
  );
}

export function Moment({ time }: { readonly time: WireTimestamp | undefined }): JSX.Element {
  if (!time) return <span class="faint">–</span>;
  const at = milliseconds(time);
  return <time dateTime={new Date(at).toISOString()}>{moment(locale(), at, now.value)}</time>;
}

export function Nothing({ title, lead }: { readonly title: string; readonly lead?: string }): JSX.Element {
  return (
    <div class="nothing" role="status">
      <svg viewBox="0 0 48 48" aria-hidden="true">
        <path d="M8 34h32M14 34V20M24 34V12M34 34V26" />
      </svg>
      <strong>{title}</strong>
      {lead && <p>{lead}</p>}
    </div>
  );
}

export function Broken({ sentence, retry }: { readonly sentence: string; retry(): void }): JSX.Element {
  return (
    <div class="nothing nothing-bad" role="alert">
      <strong>{t("error.title")}</strong>
      <p>{sentence}</p>
      <button class="button quiet" type="button" onClick={retry}>
        {t("app.retry")}
      </button>
    </div>
  );
}

interface MoreProps {
  readonly next: string;
  readonly busy: boolean;
  readonly failure: string;
  more(): void;
}

export function More({ next, busy, failure, more }: MoreProps): JSX.Element | null {
  if (failure) return <Broken sentence={failure} retry={more} />;
  if (!next) return null;
  return (
    <button class="button quiet" type="button" disabled={busy} onClick={more}>
      {w("list.more")}
    </button>
  );
}

export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly count?: number;
}

interface ChoicesProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly choices: readonly Choice<T>[];
  choose(value: NoInfer<T>): void;
}

export function Choices<T extends string>({ label, value, choices, choose }: ChoicesProps<T>): JSX.Element {
  return (
    <div class="segments" role="group" aria-label={label}>
      {choices.map((choice) => (
        <button
          key={choice.value}
          type="button"
          aria-pressed={choice.value === value}
          onClick={() => choose(choice.value)}
        >
          {choice.label}
          {choice.count !== undefined && <span class="count">{choice.count}</span>}
        </button>
      ))}
    </div>
  );
}

interface SearchProps {
  readonly label: string;
  readonly value: string;
  set(value: string): void;
}

export function Search({ label, value, set }: SearchProps): JSX.Element {
  return (
    <label class="search">
      <span class="sr-only">{label}</span>
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4.5 4.5" />
      </svg>
      <input type="search" placeholder={label} value={value} onInput={(event) => set(event.currentTarget.value)} />
    </label>
  );
}

/** Give a file to the browser. */
export function save(name: string, type: string, content: Uint8Array): void {
  const url = URL.createObjectURL(new Blob([content as Uint8Array<ArrayBuffer>], { type }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
