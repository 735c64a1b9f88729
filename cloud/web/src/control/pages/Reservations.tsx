import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CALL, locations } from "../../api/clients";
import { uuid } from "../../api/uuid";
import { connectorViews } from "../../domain/connector";
import { locationOf } from "../../domain/names";
import { reservationStateKey } from "../../domain/words";
import { power, text } from "../../format/quantity";
import { milliseconds } from "../../format/time";
import { Role } from "../../gen/powerctl/v1/identity_pb";
import type { Location } from "../../gen/powerctl/v1/location_pb";
import { ReservationState, type Reservation } from "../../gen/powerctl/v1/reservation_pb";
import { locale, t } from "../../i18n";
import { now } from "../../state/app";
import { useLoaded } from "../../state/loaded";
import { Alert, Loading } from "../../ui/Notice";
import { reservations } from "../api";
import { instant, local } from "../domain/amount";
import { w } from "../i18n";
import { idOf, role } from "../routes";
import { ask } from "../state/deeds";
import { usePaged } from "../state/paged";
import { Field, FormDialog, Select, type Values } from "../ui/Form";
import { Badge, Head, Moment, More, Nothing, type Tone } from "../ui/parts";
import { Table, type Column } from "../ui/Table";

const TONES: Partial<Record<ReservationState, Tone>> = {
  [ReservationState.RESERVED]: "good",
  [ReservationState.REFUSED]: "bad",
  [ReservationState.NO_SHOW]: "warn",
};

function cancel(reservation: Reservation, changed: () => void): void {
  ask({
    title: w("reservation.cancel"),
    body: w("reservation.cancelBody"),
    label: w("reservation.cancel"),
    danger: true,
    method: "CancelReservation",
    act: async () => {
      await reservations.cancelReservation({ name: reservation.name }, CALL);
      changed();
    },
  });
}

function columns(changed: () => void): readonly Column<Reservation>[] {
  return [
    {
      key: "from",
      title: w("reservation.from"),
      by: (one) => (one.startTime ? milliseconds(one.startTime) : 0),
      cell: (one) => <Moment time={one.startTime} />,
    },
    { key: "to", title: w("reservation.to"), cell: (one) => <Moment time={one.endTime} /> },
    {
      key: "where",
      title: w("reservation.connector"),
      by: (one) => one.connector,
      cell: (one) => `${idOf(locationOf(one.connector))} · ${idOf(one.connector)}`,
    },
    {
      key: "power",
      title: w("reservation.power"),
      number: true,
      by: (one) => one.powerW,
      cell: (one) => (one.powerW ? text(power(locale(), one.powerW)) : w("reservation.rest")),
    },
    {
      key: "state",
      title: w("reservation.state"),
      by: (one) => one.state,
      cell: (one) => (
        <>
          <Badge tone={TONES[one.state] ?? "plain"}>{t(reservationStateKey(one.state))}</Badge>{" "}
          {one.state === ReservationState.RESERVED && !one.confirmed && w("reservation.unconfirmed")} {one.detail}
        </>
      ),
    },
    {
      key: "do",
      title: "",
      cell: (one) =>
        role() === Role.OPERATOR && one.state === ReservationState.RESERVED ? (
          <button class="button quiet" type="button" onClick={() => cancel(one, changed)}>
            {w("reservation.cancel")}
          </button>
        ) : (
          ""
        ),
    },
  ];
}

function connectorsOf(location: Location): readonly (readonly [string, string])[] {
  const station = location.displayName || idOf(location.name);
  return connectorViews(location, new Map()).map((view) => [
    view.name,
    `${station} · ${t(`connector.${view.side}`).toLowerCase()}`,
  ]);
}

/** Every connector of a fleet that fits in a list; of a larger one, those of the station that was typed. */
function ConnectorChoice(): JSX.Element {
  const [station, setStation] = useState("");
  const [list] = useLoaded("reservable", () => locations.listLocations({ pageSize: 100 }, CALL));
  const many = list.status === "ready" && list.value.nextPageToken !== "";
  const [typed] = useLoaded(`reservable ${station}`, async () =>
    station ? [await locations.getLocation({ name: `locations/${station}` }, CALL)] : undefined,
  );
  const found = (typed.status === "ready" && typed.value) || (list.status === "ready" ? list.value.locations : []);
  return (
    <>
      {many && <Field label={w("session.station")} name="station" optional changed={setStation} />}
      {typed.status === "failed" && <Alert sentence={typed.sentence} />}
      <Select label={w("reservation.connector")} name="connector" options={found.flatMap(connectorsOf)} />
    </>
  );
}

/** Minutes from now that the form proposes. */
const [SOON, LONG] = [15, 75];

function NewReservation({ close, changed }: { close(): void; changed(): void }): JSX.Element {
  const [wish] = useState(uuid);
  const submit = (of: Values): void => {
    const wanted = {
      connector: of("connector"),
      powerW: Number(of("power")) * 1000,
      requestId: wish,
      ...(instant(of("start")) && { startTime: instant(of("start"))! }),
      ...(instant(of("end")) && { endTime: instant(of("end"))! }),
    };
    ask({
      title: w("reservation.new"),
      body: w("reservation.newBody", { connector: of("connector"), power: of("power") }),
      label: w("reservation.new"),
      method: "CreateReservation",
      act: async () => {
        await reservations.createReservation(wanted, CALL);
        close();
        changed();
      },
    });
  };
  return (
    <FormDialog title={w("reservation.new")} label={w("form.next")} close={close} submit={submit}>
      <ConnectorChoice />
      <Field label={w("reservation.powerKw")} name="power" type="number" min={0} step="0.1" value="11" />
      <Field
        label={w("reservation.from")}
        name="start"
        type="datetime-local"
        value={local(now.peek() + SOON * 60_000)}
      />
      <Field label={w("reservation.to")} name="end" type="datetime-local" value={local(now.peek() + LONG * 60_000)} />
    </FormDialog>
  );
}

export function ReservationsPage(): JSX.Element {
  const [editing, edit] = useState(false);
  const list = usePaged("reservations", async (pageToken) => {
    const answer = await reservations.listReservations({ pageSize: 100, pageToken }, CALL);
    return { items: answer.reservations, next: answer.nextPageToken };
  });
  return (
    <>
      <Head title={w("nav.reservations")} lead={w("reservations.lead")}>
        {role() === Role.OPERATOR && (
          <button class="button primary" type="button" onClick={() => edit(true)}>
            {w("reservation.new")}
          </button>
        )}
      </Head>
      {!list.items && !list.failure && <Loading />}
      {list.items?.length === 0 && <Nothing title={w("reservations.none")} />}
      {list.items && list.items.length > 0 && (
        <Table label={w("nav.reservations")} columns={columns(list.again)} rows={list.items} id={(one) => one.name} />
      )}
      <More {...list} />
      {editing && <NewReservation close={() => edit(false)} changed={list.again} />}
    </>
  );
}
