import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { CALL } from "../api/clients";
import { reservations } from "../api/driving";
import { isLost } from "../api/errors";
import { uuid } from "../api/uuid";
import { localInput, startChoices, timestamp, wishWindow, type Start } from "../domain/window";
import { power, text } from "../format/quantity";
import { clock, duration, moment } from "../format/time";
import { locale, t } from "../i18n";
import { go, link } from "../routes";
import { now, phase } from "../state/app";
import { useCall } from "../state/call";
import { Alert, Empty, Loading } from "../ui/Notice";
import { PlaceHead, spotOf, type Spot } from "../ui/Place";
import PricePanel from "../ui/PricePanel";

/** Hours. */
const LENGTHS: readonly number[] = [0.5, 1, 2, 3, 4];
const LEAST_W = 3_000;
/** After the beginning; as the cloud gives the connector to others then. */
const GRACE_MS = 15 * 60_000;

interface Wish {
  readonly start: Start;
  /** Milliseconds since the epoch; only with a start of one's own. */
  readonly own: number;
  readonly hours: number;
  readonly watts: number;
}

export default function Reserve({ connector }: { readonly connector: string }): JSX.Element {
  const spot = spotOf(connector);
  if (!spot) return phase.value === "connecting" ? <Loading /> : <Empty title={t("error.notFound")} />;
  return (
    <div class="page page-narrow">
      <PlaceHead spot={spot} title={t("reserve.title")} />
      <Form spot={spot} />
    </div>
  );
}

function StartChoice({ wish, change }: FieldProps): JSX.Element {
  return (
    <fieldset class="choices">
      <legend>{t("reserve.when")}</legend>
      {startChoices.map((start) => (
        <label key={start}>
          <input type="radio" name="start" checked={wish.start === start} onChange={() => change({ start })} />
          <span>{t(`reserve.start.${start}`)}</span>
        </label>
      ))}
      {wish.start === "own" && (
        <input
          type="datetime-local"
          aria-label={t("reserve.start.own")}
          value={localInput(wish.own)}
          onInput={(event) => change({ own: new Date(event.currentTarget.value).getTime() })}
        />
      )}
    </fieldset>
  );
}

function LengthChoice({ wish, change }: FieldProps): JSX.Element {
  return (
    <fieldset class="choices">
      <legend>{t("reserve.long")}</legend>
      {LENGTHS.map((hours) => (
        <label key={hours}>
          <input type="radio" name="hours" checked={wish.hours === hours} onChange={() => change({ hours })} />
          <span>{duration(hours * 3600)}</span>
        </label>
      ))}
    </fieldset>
  );
}

function PowerChoice({ wish, change, most }: FieldProps & { readonly most: number }): JSX.Element {
  return (
    <label class="reserve-power">
      <span>
        {t("reserve.power")} <strong>{text(power(locale(), wish.watts))}</strong>
      </span>
      <input
        type="range"
        min={LEAST_W}
        max={most}
        step={500}
        value={wish.watts}
        onInput={(event) => change({ watts: Number(event.currentTarget.value) })}
      />
      <small class="small">{t("reserve.powerNote")}</small>
    </label>
  );
}

interface FieldProps {
  readonly wish: Wish;
  change(part: Partial<Wish>): void;
}

function promise(spot: Spot, wish: Wish): string {
  const { start, end } = wishWindow(wish, now.value);
  return t("reserve.promise", {
    side: t(`connector.${spot.view.side}`).toLowerCase(),
    from: moment(locale(), start, now.value),
    to: clock(locale(), end),
    power: text(power(locale(), wish.watts)),
    lapse: clock(locale(), start + GRACE_MS),
  });
}

function Form({ spot }: { readonly spot: Spot }): JSX.Element {
  const most = spot.view.connector.maxPowerW;
  const first: Wish = { start: "now", own: now.peek() + 2 * 3600_000, hours: 1, watts: Math.min(most, 11_000) };
  const [wish, setWish] = useState(first);
  const id = useRef(uuid());
  const call = useCall();
  const change = (part: Partial<Wish>): void => {
    id.current = uuid();
    setWish({ ...wish, ...part });
  };
  const { start, end } = wishWindow(wish, now.value);
  const submit = (event: Event): void => {
    event.preventDefault();
    void call.run(async () => {
      const request = { connector: spot.view.name, powerW: wish.watts, requestId: id.current };
      const times = { startTime: timestamp(start), endTime: timestamp(end) };
      const made = await reservations.createReservation({ ...request, ...times }, CALL).catch((error: unknown) => {
        if (!isLost(error)) id.current = uuid();
        throw error;
      });
      go(link.reservation(made.name), true);
    });
  };
  return (
    <>
      <form class="panel reserve" onSubmit={submit}>
        <StartChoice wish={wish} change={change} />
        <LengthChoice wish={wish} change={change} />
        <PowerChoice wish={wish} change={change} most={most} />
        <p class="promise">{promise(spot, wish)}</p>
        <Alert sentence={call.failure} />
        <button class="button primary wide" type="submit" disabled={call.busy || !spot.location.online}>
          {t("reserve.button")}
        </button>
      </form>
      <PricePanel
        location={spot.location}
        connector={spot.view.name}
        reserveS={Math.max(0, Math.round((start - now.value) / 60_000) * 60)}
      />
    </>
  );
}
