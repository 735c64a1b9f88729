import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { duration } from "../format/time";
import { Role } from "../gen/powerctl/v1/identity_pb";
import { choose, language, LANGUAGES, t } from "../i18n";
import { link, type Route } from "../routes";
import { account, heard, leave, live, now, online, phase, route, simulated } from "../state/app";

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

function Account(): JSX.Element | null {
  const { value } = account;
  if (value.status !== "signed-in") return null;
  const { displayName, role } = value.principal;
  return (
    <div class="account">
      <span class="account-name">
        {displayName}
        <small>{t(role === Role.OPERATOR ? "role.operator" : "role.driver")}</small>
      </span>
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

function Navigation(): JSX.Element | null {
  if (account.value.status !== "signed-in") return null;
  const { page } = route.value;
  const many = live.value.locations.size > 1;
  return (
    <nav aria-label={t("nav.main")}>
      <NavLink href={link.home} here={page === "home" || page === "station"}>
        {t(many ? "nav.stations" : "nav.station")}
      </NavLink>
      <NavLink href={link.sessions} here={page === "sessions" || page === "receipt"}>
        {t("nav.sessions")}
      </NavLink>
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
