import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { duration } from "../format/time";
import { Role } from "../gen/powerctl/v1/identity_pb";
import { choose, language, LANGUAGES, t, type Key } from "../i18n";
import { link, type Route } from "../routes";
import { account, guest, heard, leave, live, now, online, phase, route, simulated } from "../state/app";

function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 64 64" aria-hidden="true">
      <rect class="mark-case" width="64" height="64" rx="15" />
      <path class="mark-cap" d="M12 18h40" />
      <path class="mark-left" d="M21 50V33" />
      <path class="mark-right" d="M43 50V39" />
    </svg>
  );
}

function Languages(): JSX.Element {
  return (
    <div class="languages" role="group" aria-label={t("app.language")}>
      {LANGUAGES.map((code) => (
        <button type="button" lang={code} aria-pressed={language.value === code} onClick={() => choose(code)}>
          {code.toUpperCase()}
        </button>
      ))}
    </div>
  );
}

const ROLES: Record<Role, Key> = {
  [Role.UNSPECIFIED]: "role.driver",
  [Role.DRIVER]: "role.driver",
  [Role.OPERATOR]: "role.operator",
  [Role.OPERATOR_VIEW]: "role.operatorView",
  [Role.OWNER]: "role.owner",
  [Role.BILLING]: "role.billing",
  [Role.UTILITY]: "role.utility",
  [Role.AUDITOR]: "role.auditor",
  [Role.ADMIN]: "role.admin",
};

function Account(): JSX.Element | null {
  const { value } = account;
  if (value.status !== "signed-in") return null;
  const { displayName, role } = value.principal;
  return (
    <div class="account">
      <a class="account-name" href={link.account}>
        {displayName}
        <small>{t(guest.value ? "role.guest" : (ROLES[role] ?? "role.driver"))}</small>
      </a>
      <button class="button quiet" type="button" onClick={() => void leave()}>
        {t("nav.signOut")}
      </button>
    </div>
  );
}

function NavLink({ href, here, children }: { href: string; here: boolean; children: ComponentChildren }): JSX.Element {
  return (
    <a href={href} aria-current={here ? "page" : undefined}>
      {children}
    </a>
  );
}

const PLACES: ReadonlySet<Route["page"]> = new Set(["home", "stations", "station", "reserve", "charge", "wallet"]);
const CHARGES: ReadonlySet<Route["page"]> = new Set(["sessions", "session", "receipt", "reservation"]);

function Icon({ path }: { readonly path: string }): JSX.Element {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

const PIN = "M12 21s7-6.2 7-11a7 7 0 0 0-14 0c0 4.8 7 11 7 11zM12 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z";
const BOLT = "M13 3L5 14h6l-1 7 8-11h-6z";
const PERSON = "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5a7.5 7.5 0 0 1 15 0";

const DESK = "M4 5h16v11H4zM9 20h6M12 16v4M7 13v-3M11 13V8M15 13v-2";
const DRIVING: ReadonlySet<Role> = new Set([Role.UNSPECIFIED, Role.DRIVER]);

/** The way to the control room, for those who work there. */
function WorkLink({ role, here }: { readonly role: Role; readonly here: boolean }): JSX.Element | null {
  if (DRIVING.has(role)) return null;
  const utility = role === Role.UTILITY;
  return (
    <NavLink href={utility ? link.utility : link.operate} here={here}>
      <Icon path={DESK} />
      {t(utility ? "nav.utility" : "nav.operate")}
    </NavLink>
  );
}

/** Under the thumb on a phone, beside the name on a desk. */
function Navigation(): JSX.Element | null {
  if (account.value.status !== "signed-in") return null;
  const { page } = route.value;
  const many = live.value.locations.size > 1;
  return (
    <nav aria-label={t("nav.main")}>
      <NavLink href={many ? link.stations : link.home} here={PLACES.has(page)}>
        <Icon path={PIN} />
        {t(many ? "nav.stations" : "nav.station")}
      </NavLink>
      <NavLink href={link.sessions} here={CHARGES.has(page)}>
        <Icon path={BOLT} />
        {t("nav.sessions")}
      </NavLink>
      <NavLink href={link.account} here={page === "account" || page === "inbox"}>
        <Icon path={PERSON} />
        {t("nav.account")}
      </NavLink>
      <WorkLink role={account.value.principal.role} here={page === "control"} />
    </nav>
  );
}

/** Whether what is on the screen is of this second. */
function StreamState(): JSX.Element | null {
  if (account.value.status !== "signed-in") return null;
  const shown = online.value ? phase.value : "reconnecting";
  if (shown === "signed-out") return null;
  return (
    <span class={`stream stream-${shown}`} role="status">
      <span class="dot" aria-hidden="true" />
      {t(`stream.${shown}`)}
    </span>
  );
}

function LostBanner(): JSX.Element | null {
  const lost = account.value.status === "signed-in" && (phase.value === "reconnecting" || !online.value);
  if (!lost || heard.value === null) return null;
  const age = duration((now.value - heard.value) / 1000);
  return (
    <p class="banner banner-warn" role="alert">
      {t(online.value ? "stream.lost" : "stream.offline", { age })}
    </p>
  );
}

function useTopOnNavigation(here: Route): void {
  const key = JSON.stringify(here);
  useEffect(() => {
    window.scrollTo(0, 0);
  }, [key]);
}

export function Shell({ children }: { readonly children: ComponentChildren }): JSX.Element {
  useTopOnNavigation(route.value);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        {t("app.skip")}
      </a>
      <header>
        {simulated.value && <p class="banner banner-demo">{t("app.demo")}</p>}
        <div class="top">
          <a class="brand" href={link.home}>
            <Mark />
            <span>powerctl</span>
          </a>
          <Navigation />
          <div class="top-end">
            <StreamState />
            <Languages />
            <Account />
          </div>
        </div>
        <LostBanner />
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

/** The fragment is the route, so the skip link moves the focus by hand. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
