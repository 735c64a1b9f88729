import type { JSX } from "preact";
import { CALL } from "../../api/clients";
import { uuid } from "../../api/uuid";
import type { StationFile } from "../../gen/powerctl/v1/fleet_pb";
import { Role } from "../../gen/powerctl/v1/identity_pb";
import { useCall } from "../../state/call";
import { Alert, Loading } from "../../ui/Notice";
import { fleet } from "../api";
import { w } from "../i18n";
import { role } from "../routes";
import { ask } from "../state/deeds";
import { usePolled } from "../state/polled";
import { Ago, Badge, Broken, Nothing, save } from "../ui/parts";
import { Table, type Column } from "../ui/Table";

/** An archive is some megabytes, which may take a while over a weak link. */
const PATIENT = { timeoutMs: 60_000 };

function request(station: string, changed: () => void): void {
  const requestId = uuid();
  ask({
    title: w("files.request"),
    body: w("files.requestBody"),
    label: w("files.request"),
    method: "CreateRemoteCommand",
    act: async () => {
      const action = { case: "uploadBlackBox" as const, value: { upload: "", session: "" } };
      await fleet.createRemoteCommand({ parent: station, requestId, remoteCommand: { action } }, CALL);
      changed();
    },
  });
}

function Download({ file }: { readonly file: StationFile }): JSX.Element {
  const call = useCall();
  const fetch = async (): Promise<void> => {
    const answer = await fleet.downloadStationFile({ name: file.name }, PATIENT);
    save(answer.fileName, answer.contentType, answer.content);
  };
  return (
    <>
      <button
        class="button quiet"
        type="button"
        disabled={!file.complete || call.busy}
        onClick={() => void call.run(fetch)}
      >
        {w("files.download")}
      </button>
      <Alert sentence={call.failure} />
    </>
  );
}

function columns(): readonly Column<StationFile>[] {
  return [
    { key: "name", title: w("files.name"), cell: (file) => <code>{file.fileName}</code> },
    { key: "time", title: w("command.time"), cell: (file) => <Ago time={file.createTime} /> },
    {
      key: "parts",
      title: w("files.parts"),
      cell: (file) => (
        <>
          <Badge tone={file.complete ? "good" : "info"}>{w(file.complete ? "files.complete" : "files.coming")}</Badge>{" "}
          {file.receivedChunks} / {file.chunks}
        </>
      ),
    },
    { key: "do", title: "", cell: (file) => <Download file={file} /> },
  ];
}

export function FilesTab({ station }: { readonly station: string }): JSX.Element {
  const [loaded, again] = usePolled(`files ${station}`, () => fleet.listStationFiles({ parent: station }, CALL));
  return (
    <section class="panel" aria-labelledby="files">
      <div class="panel-head">
        <h2 id="files">{w("station.files")}</h2>
        {role() === Role.OPERATOR && (
          <button class="button quiet" type="button" onClick={() => request(station, again)}>
            {w("files.request")}
          </button>
        )}
      </div>
      {loaded.status === "loading" && <Loading />}
      {loaded.status === "failed" && <Broken sentence={loaded.sentence} retry={again} />}
      {loaded.status === "ready" && !loaded.value.files.length && (
        <Nothing title={w("files.none")} lead={w("files.noneLead")} />
      )}
      {loaded.status === "ready" && loaded.value.files.length > 0 && (
        <Table label={w("station.files")} columns={columns()} rows={loaded.value.files} id={(file) => file.name} />
      )}
    </section>
  );
}
