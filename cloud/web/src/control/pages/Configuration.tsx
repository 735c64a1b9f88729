import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CALL } from "../../api/clients";
import type { ConfigurationValue } from "../../gen/powerctl/v1/fleet_pb";
import { Role } from "../../gen/powerctl/v1/identity_pb";
import { Loading } from "../../ui/Notice";
import { fleet } from "../api";
import { w } from "../i18n";
import { role } from "../routes";
import { ask } from "../state/deeds";
import { usePolled } from "../state/polled";
import { Ago, Badge, Broken, Choices, Nothing, Search } from "../ui/parts";
import { Table, type Column } from "../ui/Table";

type Show = "differs" | "all";

function adopt(name: string, changed: () => void): void {
  ask({
    title: w("config.adopt"),
    body: w("config.adoptBody"),
    label: w("config.adopt"),
    method: "SetDesiredConfiguration",
    act: async () => {
      await fleet.setDesiredConfiguration({ name, adoptReported: true }, CALL);
      changed();
    },
  });
}

function want(name: string, value: ConfigurationValue, changed: () => void): void {
  ask({
    title: w("config.want", { key: value.key }),
    body: w("config.wantBody", { reported: value.reported ?? "–" }),
    label: w("config.wantLabel"),
    noteLabel: w("config.json"),
    noteRequired: true,
    method: "SetDesiredConfiguration",
    act: async (json) => {
      await fleet.setDesiredConfiguration({ name, values: { [value.key]: json } }, CALL);
      changed();
    },
  });
}

function columns(name: string, changed: () => void): readonly Column<ConfigurationValue>[] {
  const may = role() === Role.OPERATOR;
  const found: Column<ConfigurationValue>[] = [
    {
      key: "key",
      title: w("config.key"),
      by: (value) => value.key,
      cell: (value) => <code class="config-key">{value.key}</code>,
    },
    { key: "reported", title: w("config.reported"), cell: (value) => <code>{value.reported ?? "–"}</code> },
    {
      key: "desired",
      title: w("config.desired"),
      cell: (value) => (
        <>
          <code>{value.desired ?? "–"}</code> {value.differs && <Badge tone="warn">{w("config.differs")}</Badge>}
        </>
      ),
    },
  ];
  if (!may) return found;
  const edit = (value: ConfigurationValue): JSX.Element => (
    <button class="button quiet config-want" type="button" onClick={() => want(name, value, changed)}>
      {w("config.wantLabel")}
      <span class="sr-only"> {value.key}</span>
    </button>
  );
  return [...found, { key: "do", title: "", cell: edit }];
}

/** What the station runs with, beside what it should run with. */
export function ConfigurationTab({ station }: { readonly station: string }): JSX.Element {
  const name = `${station}/configuration`;
  const [show, setShow] = useState<Show>("all");
  const [search, setSearch] = useState("");
  const [loaded, again] = usePolled(name, () => fleet.getConfiguration({ name }, CALL), 10_000);
  if (loaded.status === "failed") return <Broken sentence={loaded.sentence} retry={again} />;
  if (loaded.status === "loading") return <Loading />;
  const { values, reportTime } = loaded.value;
  if (!values.length) return <Nothing title={w("config.none")} lead={w("config.noneLead")} />;
  const differing = values.filter((value) => value.differs);
  const wanted = search.trim().toLowerCase();
  const shown = (show === "differs" ? differing : values).filter((value) => value.key.toLowerCase().includes(wanted));
  return (
    <section class="panel" aria-labelledby="configuration">
      <div class="panel-head">
        <h2 id="configuration">{w("station.configuration")}</h2>
        <span class="small">
          {w("config.told")} <Ago time={reportTime} />
        </span>
      </div>
      <div class="control-tools">
        <Choices
          label={w("filter.label")}
          value={show}
          choices={[
            { value: "all", label: w("config.all"), count: values.length },
            { value: "differs", label: w("config.differing"), count: differing.length },
          ]}
          choose={setShow}
        />
        <Search label={w("config.search")} value={search} set={setSearch} />
        {role() === Role.OPERATOR && (
          <button class="button quiet" type="button" onClick={() => adopt(name, again)}>
            {w("config.adopt")}
          </button>
        )}
      </div>
      {!shown.length && <Nothing title={w("config.noneDiffers")} />}
      {shown.length > 0 && (
        <Table
          label={w("station.configuration")}
          columns={columns(name, again)}
          rows={shown}
          id={(value) => value.key}
          tone={(value) => (value.differs ? "row-warn" : "")}
        />
      )}
    </section>
  );
}
