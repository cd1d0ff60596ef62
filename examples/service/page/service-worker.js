// The service worker: shows every push, leads a click to its conversation, and keeps the subscription alive.

const options = new URL(location.href).searchParams;
const user = options.get("user") ?? "guest";
const DEFAULT = { title: "New message", body: "Open the conversation to read it.", conversation: "", url: "/" };

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(receive(event.data)));

/** A push must always end in a notification, whatever it carries. */
async function receive(data) {
  const bytes = data ? new Uint8Array(data.arrayBuffer()) : null;
  const message = read(bytes);
  await self.registration.showNotification(message.title, {
    body: message.body,
    tag: message.conversation,
    renotify: message.conversation !== "",
    data: { url: message.url },
  });
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const page of pages) page.postMessage({ ...message, type: "message" });
  if (options.has("receipts")) await report(bytes);
}

/** The message, every member of the right type; the default if the bytes are none. */
function read(bytes) {
  try {
    const { title, body, conversation, url } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof title !== "string") return DEFAULT;
    const text = (value) => (typeof value === "string" ? value : "");
    const target = new URL(text(url), location.origin);
    // A notification leads to this site and nowhere else.
    const own = target.origin === location.origin ? target.href : "/";
    return { title, body: text(body), conversation: text(conversation), url: own };
  } catch {
    return DEFAULT;
  }
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.url ?? "/"));
});

/** Focuses a page that is open and leads it to the conversation, or opens one. */
async function open(url) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((candidate) => candidate.url === new URL(url, location.origin).href) ?? pages[0];
  if (!page) return self.clients.openWindow(url);
  await page.focus();
  return page.navigate(url).catch(() => self.clients.openWindow(url));
}

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event.oldSubscription)));

/** The push service ended the subscription: make a new one and let it take the old one's place. */
async function renew(old) {
  const config = await (await fetch("/v1/config")).json();
  const subscription = await self.registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: config.applicationServerKey,
  });
  await post("/v1/subscriptions", { user, subscription, replaces: old?.endpoint });
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const page of pages) page.postMessage({ type: "subscription" });
}

/** For tests: tells the gateway what arrived, byte for byte, and unsubscribes when told to. */
async function report(bytes) {
  await post("/v1/receipts", { received: bytes && btoa(String.fromCharCode(...bytes)) });
  if (bytes && new TextDecoder().decode(bytes) === "test: unsubscribe") {
    const subscription = await self.registration.pushManager.getSubscription();
    await subscription?.unsubscribe();
    await post("/v1/receipts", { unsubscribed: true });
  }
}

function post(path, body) {
  const headers = { "content-type": "application/json" };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
}
