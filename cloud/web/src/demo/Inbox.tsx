import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { createClient } from "@connectrpc/connect";
import { CALL, transport } from "../api/clients";
import { notifications } from "../api/driving";
import { milliseconds, moment } from "../format/time";
import { DemoService, type Mail } from "../gen/powerctl/v1/demo_pb";
import type { NotificationSettings } from "../gen/powerctl/v1/notification_pb";
import { fill, locale } from "../i18n";
import { link } from "../routes";
import { account, now } from "../state/app";
import { useCall } from "../state/call";
import { useLoaded } from "../state/loaded";
import { Alert, Failed, Loading } from "../ui/Notice";
import { words } from "./words";

const EVERY_MS = 2000;
const client = createClient(DemoService, transport);

interface Post {
  readonly settings: NotificationSettings;
  readonly mails: readonly Mail[];
}

async function fetch(): Promise<Post> {
  const [settings, { mails }] = await Promise.all([
    notifications.getNotificationSettings({}, CALL),
    client.listMails({}, CALL),
  ]);
  return { settings, mails };
}

/** An address of the caller's own, at a domain that is nobody's (RFC 2606). */
function ownAddress(): string {
  const { value } = account;
  const user = value.status === "signed-in" ? value.principal.name.replace(/^users\//, "") : "driver";
  return `${user}@demo.example`;
}

async function haveThemSent(): Promise<void> {
  const settings = { email: ownAddress(), onFinished: true, onStopped: true, onSlowed: true };
  const paths = ["email", "on_finished", "on_stopped", "on_slowed"];
  await notifications.updateNotificationSettings({ settings, updateMask: { paths } }, CALL);
}

/** A line of a mail; an address in this app can be followed. */
function Line({ line }: { readonly line: string }): JSX.Element | null {
  const here = `${window.location.origin}/#/`;
  if (!line) return null;
  return <p>{line.startsWith(here) ? <a href={line.slice(here.length - 2)}>{line}</a> : line}</p>;
}

function Letter({ mail }: { readonly mail: Mail }): JSX.Element {
  const at = mail.receiveTime && milliseconds(mail.receiveTime);
  return (
    <li class="letter">
      <h2>
        {mail.subject}
        {at !== undefined && <time dateTime={new Date(at).toISOString()}>{moment(locale(), at, now.value)}</time>}
      </h2>
      {mail.text.split("\n").map((line, index) => (
        <Line key={index} line={line} />
      ))}
    </li>
  );
}

function Letters({ settings, mails }: Post): JSX.Element {
  if (!mails.length) {
    return (
      <section class="panel">
        <h2>{words().inbox.none}</h2>
        <p>{words().inbox.noneLead}</p>
        <p class="letters-ways">
          <a class="button primary" href={link.home}>
            {words().inbox.station}
          </a>
          <a class="button" href={link.account}>
            {words().inbox.settings}
          </a>
        </p>
      </section>
    );
  }
  return (
    <ul class="panel plain letters" aria-label={fill(words().inbox.list, { email: settings.email })}>
      {mails.map((mail) => (
        <Letter key={`${mail.receiveTime?.seconds} ${mail.receiveTime?.nanos}`} mail={mail} />
      ))}
    </ul>
  );
}

function Ask({ done }: { done(): void }): JSX.Element {
  const call = useCall();
  return (
    <section class="panel">
      <h2>{words().inbox.nowhere}</h2>
      <p>{words().inbox.nowhereLead}</p>
      <button
        class="button primary"
        type="button"
        disabled={call.busy}
        onClick={() => void call.run(haveThemSent).then(done)}
      >
        {words().inbox.here}
      </button>
      <Alert sentence={call.failure} />
    </section>
  );
}

/** The e-mails that the demo's cloud has sent to the person here, as its own mail server received them. */
export default function InboxPage(): JSX.Element {
  const [post, again] = useLoaded("inbox", fetch);
  useEffect(() => {
    const timer = setInterval(again, EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const email = post.status === "ready" ? post.value.settings.email : "";
  return (
    <div class="page page-narrow">
      <h1>{words().inbox.title}</h1>
      <p>{words().inbox.lead}</p>
      {email && <p class="small">{fill(words().inbox.address, { email })}</p>}
      {post.status === "loading" && <Loading />}
      {post.status === "failed" && <Failed sentence={post.sentence} retry={again} />}
      {post.status === "ready" && (email ? <Letters {...post.value} /> : <Ask done={again} />)}
    </div>
  );
}
