import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CALL, locations } from "../../api/clients";
import { milliseconds } from "../../format/time";
import type { Location } from "../../gen/powerctl/v1/location_pb";
import type { StationCertificate } from "../../gen/powerctl/v1/station_identity_pb";
import { now } from "../../state/app";
import { useLoaded } from "../../state/loaded";
import { Loading } from "../../ui/Notice";
import { certificates } from "../api";
import { w } from "../i18n";
import { idOf } from "../routes";
import { ask } from "../state/deeds";
import { usePolled } from "../state/polled";
import { Field, FormDialog } from "../ui/Form";
import { Badge, Broken, Head, Moment, Nothing, Search, type Tone } from "../ui/parts";
import { Table, type Column } from "../ui/Table";

function state(certificate: StationCertificate): readonly [Tone, string] {
  if (certificate.revokeTime) return ["bad", w("certificate.revoked")];
  if (certificate.notAfterTime && milliseconds(certificate.notAfterTime) < now.value) {
    return ["warn", w("certificate.ended")];
  }
  return ["good", w("certificate.valid")];
}

function columns(): readonly Column<StationCertificate>[] {
  return [
    { key: "serial", title: w("certificate.serial"), cell: (one) => <code>{one.serial.slice(0, 20)}</code> },
    { key: "from", title: w("certificate.from"), cell: (one) => <Moment time={one.notBeforeTime} /> },
    { key: "to", title: w("certificate.to"), cell: (one) => <Moment time={one.notAfterTime} /> },
    {
      key: "state",
      title: w("certificate.state"),
      cell: (one) => {
        const [tone, words] = state(one);
        return (
          <>
            <Badge tone={tone}>{words}</Badge> {one.revokeTime && <Moment time={one.revokeTime} />}
          </>
        );
      },
    },
  ];
}

interface Token {
  readonly station: string;
  readonly token: string;
}

function enrol(station: string, show: (token: Token) => void): void {
  ask({
    title: w("certificate.enrol", { station }),
    body: w("certificate.enrolBody"),
    label: w("certificate.enrolLabel"),
    method: "CreateEnrolmentToken",
    act: async () => {
      const answer = await certificates.createEnrolmentToken({ location: `locations/${station}` }, CALL);
      show({ station, token: answer.token });
    },
  });
}

function revoke(station: string, changed: () => void): void {
  ask({
    title: w("certificate.revoke", { station }),
    body: w("certificate.revokeBody"),
    label: w("certificate.revokeLabel"),
    danger: true,
    noteLabel: w("certificate.reason"),
    noteRequired: true,
    method: "RevokeStationCertificates",
    act: async (reason) => {
      await certificates.revokeStationCertificates({ location: `locations/${station}`, reason }, CALL);
      changed();
    },
  });
}

interface StationProps {
  readonly station: string;
  readonly title: string;
  show(token: Token): void;
}

function StationItem({ station, title, show }: StationProps): JSX.Element {
  const location = `locations/${station}`;
  const [loaded, again] = usePolled(
    `certificates ${station}`,
    () => certificates.listStationCertificates({ location }, CALL),
    10_000,
  );
  return (
    <section class="panel" aria-label={`${title} ${station}`}>
      <div class="panel-head">
        <h2>
          {title} <small>{station}</small>
        </h2>
        <span class="row-buttons">
          <button class="button quiet" type="button" onClick={() => enrol(station, show)}>
            {w("certificate.enrolLabel")}
          </button>
          <button class="button quiet stop" type="button" onClick={() => revoke(station, again)}>
            {w("certificate.revokeLabel")}
          </button>
        </span>
      </div>
      {loaded.status === "loading" && <Loading />}
      {loaded.status === "failed" && <Broken sentence={loaded.sentence} retry={again} />}
      {loaded.status === "ready" && !loaded.value.certificates.length && <p class="small">{w("certificate.none")}</p>}
      {loaded.status === "ready" && loaded.value.certificates.length > 0 && (
        <Table label={title} columns={columns()} rows={loaded.value.certificates} id={(one) => one.serial} />
      )}
    </section>
  );
}

interface Known {
  readonly station: string;
  readonly title: string;
}

function stationOf(location: Location): Known {
  const station = idOf(location.name);
  return { station, title: location.displayName || station };
}

const ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,35}$/;
/** Lists are for people; a search narrows a fleet down to what fits on a page. */
const SHOWN = 20;

/** Which stations may speak: enrol a new one, shut a stolen one out. */
export function CertificatesPage(): JSX.Element {
  const [search, setSearch] = useState("");
  const [token, show] = useState<Token>();
  const [asked, ask_] = useState(false);
  const wanted = search.trim().toLowerCase();
  const [loaded, again] = useLoaded("certificates", () => locations.listLocations({ pageSize: 100 }, CALL));
  const all = loaded.status === "ready" ? loaded.value.locations.map(stationOf) : [];
  const fitting = all.filter(({ title, station }) => `${title} ${station}`.toLowerCase().includes(wanted));
  // In a fleet that is longer than the list, a station is found by its id.
  const known = fitting.length || !ID.test(wanted) ? fitting : [{ station: search.trim(), title: search.trim() }];
  return (
    <>
      <Head title={w("nav.certificates")} lead={w("certificates.lead")}>
        <Search label={w("certificates.search")} value={search} set={setSearch} />
        <button class="button primary" type="button" onClick={() => ask_(true)}>
          {w("certificate.new")}
        </button>
      </Head>
      {token && (
        <section class="panel secret" aria-labelledby="token-title">
          <h2 id="token-title">{w("certificate.token", { station: token.station })}</h2>
          <p class="small">{w("certificate.tokenLead")}</p>
          <code>{token.token}</code>
          <button class="button quiet" type="button" onClick={() => show(undefined)}>
            {w("secret.close")}
          </button>
        </section>
      )}
      {loaded.status === "failed" && <Broken sentence={loaded.sentence} retry={again} />}
      {loaded.status === "loading" && <Loading />}
      {loaded.status === "ready" && known.length === 0 && (
        <Nothing title={w("fleet.none")} lead={w("certificates.noneLead")} />
      )}
      {known.slice(0, SHOWN).map(({ station, title }) => (
        <StationItem key={station} station={station} title={title} show={show} />
      ))}
      {known.length > SHOWN && <p class="small">{w("list.narrow", { count: known.length - SHOWN })}</p>}
      {asked && (
        <FormDialog
          title={w("certificate.new")}
          label={w("form.next")}
          close={() => ask_(false)}
          submit={(of) => {
            ask_(false);
            enrol(of("station"), show);
          }}
        >
          <Field label={w("certificate.station")} name="station" pattern="[A-Za-z0-9][A-Za-z0-9\-]{0,62}" />
        </FormDialog>
      )}
    </>
  );
}
