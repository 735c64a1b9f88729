import type { JSX } from "preact";
import { t } from "../i18n";
import { Find } from "../pages/Find";
import { Home } from "../pages/Home";
import { SessionPage } from "../pages/Session";
import { StationPage } from "../pages/Station";
import { link, type Route } from "../routes";
import { account, route } from "../state/app";
import { lazy } from "./lazy";
import { Empty, Loading } from "./Notice";
import { Shell } from "./Shell";

const AccountPage = lazy(() => import("../pages/Account"));
const Control = lazy(() => import("../control/Control"));
const Charge = lazy(() => import("../pages/Charge"));
const Inbox = lazy(() => import("../demo/Inbox"));
const ReceiptPage = lazy(() => import("../pages/Receipt"));
const ReservationPage = lazy(() => import("../pages/Reservation"));
const Reserve = lazy(() => import("../pages/Reserve"));
const SessionsPage = lazy(() => import("../pages/Sessions"));
const SignIn = lazy(() => import("../pages/SignIn"));
const Wallet = lazy(() => import("../pages/Wallet"));
const Unreachable = lazy(() => import("../pages/Unreachable"));

type PageOf = { readonly [P in Route["page"]]: (here: Extract<Route, { page: P }>) => JSX.Element };

const PAGES: PageOf = {
  home: () => <Home />,
  stations: () => <Find />,
  station: ({ name }) => <StationPage name={name} />,
  reserve: ({ connector }) => <Reserve key={connector} connector={connector} />,
  charge: ({ connector }) => <Charge key={connector} connector={connector} />,
  sessions: () => <SessionsPage />,
  session: ({ name }) => <SessionPage key={name} name={name} />,
  reservation: ({ name }) => <ReservationPage key={name} name={name} />,
  receipt: ({ name }) => <ReceiptPage key={name} name={name} />,
  account: () => <AccountPage />,
  wallet: () => <Wallet />,
  inbox: () => <Inbox />,
  control: ({ path }) => <Control path={path} />,
  "sign-in": () => <Loading />,
  unknown: () => (
    <Empty title={t("app.notFound")}>
      <a class="button" href={link.home}>
        {t("app.home")}
      </a>
    </Empty>
  ),
};

function Page(): JSX.Element {
  const here = route.value;
  const page = PAGES[here.page] as (here: Route) => JSX.Element;
  return page(here);
}

export function App(): JSX.Element {
  const { status } = account.value;
  return (
    <Shell>
      {status === "loading" && <Loading />}
      {status === "unreachable" && <Unreachable />}
      {status === "signed-out" && <SignIn />}
      {status === "signed-in" && <Page />}
    </Shell>
  );
}
