import type { JSX } from "preact";
import { w } from "../i18n";
import { to } from "../routes";
import { Nothing } from "../ui/parts";

/** The documentation's own pages, made into HTML when the page is built. */
const PAGES = import.meta.glob<string>("../../../../../docs/runbooks/*.md", { eager: true, import: "default" });

/** A page of the runbooks. */
export default function RunbookPage({ id }: { readonly id: string }): JSX.Element {
  const html = PAGES[`../../../../../docs/runbooks/${id}.md`];
  return (
    <>
      <p class="crumbs">
        <a href={to.section("alarms")}>{w("runbook.back")}</a> / {id}
      </p>
      {html ? (
        <article class="panel runbook" lang="en" dangerouslySetInnerHTML={{ __html: html }} />
      ) : (
        <Nothing title={w("runbook.none")} />
      )}
    </>
  );
}
