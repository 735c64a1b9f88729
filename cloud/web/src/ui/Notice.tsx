import type { ComponentChildren, JSX } from "preact";
import { t } from "../i18n";

export function Loading(): JSX.Element {
  return (
    <div class="loading" role="status">
      <span class="loading-bar" aria-hidden="true" />
      {t("app.loading")}
    </div>
  );
}

interface EmptyProps {
  readonly title: string;
  readonly lead?: string;
  readonly children?: ComponentChildren;
}

export function Empty({ title, lead, children }: EmptyProps): JSX.Element {
  return (
    <section class="empty panel">
      <h1>{title}</h1>
      {lead && <p>{lead}</p>}
      {children}
    </section>
  );
}

export function Failed({ sentence, retry }: { readonly sentence: string; retry(): void }): JSX.Element {
  return (
    <section class="empty panel" role="alert">
      <h1>{t("error.title")}</h1>
      <p>{sentence}</p>
      <button class="button" type="button" onClick={retry}>
        {t("app.retry")}
      </button>
    </section>
  );
}

/** What went wrong, said to a screen reader at once; nothing while nothing did. */
export function Alert({ sentence }: { readonly sentence: string }): JSX.Element | null {
  if (!sentence) return null;
  return (
    <p class="failure" role="alert">
      {sentence}
    </p>
  );
}
