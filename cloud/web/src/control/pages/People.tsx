import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CALL } from "../../api/clients";
import { Role } from "../../gen/powerctl/v1/identity_pb";
import type { User } from "../../gen/powerctl/v1/user_pb";
import { Loading } from "../../ui/Notice";
import { users } from "../api";
import { w, type Word } from "../i18n";
import { idOf } from "../routes";
import { ask } from "../state/deeds";
import { usePaged } from "../state/paged";
import { Field, FormDialog, Select, type Values } from "../ui/Form";
import { Badge, Head, Moment, More, Nothing } from "../ui/parts";
import { Secret, type Secrets } from "../ui/Secret";
import { Table, type Column } from "../ui/Table";

const ROLES: readonly (readonly [Role, Word])[] = [
  [Role.OPERATOR, "role.operator"],
  [Role.OPERATOR_VIEW, "role.operatorView"],
  [Role.OWNER, "role.owner"],
  [Role.BILLING, "role.billing"],
  [Role.UTILITY, "role.utility"],
  [Role.AUDITOR, "role.auditor"],
  [Role.ADMIN, "role.admin"],
  [Role.DRIVER, "role.driver"],
];

function roleWords(role: Role): string {
  return w(ROLES.find(([one]) => one === role)?.[1] ?? "role.driver");
}

function options(): readonly (readonly [string, string])[] {
  return ROLES.map(([role, key]) => [String(role), w(key)]);
}

function locationsOf(text: string): string[] {
  return text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((id) => (id.startsWith("locations/") ? id : `locations/${id}`));
}

/** Four groups of letters and digits from the browser's random source: 77 bits. */
function password(): string {
  const letters = "abcdefghjkmnpqrstuvwxyz23456789";
  const random = crypto.getRandomValues(new Uint32Array(16));
  const text = Array.from(random, (number) => letters[number % letters.length]).join("");
  return text.replace(/(.{4})(?=.)/g, "$1-");
}

interface DialogProps {
  close(): void;
  changed(): void;
  show(secrets: Secrets): void;
}

function NewPerson({ close, changed, show }: DialogProps): JSX.Element {
  const submit = (of: Values): void => {
    const [userId, secret] = [of("user"), password()];
    const user = { displayName: of("name"), role: Number(of("role")) as Role, locations: locationsOf(of("locations")) };
    ask({
      title: w("people.new"),
      body: w("people.newBody", { who: userId, role: roleWords(user.role) }),
      label: w("people.new"),
      method: "CreateUser",
      act: async () => {
        const answer = await users.createUser({ userId, user, password: secret }, CALL);
        close();
        changed();
        show({ user: userId, password: secret, uri: answer.secondFactorUri });
      },
    });
  };
  return (
    <FormDialog title={w("people.new")} label={w("form.next")} close={close} submit={submit}>
      <Field label={w("people.id")} name="user" pattern="[a-z0-9][a-z0-9\-]{1,62}" hint={w("people.idHint")} />
      <Field label={w("people.name")} name="name" />
      <Select label={w("people.role")} name="role" options={options()} />
      <Field label={w("people.locations")} name="locations" hint={w("people.locationsHint")} optional />
    </FormDialog>
  );
}

function ChangePerson({ user, close, changed }: Omit<DialogProps, "show"> & { readonly user: User }): JSX.Element {
  const submit = (of: Values): void => {
    const next = {
      name: user.name,
      displayName: of("name"),
      role: Number(of("role")) as Role,
      locations: locationsOf(of("locations")),
    };
    ask({
      title: w("people.change", { who: idOf(user.name) }),
      body: w("people.changeBody", { role: roleWords(next.role) }),
      label: w("people.save"),
      method: "UpdateUser",
      act: async () => {
        await users.updateUser({ user: next, updateMask: { paths: ["display_name", "role", "locations"] } }, CALL);
        close();
        changed();
      },
    });
  };
  const owned = user.locations.map(idOf).join(", ");
  return (
    <FormDialog
      title={w("people.change", { who: idOf(user.name) })}
      label={w("form.next")}
      close={close}
      submit={submit}
    >
      <Field label={w("people.name")} name="name" value={user.displayName} />
      <Select label={w("people.role")} name="role" value={String(user.role)} options={options()} />
      <Field label={w("people.locations")} name="locations" value={owned} hint={w("people.locationsHint")} optional />
    </FormDialog>
  );
}

function flip(user: User, changed: () => void): void {
  const verb = user.disabled ? "enable" : "disable";
  ask({
    title: w(`people.${verb}`, { who: idOf(user.name) }),
    body: w(`people.${verb}Body`),
    label: w(`people.${verb}Label`),
    danger: !user.disabled,
    method: "UpdateUser",
    act: async () => {
      const next = { name: user.name, disabled: !user.disabled };
      await users.updateUser({ user: next, updateMask: { paths: ["disabled"] } }, CALL);
      changed();
    },
  });
}

function reset(user: User, show: (secrets: Secrets) => void): void {
  const secret = password();
  ask({
    title: w("people.reset", { who: idOf(user.name) }),
    body: w("people.resetBody"),
    label: w("people.resetLabel"),
    danger: true,
    method: "ResetCredentials",
    act: async () => {
      const answer = await users.resetCredentials({ name: user.name, password: secret }, CALL);
      show({ user: idOf(user.name), password: secret, uri: answer.secondFactorUri });
    },
  });
}

interface Verbs {
  edit(user: User): void;
  changed(): void;
  show(secrets: Secrets): void;
}

function columns({ edit, changed, show }: Verbs): readonly Column<User>[] {
  return [
    {
      key: "name",
      title: w("people.name"),
      by: (user) => user.displayName,
      cell: (user) => (
        <span class="row-link">
          <strong>{user.displayName}</strong>
          <small>{idOf(user.name)}</small>
        </span>
      ),
    },
    { key: "role", title: w("people.role"), by: (user) => user.role, cell: (user) => roleWords(user.role) },
    {
      key: "state",
      title: w("people.state"),
      by: (user) => Number(user.disabled),
      cell: (user) => (
        <Badge tone={user.disabled ? "bad" : "good"}>{w(user.disabled ? "people.disabled" : "people.active")}</Badge>
      ),
    },
    { key: "since", title: w("people.since"), cell: (user) => <Moment time={user.createTime} /> },
    {
      key: "do",
      title: "",
      cell: (user) => (
        <span class="row-buttons">
          <button class="button quiet" type="button" onClick={() => edit(user)}>
            {w("people.edit")}
          </button>
          <button class="button quiet" type="button" onClick={() => reset(user, show)}>
            {w("people.resetLabel")}
          </button>
          <button class="button quiet" type="button" onClick={() => flip(user, changed)}>
            {w(user.disabled ? "people.enableLabel" : "people.disableLabel")}
          </button>
        </span>
      ),
    },
  ];
}

export function PeoplePage(): JSX.Element {
  const [making, make] = useState(false);
  const [editing, edit] = useState<User>();
  const [secrets, show] = useState<Secrets>();
  const list = usePaged("people", async (pageToken) => {
    const answer = await users.listUsers({ pageSize: 100, pageToken }, CALL);
    return { items: answer.users, next: answer.nextPageToken };
  });
  const verbs: Verbs = { edit, changed: list.again, show };
  return (
    <>
      <Head title={w("nav.people")} lead={w("people.lead")}>
        <button class="button primary" type="button" onClick={() => make(true)}>
          {w("people.new")}
        </button>
      </Head>
      {secrets && <Secret secrets={secrets} close={() => show(undefined)} />}
      {!list.items && !list.failure && <Loading />}
      {list.items?.length === 0 && <Nothing title={w("people.none")} lead={w("people.noneLead")} />}
      {list.items && list.items.length > 0 && (
        <Table label={w("nav.people")} columns={columns(verbs)} rows={list.items} id={(user) => user.name} />
      )}
      <More {...list} />
      {making && <NewPerson close={() => make(false)} changed={list.again} show={show} />}
      {editing && <ChangePerson user={editing} close={() => edit(undefined)} changed={list.again} />}
    </>
  );
}
