// The page: subscribes, shows what arrives while it is open, unsubscribes.
// `?auto` subscribes on load, `?user=NAME` chooses the user; a notification leads to `/conversations/ID`.

import { call, conversation, device, session, user } from "/session.js";

const query = new URLSearchParams(location.search);
const element = (id) => document.getElementById(id);

function show(state, text) {
  element("status").dataset.state = state;
  element("status").textContent = text;
}

const toBase64url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/** The subscription, or null. Firefox never answers a question put while its push service starts: ask again. */
async function currentSubscription(registration) {
  for (;;) {
    const silence = new Promise((resolve) => setTimeout(resolve, 2000));
    const answer = await Promise.race([registration.pushManager.getSubscription(), silence]);
    if (answer !== undefined) return answer;
  }
}

async function subscribe(registration) {
  const { app, applicationServerKey } = await session();
  let subscription = await currentSubscription(registration);
  // A subscription made with another key can never be used again (RFC 8292 §4.2).
  const bound = subscription?.options?.applicationServerKey;
  if (subscription && (!bound || toBase64url(bound) !== applicationServerKey)) {
    await subscription.unsubscribe();
    subscription = null;
  }
  subscription ??= await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  await call("PUT", `/v1/devices/${app}/${device}`, { platform: "web", subscription });
  if (query.has("receipts")) await call("POST", "/demo/receipts", { subscription });
  localStorage.setItem("user", user);
  return subscription;
}

async function refresh(registration) {
  const subscription = await currentSubscription(registration);
  element("subscribe").disabled = Boolean(subscription);
  element("unsubscribe").disabled = !subscription;
  if (subscription) {
    // Tell the server on every visit: it may have forgotten us, and a subscription that is told again costs nothing.
    await subscribe(registration);
    show("on", `Subscribed as ${user}.`);
  } else {
    show("off", "Not subscribed.");
  }
}

function addMessage({ title, body, conversation }) {
  const item = document.createElement("li");
  const heading = document.createElement("strong");
  heading.textContent = title;
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString() + (conversation ? `, conversation ${conversation}` : "");
  item.append(heading, body ?? "", document.createElement("br"), time);
  element("messages").prepend(item);
  element("none").textContent = "Send another:";
}

/** Two events, as an event source sends them: the user takes part, and an agent writes. */
function command() {
  const event = (id, type, data) =>
    JSON.stringify({ specversion: "1.0", id, source: "/me", type: `reveille.conversation.${type}`, data });
  const about = conversation ?? "42";
  const joined = event("join-'$NOW'", "joined", { conversation: about, person: user, role: "visitor" });
  const message = { conversation: about, sender: "smith", role: "primary", sender_name: "Agent Smith", preview: "Hello!" };
  return `KEY=$(sed -n 's/^api = "\\(.*\\)"/\\1/p' gateway-data/keys.toml); NOW=$(date +%s)
curl ${location.origin}/v1/events -H "Authorization: Bearer $KEY" \\
  -H 'content-type: application/cloudevents-batch+json' \\
  -d '[${joined},
       ${event("message-'$NOW'", "message_sent", message)}]'`;
}

async function start() {
  if (conversation) element("conversation").textContent = `conversation ${conversation}`;
  element("command").textContent = command();
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
    show("error", "This browser has no Web Push here. On iOS, add the page to the home screen first.");
    return;
  }
  const names = new URLSearchParams({ user, device, ...(query.has("receipts") ? { receipts: "" } : {}) });
  await navigator.serviceWorker.register(`/service-worker.js?${names}`, { type: "module" });
  const registration = await navigator.serviceWorker.ready;
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data.type === "message") addMessage(data);
    if (data.type === "subscription") refresh(registration);
  });

  const act = (work) => async () => {
    try {
      await work();
      await refresh(registration);
    } catch (error) {
      const denied = Notification.permission === "denied";
      show("error", denied ? "Notifications are blocked for this page in the browser's settings." : String(error.message));
    }
  };
  const turnOn = act(() => subscribe(registration));
  element("subscribe").addEventListener("click", turnOn);
  element("unsubscribe").addEventListener(
    "click",
    act(async () => {
      const subscription = await currentSubscription(registration);
      if (!subscription) return;
      // The server may know nothing of it any more; that is no reason to keep it here.
      const { app } = await session();
      await call("DELETE", `/v1/devices/${app}/${device}`).catch(() => {});
      await subscription.unsubscribe();
      localStorage.removeItem("user");
    }),
  );
  await act(async () => {})();
  if (query.has("auto")) await turnOn();
}

start().catch((error) => show("error", String(error.message)));
