import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CALL } from "../../api/clients";
import { fleet } from "../api";
import { w } from "../i18n";
import { usePaged } from "../state/paged";
import { Events, sentenceOf } from "../ui/Events";
import { Loading } from "../../ui/Notice";
import { More, Nothing, Search } from "../ui/parts";

export function EventsTab({ station }: { readonly station: string }): JSX.Element {
  const [search, setSearch] = useState("");
  const list = usePaged(`events ${station}`, async (pageToken) => {
    const answer = await fleet.listStationEvents({ parent: station, pageSize: 100, pageToken }, CALL);
    return { items: answer.events, next: answer.nextPageToken };
  });
  const wanted = search.trim().toLowerCase();
  const shown = list.items?.filter((event) => `${event.kind} ${sentenceOf(event)}`.toLowerCase().includes(wanted));
  return (
    <section class="panel" aria-label={w("station.events")}>
      <div class="panel-head">
        <h2>{w("station.events")}</h2>
        <Search label={w("event.search")} value={search} set={setSearch} />
      </div>
      {!shown && !list.failure && <Loading />}
      {shown?.length === 0 && <Nothing title={w("event.none")} />}
      {shown && <Events events={shown} linked />}
      <More {...list} />
    </section>
  );
}
