// The demonstration's worker. What a push shows, and that it shows it once, is the business of the gateway's own receiver;
// this leads a click to its conversation, tells open pages, and keeps the subscription alive.

import { read } from "/receiver.js";

const options = new URL(location.href).searchParams;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(tell(event.data)));

/** Open pages show it, too. */
async function tell(data) {
  const push = read(data);
  const { title, body, data: facts } = push.notification ?? push;
  if (title) {
    const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    for (const page of pages) page.postMessage({ type: "message", title, body, conversation: facts?.conversationId });
  }
  if (facts?.test) await displayed(facts);
  if (options.has("receipts")) await report(data ? new Uint8Array(data.arrayBuffer()) : null);
}

/** The operator's test of Web Push: says so when it stands on the screen. */
async function displayed({ test, displayed }) {
  for (let round = 0; round < 100; round++) {
    const shown = await self.registration.getNotifications();
    if (shown.some((notification) => notification.data?.test === test)) {
      await send("POST", new URL(displayed, location.origin).pathname, {});
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { link, resumeToken } = event.notification.data ?? {};
  // Behind the #: the page reads it, no request carries it. A notification leads to this site and nowhere else.
  const target = new URL(typeof link === "string" ? link : "/", location.origin);
  if (resumeToken) target.hash = `resume=${resumeToken}`;
  event.waitUntil(open(target.origin === location.origin ? target.href : "/"));
});

/** Focuses a page that is open and leads it to the conversation, or opens one. */
async function open(url) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((candidate) => candidate.url.split("#")[0] === url.split("#")[0]) ?? pages[0];
  if (!page) return self.clients.openWindow(url);
  await page.focus();
  return page.navigate(url).catch(() => self.clients.openWindow(url));
}

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew()));

/** The push service ended the subscription: make a new one and let it take the old one's place. */
async function renew() {
  const start = await send("POST", "/demo/session", { user: options.get("user") });
  const { app, token, applicationServerKey } = await start.json();
  const subscription = await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  await send("PUT", `/v1/devices/${app}/${options.get("device")}`, { platform: "web", subscription }, token);
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const page of pages) page.postMessage({ type: "subscription" });
}

/** For tests: tells the service what arrived, byte for byte, and unsubscribes when told to. */
async function report(bytes) {
  await send("POST", "/demo/receipts", { received: bytes && btoa(String.fromCharCode(...bytes)) });
  if (bytes && new TextDecoder().decode(bytes) === "test: unsubscribe") {
    const subscription = await self.registration.pushManager.getSubscription();
    await subscription?.unsubscribe();
    await send("POST", "/demo/receipts", { unsubscribed: true });
  }
}

function send(method, path, body, token) {
  const headers = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
  return fetch(path, { method, headers, body: JSON.stringify(body) });
}
