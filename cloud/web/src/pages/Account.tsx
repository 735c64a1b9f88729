import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { CALL } from "../api/clients";
import { notifications } from "../api/driving";
import type { NotificationSettings } from "../gen/powerctl/v1/notification_pb";
import { choose, language, LANGUAGES, t, type Key } from "../i18n";
import { link } from "../routes";
import { account, guest, leave } from "../state/app";
import { useCall } from "../state/call";
import { useLoaded } from "../state/loaded";
import { disablePush, enablePush, pushState, type PushState } from "../state/push";
import { Alert, Failed, Loading } from "../ui/Notice";

const OCCASIONS: readonly (readonly [field: "onFinished" | "onStopped" | "onSlowed", key: Key])[] = [
  ["onFinished", "notify.finished"],
  ["onStopped", "notify.stopped"],
  ["onSlowed", "notify.slowed"],
];

const MASK: Record<string, string> = { onFinished: "on_finished", onStopped: "on_stopped", onSlowed: "on_slowed" };

type Change = Partial<Pick<NotificationSettings, "email" | "onFinished" | "onStopped" | "onSlowed">>;

async function save(change: Change): Promise<NotificationSettings> {
  const paths = Object.keys(change).map((field) => MASK[field] ?? field);
  return notifications.updateNotificationSettings({ settings: change, updateMask: { paths } }, CALL);
}

export default function AccountPage(): JSX.Element {
  return (
    <div class="page page-narrow">
      <h1>{t("account.title")}</h1>
      <Person />
      <Notifications />
    </div>
  );
}

function Person(): JSX.Element | null {
  const { value } = account;
  if (value.status !== "signed-in") return null;
  return (
    <section class="panel person">
      <div>
        <h2>{value.principal.displayName}</h2>
        <p class="small">{t(guest.value ? "account.guest" : "account.person")}</p>
      </div>
      <div class="languages-large" role="group" aria-label={t("app.language")}>
        {LANGUAGES.map((code) => (
          <button
            key={code}
            class="filter"
            type="button"
            lang={code}
            aria-pressed={language.value === code}
            onClick={() => choose(code)}
          >
            {code === "en" ? "English" : "Suomi"}
          </button>
        ))}
      </div>
      <button class="button" type="button" onClick={() => void leave()}>
        {t("nav.signOut")}
      </button>
    </section>
  );
}

function Notifications(): JSX.Element {
  const [loaded, retry] = useLoaded("settings", () => notifications.getNotificationSettings({}, CALL));
  if (loaded.status === "failed") return <Failed sentence={loaded.sentence} retry={retry} />;
  if (loaded.status === "loading") return <Loading />;
  return <Settings first={loaded.value} />;
}

function Settings({ first }: { readonly first: NotificationSettings }): JSX.Element {
  const [settings, set] = useState(first);
  const [saved, setSaved] = useState(false);
  const call = useCall();
  const demo = account.value.status === "signed-in" && account.value.principal.demo;
  const change = (part: Change): void => {
    setSaved(false);
    void call.run(async () => set(await save(part))).then(setSaved);
  };
  return (
    <section class="panel notify" aria-labelledby="notify-title">
      <h2 id="notify-title">{t("notify.title")}</h2>
      <fieldset class="checks">
        <legend>{t("notify.when")}</legend>
        {OCCASIONS.map(([field, key]) => (
          <label key={field} class="check">
            <input
              type="checkbox"
              checked={settings[field]}
              disabled={call.busy}
              onChange={(event) => change({ [field]: event.currentTarget.checked })}
            />
            <span>{t(key)}</span>
          </label>
        ))}
      </fieldset>
      <Push settings={settings} />
      <Email settings={settings} busy={call.busy} change={change} />
      {demo && (
        <p>
          <a href={link.inbox}>{t("notify.inbox")}</a>
        </p>
      )}
      <Alert sentence={call.failure} />
      <p class="small" role="status">
        {saved ? t("notify.saved") : ""}
      </p>
    </section>
  );
}

interface EmailProps {
  readonly settings: NotificationSettings;
  readonly busy: boolean;
  change(part: Change): void;
}

function Email({ settings, busy, change }: EmailProps): JSX.Element {
  if (!settings.emailAvailable) return <p class="small">{t("notify.noEmail")}</p>;
  const submit = (event: Event): void => {
    event.preventDefault();
    const data = new FormData(event.target as HTMLFormElement);
    change({ email: String(data.get("email") ?? "").trim() });
  };
  return (
    <form class="inline-form" onSubmit={submit}>
      <label class="field">
        <span>{t("notify.email")}</span>
        <input name="email" type="email" autocomplete="email" value={settings.email} />
      </label>
      <button class="button" type="submit" disabled={busy}>
        {t("notify.save")}
      </button>
    </form>
  );
}

const PUSH: Record<PushState, Key> = {
  unsupported: "push.unsupported",
  denied: "push.denied",
  off: "push.off",
  on: "push.on",
};

function Push({ settings }: { readonly settings: NotificationSettings }): JSX.Element {
  const [state, set] = useState<PushState>("unsupported");
  // The browser's own reasons are written for programmers.
  const call = useCall(() => t("push.failed"));
  useEffect(() => void pushState().then(set), []);
  if (!settings.pushKey) return <p class="small">{t("push.none")}</p>;
  const flip = (): void =>
    void call.run(async () => set(await (state === "on" ? disablePush() : enablePush(settings))));
  return (
    <div class="push">
      <p>{t(PUSH[state])}</p>
      {(state === "off" || state === "on") && (
        <button class="button" type="button" disabled={call.busy} onClick={flip}>
          {t(state === "on" ? "push.disable" : "push.enable")}
        </button>
      )}
      <Alert sentence={call.failure} />
    </div>
  );
}
