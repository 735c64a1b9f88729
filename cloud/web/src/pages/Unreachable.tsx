import type { JSX } from "preact";
import { explain } from "../api/errors";
import { t } from "../i18n";
import { account } from "../state/app";
import { Loading } from "../ui/Notice";

/** Nobody answers, and this device has nothing of an earlier visit to show. */
export default function Unreachable(): JSX.Element | null {
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
