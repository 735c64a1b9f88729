import type { JSX } from "preact";
import { RemoteCommandState, type RemoteCommand } from "../../gen/powerctl/v1/fleet_pb";
import { w, type Word } from "../i18n";
import { idOf } from "../routes";
import { Ago, Badge, type Tone } from "./parts";
import { Table, type Column } from "./Table";

const STATES: Record<RemoteCommandState, readonly [Tone, Word]> = {
  [RemoteCommandState.UNSPECIFIED]: ["plain", "command.unknown"],
  [RemoteCommandState.SENT]: ["info", "command.sent"],
  [RemoteCommandState.ACCEPTED]: ["good", "command.accepted"],
  [RemoteCommandState.REJECTED]: ["bad", "command.rejected"],
  [RemoteCommandState.EXPIRED]: ["warn", "command.expired"],
};

const ACTIONS: Readonly<Record<string, Word>> = {
  stopCharging: "do.stopLabel",
  unlockConnector: "do.unlockLabel",
  resetConnector: "do.resetLabel",
  uploadBlackBox: "files.request",
};

function what(command: RemoteCommand): string {
  const { action } = command;
  const key = ACTIONS[action.case ?? ""];
  const connector = action.value && "connector" in action.value ? ` ${action.value.connector}` : "";
  // Remote commands have no start; drivers' starts are listed too.
  return w(key ?? "command.start") + connector;
}

function columns(): readonly Column<RemoteCommand>[] {
  return [
    { key: "what", title: w("command.what"), cell: what },
    {
      key: "state",
      title: w("command.state"),
      cell: (command) => {
        const [tone, key] = STATES[command.state] ?? STATES[RemoteCommandState.UNSPECIFIED];
        return (
          <>
            <Badge tone={tone}>{w(key)}</Badge> {command.detail}
          </>
        );
      },
    },
    { key: "time", title: w("command.time"), cell: (command) => <Ago time={command.createTime} /> },
    { key: "id", title: w("command.id"), cell: (command) => <code>{idOf(command.name).slice(0, 13)}</code> },
  ];
}

/** What people have told the station, newest first, and what became of it. */
export function Commands({ commands }: { readonly commands: readonly RemoteCommand[] }): JSX.Element | null {
  if (!commands.length) return null;
  return (
    <section class="panel" aria-labelledby="commands">
      <h2 id="commands">{w("command.title")}</h2>
      <Table label={w("command.title")} columns={columns()} rows={commands} id={(command) => command.name} />
    </section>
  );
}
