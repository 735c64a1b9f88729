import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Act } from "../gen/powerctl/v1/demo_pb";
import { acts, failed, follow, idOf, last, play } from "./acts";
import { link } from "../routes";
import { words, wordsOf } from "./words";

function ActButton({ act }: { readonly act: Act }): JSX.Element {
  const { begin, end } = wordsOf(idOf(act));
  return (
    <button class={act.active ? "act act-on" : "act"} type="button" disabled={act.busy} onClick={() => void play(act)}>
      <i aria-hidden="true" />
      {act.active && end ? end : begin}
    </button>
  );
}

function Told(): JSX.Element {
  const deed = last.value;
  const said = deed ? wordsOf(deed.act) : null;
  const sentence = failed.value ? words().failed : said ? (deed?.begun ? said.begun : said.ended) : words().lead;
  return (
    <p class="acts-told" role="status">
      {sentence}
    </p>
  );
}

/** The buttons of the demo: each does to the running programs what it says. */
export function Acts(): JSX.Element | null {
  useEffect(() => {
    const stop = new AbortController();
    void follow(stop.signal);
    return () => stop.abort();
  }, []);
  if (!acts.value) return failed.value ? null : <div class="acts acts-room" aria-hidden="true" />;
  if (!acts.value.length) return null;
  return (
    <section class="acts panel" aria-labelledby="acts-title">
      <div>
        <h2 id="acts-title">{words().title}</h2>
        <Told />
      </div>
      <div class="acts-row">
        {acts.value.map((act) => (
          <ActButton key={act.name} act={act} />
        ))}
      </div>
      <p class="acts-inbox">
        <a href={link.inbox}>{words().inbox.title}</a>
      </p>
    </section>
  );
}
