import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Head } from "../ui/parts";
import { Choices } from "../ui/parts";
import { w } from "../i18n";
import { Caps } from "./Caps";
import { Flexibility } from "./Flexibility";
import { Signals } from "./Signals";

type Tab = "signals" | "flexibility" | "caps";
const TABS: readonly Tab[] = ["signals", "flexibility", "caps"];

/** The utility's page: what it asked, what it got and when, what more there is, and the evidence. */
export function GridPage(): JSX.Element {
  const [tab, setTab] = useState<Tab>("signals");
  return (
    <>
      <Head title={w("nav.grid")} lead={w("grid.lead")}>
        <Choices
          label={w("grid.tabs")}
          value={tab}
          choices={TABS.map((value) => ({ value, label: w(`grid.${value}`) }))}
          choose={setTab}
        />
      </Head>
      {tab === "signals" && <Signals />}
      {tab === "flexibility" && <Flexibility />}
      {tab === "caps" && <Caps />}
    </>
  );
}
