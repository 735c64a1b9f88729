import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { CALL } from "../api/clients";
import { reservations } from "../api/driving";
import { reservationStateKey } from "../domain/words";
import { power, text } from "../format/quantity";
import { clock, duration, milliseconds, moment } from "../format/time";
import { ReservationState, type Reservation } from "../gen/powerctl/v1/reservation_pb";
import { locale, t } from "../i18n";
import { link } from "../routes";
import { now } from "../state/app";
import { useCall } from "../state/call";
import { useLoaded } from "../state/loaded";
import { Alert, Failed, Loading } from "../ui/Notice";
import { PlaceHead, spotOf } from "../ui/Place";

/** While the station has not answered. */
const ASK_EVERY_MS = 1_000;
/** Afterwards: it may still lapse or be fulfilled elsewhere. */
const LOOK_EVERY_MS = 15_000;

export default function ReservationPage({ name }: { readonly name: string }): JSX.Element {
  const [loaded, again] = useLoaded(name, () => reservations.getReservation({ name }, CALL));
  const waits = loaded.status === "ready" && open(loaded.value) && !loaded.value.confirmed;
  useEffect(() => {
    const timer = setInterval(again, waits ? ASK_EVERY_MS : LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [name, waits]);
  if (loaded.status === "failed") return <Failed sentence={loaded.sentence} retry={again} />;
  if (loaded.status === "loading") return <Loading />;
  return <Shown reservation={loaded.value} again={again} />;
}

function open(reservation: Reservation): boolean {
  return reservation.state === ReservationState.RESERVED;
}

function Countdown({ reservation }: { readonly reservation: Reservation }): JSX.Element | null {
  if (!reservation.startTime || !open(reservation)) return null;
  const start = milliseconds(reservation.startTime);
  const lapse = reservation.lapseTime ? milliseconds(reservation.lapseTime) : start;
  const key = now.value < start ? "reservation.in" : "reservation.comeBy";
  const seconds = ((now.value < start ? start : lapse) - now.value) / 1000;
  return <p class="countdown">{t(key, { time: duration(seconds), clock: clock(locale(), lapse) })}</p>;
}

function Guarantee({ reservation }: { readonly reservation: Reservation }): JSX.Element {
  const [start, end] = [reservation.startTime, reservation.endTime];
  return (
    <dl class="figures">
      <div>
        <dt>{t("reservation.window")}</dt>
        <dd>
          {start && moment(locale(), milliseconds(start), now.value)} – {end && clock(locale(), milliseconds(end))}
        </dd>
      </div>
      <div>
        <dt>{t("reservation.power")}</dt>
        <dd>
          {text(power(locale(), reservation.powerW))}
          <small>{t(reservation.confirmed ? "reservation.confirmed" : "reservation.waiting")}</small>
        </dd>
      </div>
    </dl>
  );
}

interface ShownProps {
  readonly reservation: Reservation;
  again(): void;
}

function Buttons({ reservation, again }: ShownProps): JSX.Element | null {
  const [sure, setSure] = useState(false);
  const call = useCall();
  if (!open(reservation)) return null;
  const cancel = (): void => {
    if (!sure) return setSure(true);
    void call
      .run(() => reservations.cancelReservation({ name: reservation.name }, CALL))
      .then((done) => done && again());
  };
  return (
    <>
      <Alert sentence={call.failure} />
      <div class="form-buttons">
        <a class="button primary" href={link.charge(reservation.connector)}>
          {t("reservation.pay")}
        </a>
        <button class="button stop" type="button" disabled={call.busy} onClick={cancel}>
          {t(sure ? "reservation.cancelSure" : "reservation.cancel")}
        </button>
      </div>
    </>
  );
}

function Shown({ reservation, again }: ShownProps): JSX.Element {
  const spot = spotOf(reservation.connector);
  return (
    <div class="page page-narrow">
      {spot && <PlaceHead spot={spot} title={t("reservation.title")} />}
      <article class="panel reservation" aria-label={t("reservation.title")}>
        <h2 aria-live="polite">
          {t(
            open(reservation) && !reservation.confirmed ? "reservation.asked" : reservationStateKey(reservation.state),
          )}
        </h2>
        {reservation.detail && <p class="failure">{reservation.detail}</p>}
        <Countdown reservation={reservation} />
        <Guarantee reservation={reservation} />
        <p class="small">{t("reservation.note")}</p>
        <Buttons reservation={reservation} again={again} />
        {reservation.session && (
          <a class="button" href={link.session(reservation.session)}>
            {t("connector.session")}
          </a>
        )}
      </article>
    </div>
  );
}
