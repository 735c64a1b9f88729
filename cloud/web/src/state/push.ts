/** Web Push on this device: what the browser allows, asked for and taken back. */

import { CALL } from "../api/clients";
import { notifications } from "../api/driving";
import type { NotificationSettings } from "../gen/powerctl/v1/notification_pb";

export type PushState = "unsupported" | "denied" | "off" | "on";

/** The key of RFC 8292 as PushManager takes it. */
export function keyBytes(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function supported(): boolean {
  return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
}

/** Undefined: no worker is at work here. */
async function registration(): Promise<ServiceWorkerRegistration | undefined> {
  return (await navigator.serviceWorker.getRegistration()) ?? undefined;
}

export async function pushState(): Promise<PushState> {
  if (!supported()) return "unsupported";
  const worker = await registration();
  if (!worker) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  return (await worker.pushManager.getSubscription()) ? "on" : "off";
}

function encoded(bytes: ArrayBuffer | null): string {
  const text = String.fromCharCode(...new Uint8Array(bytes ?? new ArrayBuffer(0)));
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** Ask the person and the browser, and tell the cloud. Throws what either of them said. */
export async function enablePush(settings: NotificationSettings): Promise<PushState> {
  const worker = await registration();
  if (!worker) return "unsupported";
  if ((await Notification.requestPermission()) !== "granted") return "denied";
  const options = { userVisibleOnly: true, applicationServerKey: keyBytes(settings.pushKey) };
  const made = await worker.pushManager.subscribe(options);
  const keys = { p256dh: encoded(made.getKey("p256dh")), auth: encoded(made.getKey("auth")) };
  await notifications.createPushSubscription({ pushSubscription: { endpoint: made.endpoint, ...keys } }, CALL);
  return "on";
}

/** Nothing more comes to this device; what the cloud keeps of it dies with the endpoint. */
export async function disablePush(): Promise<PushState> {
  const worker = await registration();
  await (await worker?.pushManager.getSubscription())?.unsubscribe();
  return "off";
}
