/** Ways in besides a link: as a guest, with a password, with a new account. */

import { CALL, identity } from "../api/clients";
import { signedIn } from "./app";

export async function asGuest(): Promise<void> {
  signedIn((await identity.signInAsGuest({}, CALL)).principal);
}

export async function withPassword(user: string, password: string, oneTimeCode: string): Promise<void> {
  signedIn((await identity.signInWithPassword({ user, password, oneTimeCode }, CALL)).principal);
}

export async function signUp(userId: string, displayName: string, password: string): Promise<void> {
  signedIn((await identity.signUp({ userId, displayName, password }, CALL)).principal);
}
