/** The service worker: the page opens without a network, and messages reach a closed page. */

/** Only where the browser allows it: over TLS, and on this machine. */
export function registerWorker(): void {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  window.addEventListener("load", () => void navigator.serviceWorker.register("/sw.js").catch(() => undefined));
}
