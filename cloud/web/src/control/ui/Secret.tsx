import type { JSX } from "preact";
import { w } from "../i18n";

export interface Secrets {
  readonly user: string;
  readonly password: string;
  /** For the authenticator; empty: the role needs none. */
  readonly uri: string;
}

/** Shown once, right after it was made; nobody can show it again. */
export function Secret({ secrets, close }: { readonly secrets: Secrets; close(): void }): JSX.Element {
  const rows: readonly (readonly [string, string])[] = [
    [w("people.id"), secrets.user],
    [w("secret.password"), secrets.password],
    ...(secrets.uri ? [[w("secret.factor"), secrets.uri] as const] : []),
  ];
  return (
    <section class="panel secret" aria-labelledby="secret-title">
      <h2 id="secret-title">{w("secret.title")}</h2>
      <p class="small">{w("secret.lead")}</p>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <code>{value}</code>
            </dd>
          </div>
        ))}
      </dl>
      <button class="button quiet" type="button" onClick={close}>
        {w("secret.close")}
      </button>
    </section>
  );
}
