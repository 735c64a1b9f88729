import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { explain, isSignedOut } from "../api/errors";
import { t, type Key } from "../i18n";
import { account } from "../state/app";
import { asGuest, signUp, withPassword } from "../state/entering";
import { useCall, type Call } from "../state/call";
import { Alert } from "../ui/Notice";

const WORDS: Record<"never" | "left" | "ended" | "refused", readonly [title: Key, lead: Key]> = {
  never: ["signIn.title", "signIn.lead"],
  left: ["signIn.signedOut", "signIn.signedOutLead"],
  ended: ["signIn.title", "error.signedOut"],
  refused: ["signIn.failed", "signIn.failedLead"],
};

type Way = "choice" | "password" | "account";

function Art(): JSX.Element {
  return (
    <svg class="door-picture" viewBox="0 0 240 120" aria-hidden="true">
      <path class="door-cap" d="M20 24h200" />
      <path class="door-left" d="M86 104V58" />
      <path class="door-right" d="M154 104V76" />
    </svg>
  );
}

interface FieldProps {
  readonly label: Key;
  readonly name: string;
  readonly type?: "text" | "password";
  readonly complete: string;
  readonly optional?: boolean;
  readonly hint?: Key;
}

function Field({ label, name, type = "text", complete, optional, hint }: FieldProps): JSX.Element {
  const note = hint && `${name}-hint`;
  const rest = {
    name,
    autocomplete: complete,
    autocapitalize: "none" as const,
    spellcheck: false,
    required: !optional,
    "aria-describedby": note,
  };
  return (
    <label class="field">
      <span>{t(label)}</span>
      {type === "password" ? <input type="password" {...rest} /> : <input type="text" {...rest} />}
      {hint && (
        <small id={note} class="small">
          {t(hint)}
        </small>
      )}
    </label>
  );
}

function valuesOf(event: Event): (name: string) => string {
  event.preventDefault();
  const data = new FormData(event.target as HTMLFormElement);
  return (name) => String(data.get(name) ?? "").trim();
}

interface FormProps {
  readonly call: Call;
  back(): void;
}

function Buttons({ call, label, back }: FormProps & { readonly label: Key }): JSX.Element {
  return (
    <div class="form-buttons">
      <button class="button primary" type="submit" disabled={call.busy}>
        {t(label)}
      </button>
      <button class="button plain-button" type="button" onClick={back}>
        {t("app.back")}
      </button>
    </div>
  );
}

function PasswordForm({ call, back }: FormProps): JSX.Element {
  const submit = (event: Event): void => {
    const of = valuesOf(event);
    void call.run(() => withPassword(of("user"), of("password"), of("code")));
  };
  return (
    <form class="form" onSubmit={submit}>
      <Field label="signIn.user" name="user" complete="username" />
      <Field label="signIn.password" name="password" type="password" complete="current-password" />
      <Field label="signIn.code" name="code" complete="one-time-code" optional hint="signIn.codeHint" />
      <Buttons call={call} label="signIn.enter" back={back} />
    </form>
  );
}

function AccountForm({ call, back }: FormProps): JSX.Element {
  const submit = (event: Event): void => {
    const of = valuesOf(event);
    void call.run(() => signUp(of("user"), of("name"), of("password")));
  };
  return (
    <form class="form" onSubmit={submit}>
      <Field label="signIn.name" name="name" complete="name" />
      <Field label="signIn.user" name="user" complete="username" hint="signIn.userHint" />
      <Field
        label="signIn.password"
        name="password"
        type="password"
        complete="new-password"
        hint="signIn.passwordHint"
      />
      <Buttons call={call} label="signIn.create" back={back} />
    </form>
  );
}

function Choice({ call, choose }: { readonly call: Call; choose(way: Way): void }): JSX.Element {
  return (
    <>
      <div class="door-ways">
        <button class="button primary wide" type="button" disabled={call.busy} onClick={() => void call.run(asGuest)}>
          {t("signIn.guest")}
        </button>
        <div class="pair">
          <button class="button" type="button" onClick={() => choose("password")}>
            {t("signIn.enter")}
          </button>
          <button class="button" type="button" onClick={() => choose("account")}>
            {t("signIn.create")}
          </button>
        </div>
      </div>
      <ul class="plain">
        <li>{t("signIn.link")}</li>
        <li>{t("signIn.demo")}</li>
      </ul>
    </>
  );
}

/** Here being refused means that what was typed is wrong, not that a sign-in has ended. */
function refusal(error: unknown): string {
  return isSignedOut(error) ? t("signIn.wrong") : explain(error, t);
}

export default function SignIn(): JSX.Element | null {
  const [way, choose] = useState<Way>("choice");
  const call = useCall(refusal);
  const { value } = account;
  if (value.status !== "signed-out") return null;
  const [title, lead] = WORDS[value.why];
  const back = (): void => {
    call.clear();
    choose("choice");
  };
  return (
    <section class="door panel">
      <Art />
      <h1>{t(title)}</h1>
      <p class="lead">{t(lead)}</p>
      <Alert sentence={call.failure} />
      {way === "choice" && <Choice call={call} choose={choose} />}
      {way === "password" && <PasswordForm call={call} back={back} />}
      {way === "account" && <AccountForm call={call} back={back} />}
    </section>
  );
}
