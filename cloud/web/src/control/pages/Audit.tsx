import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CALL } from "../../api/clients";
import { dateTime, milliseconds } from "../../format/time";
import type { AuditEntry, VerifyAuditLogResponse } from "../../gen/powerctl/v1/audit_pb";
import { Role } from "../../gen/powerctl/v1/identity_pb";
import { locale } from "../../i18n";
import { useCall } from "../../state/call";
import { Alert, Loading } from "../../ui/Notice";
import { audit } from "../api";
import { instant } from "../domain/amount";
import { w } from "../i18n";
import { role } from "../routes";
import { usePaged } from "../state/paged";
import { Badge, Head, More, Nothing } from "../ui/parts";
import { Field, type Values } from "../ui/Form";
import { Table, type Column } from "../ui/Table";

/** Following a chain of many years takes a while. */
const PATIENT = { timeoutMs: 120_000 };
const EMPTY = { user: "", method: "", resource: "", result: "", from: "", to: "" };
type Query = typeof EMPTY;

function columns(): readonly Column<AuditEntry>[] {
  return [
    { key: "number", title: "#", number: true, cell: (entry) => entry.name.replace("auditEntries/", "") },
    {
      key: "time",
      title: w("audit.time"),
      cell: (entry) => (entry.time ? dateTime(locale(), milliseconds(entry.time)) : "–"),
    },
    { key: "user", title: w("audit.user"), cell: (entry) => entry.user || "–" },
    { key: "method", title: w("audit.method"), cell: (entry) => entry.method.replace("/powerctl.v1.", "") },
    { key: "resource", title: w("audit.resource"), cell: (entry) => <span class="clip">{entry.resource || "–"}</span> },
    {
      key: "result",
      title: w("audit.result"),
      cell: (entry) => <Badge tone={entry.result === "ok" ? "good" : "bad"}>{entry.result}</Badge>,
    },
    { key: "peer", title: w("audit.peer"), cell: (entry) => entry.peer },
    {
      key: "digest",
      title: w("audit.digest"),
      cell: (entry) => <code title={entry.digest}>{entry.digest.slice(0, 12)}</code>,
    },
  ];
}

function Verdict({ verdict }: { readonly verdict: VerifyAuditLogResponse }): JSX.Element {
  const broken = verdict.brokenEntry !== 0n;
  return (
    <p class={broken ? "verdict verdict-bad" : "verdict"} role="status">
      {broken
        ? w("audit.broken", { number: String(verdict.brokenEntry), why: verdict.why })
        : w("audit.whole", { count: String(verdict.entries) })}
    </p>
  );
}

function Verify(): JSX.Element {
  const [verdict, set] = useState<VerifyAuditLogResponse>();
  const call = useCall();
  return (
    <>
      <button
        class="button primary"
        type="button"
        disabled={call.busy}
        onClick={() => void call.run(async () => set(await audit.verifyAuditLog({}, PATIENT)))}
      >
        {w("audit.verify")}
      </button>
      <Alert sentence={call.failure} />
      {verdict && <Verdict verdict={verdict} />}
    </>
  );
}

function Filters({ set }: { set(query: Query): void }): JSX.Element {
  const submit = (event: Event): void => {
    event.preventDefault();
    const data = new FormData(event.target as HTMLFormElement);
    const of: Values = (name) => String(data.get(name) ?? "").trim();
    set(Object.fromEntries(Object.keys(EMPTY).map((name) => [name, of(name)])) as Query);
  };
  return (
    <form class="panel audit-filters" role="search" aria-label={w("audit.search")} onSubmit={submit}>
      <Field label={w("audit.user")} name="user" optional />
      <Field label={w("audit.method")} name="method" optional />
      <Field label={w("audit.resource")} name="resource" optional />
      <Field label={w("audit.result")} name="result" optional />
      <Field label={w("audit.from")} name="from" type="datetime-local" optional />
      <Field label={w("audit.to")} name="to" type="datetime-local" optional />
      <button class="button" type="submit">
        {w("audit.search")}
      </button>
    </form>
  );
}

/** Who did what. Those who are no auditors see what they did themselves. */
export function AuditPage(): JSX.Element {
  const [query, setQuery] = useState(EMPTY);
  const all = role() === Role.AUDITOR || role() === Role.ADMIN;
  const list = usePaged(JSON.stringify(query), async (pageToken) => {
    const { from, to, ...texts } = query;
    const times = {
      ...(instant(from) && { startTime: instant(from)! }),
      ...(instant(to) && { endTime: instant(to)! }),
    };
    const answer = await audit.listAuditEntries({ pageSize: 50, pageToken, ...texts, ...times }, CALL);
    return { items: answer.auditEntries, next: answer.nextPageToken };
  });
  return (
    <>
      <Head title={w("nav.audit")} lead={w(all ? "audit.lead" : "audit.own")}>
        {all && <Verify />}
      </Head>
      <Filters set={setQuery} />
      {!list.items && !list.failure && <Loading />}
      {list.items?.length === 0 && <Nothing title={w("audit.none")} />}
      {list.items && list.items.length > 0 && (
        <Table label={w("nav.audit")} columns={columns()} rows={list.items} id={(entry) => entry.name} />
      )}
      <More {...list} />
    </>
  );
}
