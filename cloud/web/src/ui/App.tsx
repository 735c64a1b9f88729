import type { JSX } from "preact";
import { t } from "../i18n";
import { Home } from "../pages/Home";
import { ReceiptPage } from "../pages/Receipt";
import { SessionsPage } from "../pages/Sessions";
import { SignIn, Unreachable } from "../pages/SignIn";
import { StationPage } from "../pages/Station";
import { account, route } from "../state/app";
import { link } from "../routes";
import { Empty, Loading } from "./Notice";
import { Shell } from "./Shell";

function Page(): JSX.Element {
  const here = route.value;
  switch (here.page) {
    case "home":
      return <Home />;
    case "station":
      return <StationPage name={here.name} />;
    case "sessions":
      return <SessionsPage />;
    case "receipt":
      return <ReceiptPage key={here.name} name={here.name} />;
    case "sign-in":
      return <Loading />;
    case "unknown":
      return (
        <Empty title={t("app.notFound")}>
          <a class="button" href={link.home}>
            {t("app.home")}
          </a>
        </Empty>
      );
  }
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
