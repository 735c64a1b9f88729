/** Ways in besides a link: as a guest, with a password, with a new account. */

import { CALL, identity } from "../api/clients";
import { Role } from "../gen/powerctl/v1/identity_pb";
import { go, link } from "../routes";
import { route, signedIn } from "./app";

export async function asGuest(): Promise<void> {
  signedIn((await identity.signInAsGuest({}, CALL)).principal);
}

/** Who works here is taken to the work, unless a page was asked for. */
export async function withPassword(user: string, password: string, oneTimeCode: string): Promise<void> {
  const { principal } = await identity.signInWithPassword({ user, password, oneTimeCode }, CALL);
  signedIn(principal);
  if (principal && principal.role !== Role.DRIVER && route.peek().page === "home") {
    go(principal.role === Role.UTILITY ? link.utility : link.operate, true);
  }
}

export async function signUp(userId: string, displayName: string, password: string): Promise<void> {
  signedIn((await identity.signUp({ userId, displayName, password }, CALL)).principal);
}
