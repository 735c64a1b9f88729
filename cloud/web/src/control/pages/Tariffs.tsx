import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CALL } from "../../api/clients";
import { uuid } from "../../api/uuid";
import { money, price } from "../../format/money";
import { Role } from "../../gen/powerctl/v1/identity_pb";
import { TariffState, type Tariff } from "../../gen/powerctl/v1/tariff_pb";
import { locale } from "../../i18n";
import { useCall } from "../../state/call";
import { Loading } from "../../ui/Notice";
import { tariffs } from "../api";
import { amount, typed } from "../domain/amount";
import { w, type Word } from "../i18n";
import { role } from "../routes";
import { ask } from "../state/deeds";
import { usePaged } from "../state/paged";
import { Field, FormDialog, Select, type Values } from "../ui/Form";
import { Badge, Head, Moment, More, Nothing, type Tone } from "../ui/parts";

const STATES: Record<TariffState, readonly [Tone, Word]> = {
  [TariffState.UNSPECIFIED]: ["plain", "tariff.draft"],
  [TariffState.DRAFT]: ["info", "tariff.draft"],
  [TariffState.PUBLISHED]: ["good", "tariff.published"],
  [TariffState.RETIRED]: ["plain", "tariff.retired"],
};

const PRICES = [
  ["energyPricePerKwh", "tariff.energy", "energy_price_per_kwh"],
  ["sessionFee", "tariff.session", "session_fee"],
  ["timePricePerHour", "tariff.time", "time_price_per_hour"],
  ["idlePricePerHour", "tariff.idle", "idle_price_per_hour"],
  ["reservationPricePerHour", "tariff.reservation", "reservation_price_per_hour"],
  ["hold", "tariff.hold", "hold"],
] as const;

const PATHS = ["display_name", "description", "tax_percent", "tax_included", ...PRICES.map(([, , path]) => path)];

function mayEdit(): boolean {
  return role() === Role.OPERATOR || role() === Role.BILLING;
}

function publish(tariff: Tariff, changed: () => void): void {
  ask({
    title: w("tariff.publish", { name: tariff.displayName }),
    body: w("tariff.publishBody"),
    label: w("tariff.publishLabel"),
    method: "PublishTariff",
    act: async () => {
      await tariffs.publishTariff({ name: tariff.name, etag: tariff.etag }, CALL);
      changed();
    },
  });
}

function drop(tariff: Tariff, changed: () => void): void {
  ask({
    title: w("tariff.delete", { name: tariff.displayName }),
    body: w("tariff.deleteBody"),
    label: w("tariff.deleteLabel"),
    danger: true,
    method: "DeleteTariff",
    act: async () => {
      await tariffs.deleteTariff({ name: tariff.name }, CALL);
      changed();
    },
  });
}

interface ItemProps {
  readonly tariff: Tariff;
  changed(): void;
  edit(tariff: Tariff, copy: boolean): void;
}

function Buttons({ tariff, changed, edit }: ItemProps): JSX.Element | null {
  if (!mayEdit()) return null;
  const draft = tariff.state === TariffState.DRAFT;
  return (
    <div class="card-buttons">
      {draft && !tariff.detailed && (
        <button class="button quiet" type="button" onClick={() => edit(tariff, false)}>
          {w("tariff.edit")}
        </button>
      )}
      {draft && (
        <button class="button quiet primary" type="button" onClick={() => publish(tariff, changed)}>
          {w("tariff.publishLabel")}
        </button>
      )}
      {draft && (
        <button class="button quiet" type="button" onClick={() => drop(tariff, changed)}>
          {w("tariff.deleteLabel")}
        </button>
      )}
      {!tariff.detailed && (
        <button class="button quiet" type="button" onClick={() => edit(tariff, true)}>
          {w("tariff.copy")}
        </button>
      )}
    </div>
  );
}

function Item(props: ItemProps): JSX.Element {
  const { tariff } = props;
  const [tone, key] = STATES[tariff.state];
  return (
    <article class={`panel tariff tariff-${tone}`} aria-label={tariff.displayName}>
      <div class="panel-head">
        <h2>{tariff.displayName}</h2>
        <Badge tone={tone}>{w(key)}</Badge>
      </div>
      {tariff.energyPricePerKwh && (
        <p class="tariff-price">
          {price(locale(), tariff.energyPricePerKwh)} <small>/ kWh</small>
        </p>
      )}
      <dl class="values">
        {PRICES.slice(1).map(([field, words]) => (
          <div key={field}>
            <dt>{w(words)}</dt>
            <dd>{tariff[field] ? money(locale(), tariff[field]) : "–"}</dd>
          </div>
        ))}
        <div>
          <dt>{w("tariff.tax")}</dt>
          <dd>
            {tariff.taxPercent || "0"}&nbsp;% {w(tariff.taxIncluded ? "tariff.taxIn" : "tariff.taxOut")}
          </dd>
        </div>
      </dl>
      {tariff.description && <p class="small">{tariff.description}</p>}
      {tariff.detailed && <p class="small">{w("tariff.detailed")}</p>}
      <p class="small">
        {w(tariff.publishTime ? "tariff.since" : "tariff.created")}{" "}
        <Moment time={tariff.publishTime ?? tariff.createTime} />
      </p>
      <Buttons {...props} />
    </article>
  );
}

interface EditorProps {
  readonly from: Tariff | undefined;
  /** True: a new draft with these values. */
  readonly copy: boolean;
  close(): void;
  changed(): void;
}

function valuesOf(of: Values, currency: string): Record<string, unknown> {
  const prices = PRICES.map(([field]) => [field, amount(of(field), currency)] as const).filter(([, value]) => value);
  return {
    displayName: of("displayName"),
    description: of("description"),
    taxPercent: of("taxPercent").replace(",", "."),
    taxIncluded: of("taxIncluded") === "in",
    ...Object.fromEntries(prices),
  };
}

function Editor({ from, copy, close, changed }: EditorProps): JSX.Element {
  const call = useCall();
  const [requestId] = useState(uuid);
  const currency = from?.energyPricePerKwh?.currencyCode || "EUR";
  const fresh = !from || copy;
  const submit = (of: Values): void => {
    const tariff = valuesOf(of, currency);
    const write = async (): Promise<void> => {
      if (fresh) await tariffs.createTariff({ tariff, requestId }, CALL);
      else {
        const named = { ...tariff, name: from.name, etag: from.etag };
        await tariffs.updateTariff({ tariff: named, updateMask: { paths: PATHS } }, CALL);
      }
      close();
      changed();
    };
    void call.run(write);
  };
  const title = w(fresh ? "tariff.new" : "tariff.edit");
  return (
    <FormDialog title={title} label={w("tariff.save")} failure={call.failure} close={close} submit={submit}>
      <Field label={w("tariff.name")} name="displayName" value={from?.displayName ?? ""} />
      {PRICES.map(([field, words]) => (
        <Field
          key={field}
          label={`${w(words)} (${currency})`}
          name={field}
          value={typed(from?.[field])}
          pattern="\d{1,9}([.,]\d{1,9})?"
          optional={field !== "energyPricePerKwh"}
        />
      ))}
      <Field
        label={w("tariff.tax")}
        name="taxPercent"
        value={from?.taxPercent || "25.5"}
        pattern="\d{1,2}([.,]\d{1,2})?"
      />
      <Select
        label={w("tariff.taxHow")}
        name="taxIncluded"
        value={from && !from.taxIncluded ? "out" : "in"}
        options={[
          ["in", w("tariff.taxIn")],
          ["out", w("tariff.taxOut")],
        ]}
      />
      <Field label={w("tariff.description")} name="description" value={from?.description ?? ""} optional />
    </FormDialog>
  );
}

interface Editing {
  readonly from?: Tariff;
  readonly copy: boolean;
}

export function TariffsPage(): JSX.Element {
  const [editing, edit] = useState<Editing>();
  const list = usePaged("tariffs", async (pageToken) => {
    const answer = await tariffs.listTariffs({ pageSize: 100, pageToken }, CALL);
    return { items: answer.tariffs, next: answer.nextPageToken };
  });
  return (
    <>
      <Head title={w("nav.tariffs")} lead={w("tariffs.lead")}>
        {mayEdit() && (
          <button class="button primary" type="button" onClick={() => edit({ copy: true })}>
            {w("tariff.new")}
          </button>
        )}
      </Head>
      {!list.items && !list.failure && <Loading />}
      {list.items?.length === 0 && <Nothing title={w("tariffs.none")} lead={w("tariffs.noneLead")} />}
      <div class="tariff-grid">
        {list.items?.map((tariff) => (
          <Item key={tariff.name} tariff={tariff} changed={list.again} edit={(from, copy) => edit({ from, copy })} />
        ))}
      </div>
      <More {...list} />
      {editing && <Editor from={editing.from} copy={editing.copy} close={() => edit(undefined)} changed={list.again} />}
    </>
  );
}
