import type { ComponentType, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { CALL } from "../api/clients";
import { lazy } from "../ui/lazy";
import { Empty } from "../ui/Notice";
import { followed, followOnly, live, now } from "../state/app";
import type { Location } from "../gen/powerctl/v1/location_pb";
import { fleet } from "./api";
import { w } from "./i18n";
import { AlarmsPage } from "./pages/Alarms";
import { ApprovalsPage } from "./pages/Approvals";
import { AuditPage } from "./pages/Audit";
import { CertificatesPage } from "./pages/Certificates";
import { FleetPage } from "./pages/Fleet";
import { GridPage } from "./pages/Grid";
import { PeoplePage } from "./pages/People";
import { ReservationsPage } from "./pages/Reservations";
import { SessionsPage } from "./pages/Sessions";
import { StationPage } from "./pages/Station";
import { TariffsPage } from "./pages/Tariffs";
import { TimelinePage } from "./pages/Timeline";
import { role, sectionsOf, to, type Section } from "./routes";
import { asking, done } from "./state/deeds";
import { follow } from "./state/limits";
import { usePolled } from "./state/polled";
import { Confirm, DoneNote } from "./ui/Confirm";
import "./styles/control.css";
import "./styles/station.css";

const RunbookPage = lazy(() => import("./pages/Runbook"));

const PAGES: Record<Section, ComponentType> = {
  fleet: FleetPage,
  alarms: AlarmsPage,
  sessions: SessionsPage,
  reservations: ReservationsPage,
  tariffs: TariffsPage,
  grid: GridPage,
  approvals: ApprovalsPage,
  people: PeoplePage,
  certificates: CertificatesPage,
  audit: AuditPage,
};

const ICONS: Record<Section, string> = {
  fleet: "M4 20V8l5-4 5 4v12M14 12h4a2 2 0 0 1 2 2v6M3 20h18M8 20v-5h2v5",
  alarms: "M12 4l9 16H3zM12 10v4M12 17v.2",
  sessions: "M13 3L5 14h6l-1 7 8-11h-6z",
  reservations: "M5 6h14v14H5zM5 10h14M9 3v4M15 3v4",
  tariffs: "M17 6.5A6 6 0 1 0 17 17.5M4 10.5h9M4 13.5h8",
  grid: "M12 3v18M6 8h12M8 13h8M6 8l6-5 6 5M9 21l3-8 3 8",
  approvals: "M4 12l4 4 8-9M11 16l1 1 8-9",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 5a3.200 3.200 0 0 1 0 6M18 14.5a6 6 0 0 1 3.5 5.5",
  certificates: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
  audit: "M6 3h9l4 4v14H6zM9 11h7M9 15h7M9 7h3",
};

/** The first segment says the section; the utility's page has a name of its own. */
function sectionAt(path: readonly string[], sections: readonly Section[]): Section | undefined {
  if (path[0] === "utility") return "grid";
  return (path[1] as Section | undefined) ?? sections[0];
}

function Detail({ section, path }: { readonly section: Section; readonly path: readonly string[] }): JSX.Element {
  const [, , id, tab = ""] = path;
  if (section === "fleet" && id) return <StationPage key={id} id={id} tab={tab} />;
  if (section === "sessions" && id) return <TimelinePage key={id} id={id} />;
  if (section === "alarms" && id) return <RunbookPage id={id} />;
  const Page = PAGES[section];
  return <Page />;
}

/** Locations that the stream tells of; of others there may be old values. */
function shown(): readonly Location[] {
  return [...live.peek().locations.values()].filter(({ name }) => followed.peek()?.has(name) ?? true);
}

/** The control room: what there is at the side, one page beside it. */
export default function Control({ path }: { readonly path: readonly string[] }): JSX.Element {
  const sections = sectionsOf(role());
  const section = sectionAt(path, sections);
  useEffect(() => {
    const timer = setInterval(() => follow(shown(), now.peek()), 1000);
    return () => {
      clearInterval(timer);
      followOnly(undefined);
    };
  }, []);
  useEffect(() => {
    if (section !== "fleet") followOnly([]);
  }, [section]);
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone the sections are a strip; where one is must be seen.
    nav.current?.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [section]);
  const key = path.join("/");
  useEffect(() => {
    asking.value = undefined;
    done.value = undefined;
  }, [key]);
  if (!section || !sections.includes(section)) return <Empty title={w("denied.title")} lead={w("denied.lead")} />;
  return (
    <div class="control">
      <nav class="control-nav" ref={nav} aria-label={w("nav.label")}>
        {sections.map((one) => (
          <a key={one} href={to.section(one)} aria-current={one === section ? "page" : undefined}>
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d={ICONS[one]} />
            </svg>
            <span>{w(`nav.${one}`)}</span>
            {one === "alarms" && <AlarmCount />}
          </a>
        ))}
      </nav>
      <div class="control-main">
        <DoneNote />
        <Detail section={section} path={path} />
      </div>
      <Confirm />
    </div>
  );
}

/** How many alarms nobody looks after. */
function AlarmCount(): JSX.Element | null {
  const [loaded] = usePolled("alarm-count", () => fleet.getFleetSummary({}, CALL), 5_000);
  if (loaded.status !== "ready") return null;
  const waiting = loaded.value.unacknowledgedAlarms;
  if (!waiting) return null;
  return (
    <span class="count count-bad">
      {waiting}
      <span class="sr-only"> {w("nav.waiting")}</span>
    </span>
  );
}
