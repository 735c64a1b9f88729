import type { JSX } from "preact";
import { explain } from "../api/errors";
import { t, type Key } from "../i18n";
import { account } from "../state/app";
import { Loading } from "../ui/Notice";

const WORDS: Record<"never" | "left" | "ended" | "refused", readonly [title: Key, lead: Key]> = {
  never: ["signIn.title", "signIn.lead"],
  left: ["signIn.signedOut", "signIn.signedOutLead"],
  ended: ["signIn.title", "error.signedOut"],
  refused: ["signIn.failed", "signIn.failedLead"],
};

export function SignIn(): JSX.Element | null {
  const { value } = account;
  if (value.status !== "signed-out") return null;
  const [title, lead] = WORDS[value.why];
  return (
    <section class="door panel">
      <svg class="door-picture" viewBox="0 0 240 120" aria-hidden="true">
        <path class="door-cap" d="M20 24h200" />
        <path class="door-left" d="M86 104V58" />
        <path class="door-right" d="M154 104V76" />
      </svg>
      <h1>{t(title)}</h1>
      <p class="lead">{t(lead)}</p>
      <ul class="plain">
        <li>{t("signIn.demo")}</li>
        <li>{t("signIn.operator")}</li>
      </ul>
    </section>
  );
}

export function Unreachable(): JSX.Element | null {
  const { value } = account;
  if (value.status !== "unreachable") return null;
  return (
    <section class="empty panel" role="alert">
      <h1>{t("error.title")}</h1>
      <p>{explain(value.error, t)}</p>
      <Loading />
    </section>
  );
}
