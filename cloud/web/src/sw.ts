/// <reference lib="webworker" />
/**
 * The service worker: keeps the page itself on the device, and shows messages that come while it is closed.
 *
 * The page is asked for at the server first, so that a new version is seen at once; its files are named by their
 * content and come from the device. Calls of the API are never touched: an old answer must not look like a new one.
 */

declare const self: ServiceWorkerGlobalScope;

/** Written by the bundler: the files of this version, and a name that changes with them. */
declare const __FILES__: readonly string[];
declare const __VERSION__: string;

const CACHE = `powerctl ${__VERSION__}`;
const SHELL = "/index.html";
/** Where a message leads that names no page. */
const CHARGES = "/#/sessions";
/** The version before this one is kept: a page that is still open asks for its files. */
const KEPT_VERSIONS = 2;
/** A network that takes longer than this to say anything is a tunnel. */
const PATIENCE_MS = 4_000;

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll([SHELL, ...__FILES__]);
  await self.skipWaiting();
}

async function activate(): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith("powerctl "));
  const old = names.filter((name) => name !== CACHE);
  await Promise.all(old.slice(0, Math.max(0, old.length - KEPT_VERSIONS + 1)).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function page(request: Request): Promise<Response> {
  const impatient = new AbortController();
  const timer = setTimeout(() => impatient.abort(), PATIENCE_MS);
  try {
    const fresh = await fetch(request, { signal: impatient.signal });
    if (fresh.ok) return fresh;
  } catch {
    // Offline, or as good as.
  } finally {
    clearTimeout(timer);
  }
  return (await caches.match(SHELL)) ?? Response.error();
}

async function file(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (__FILES__.includes(pathname)) event.respondWith(file(request));
});

interface Message {
  readonly title?: string;
  readonly body?: string;
  /** What it is about; a newer message of the same kind replaces the older one. */
  readonly kind?: string;
  /** Fragment of the page that it is about. */
  readonly url?: string;
}

function messageOf(data: PushMessageData | null): Message {
  try {
    return (data?.json() as Message | undefined) ?? {};
  } catch {
    return { body: data?.text() ?? "" };
  }
}

self.addEventListener("push", (event) => {
  const { title = "powerctl", body = "", kind = "charging", url = CHARGES } = messageOf(event.data);
  const options = { body, tag: kind, icon: "/icon-192.png", badge: "/icon-192.png", data: url };
  event.waitUntil(self.registration.showNotification(title, options));
});

async function show(url: string): Promise<void> {
  const target = new URL(url, self.location.origin);
  // A message can lead to this page only.
  const safe = target.origin === self.location.origin ? target.href : self.location.origin;
  const [open] = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (!open) return void (await self.clients.openWindow(safe));
  await open.navigate(safe).catch(() => null);
  await open.focus();
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show(String(event.notification.data ?? "/")));
});

export {};
