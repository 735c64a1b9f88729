import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { Empty, Loading } from "./Notice";

type Module<P> = { readonly default: ComponentType<P> };

/** A component whose code comes when it is first shown. */
export function lazy<P extends object>(load: () => Promise<Module<P>>): ComponentType<P> {
  let ready: ComponentType<P> | undefined;
  function Lazy(props: P): JSX.Element {
    const [found, setFound] = useState<ComponentType<P> | undefined>(() => ready);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (ready) return;
      load().then(
        (module) => {
          ready = module.default;
          setFound(() => ready);
        },
        () => setFailed(true),
      );
    }, []);
    if (failed) return <Missing />;
    const Ready = found;
    return Ready ? <Ready {...props} /> : <Loading />;
  }
  return Lazy;
}

/** Offline before it was ever loaded, or replaced by a newer version at the server: loading the page anew mends both. */
function Missing(): JSX.Element {
  return (
    <Empty title={t("error.title")} lead={t("error.pageMissing")}>
      <button class="button primary" type="button" onClick={() => window.location.reload()}>
        {t("app.retry")}
      </button>
    </Empty>
  );
}
