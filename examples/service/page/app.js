// The page: subscribes, shows what arrives while it is open, unsubscribes.
// `?auto` subscribes on load, `?user=NAME` chooses the user, `?conversation=ID` is where a notification leads.

const query = new URLSearchParams(location.search);
// Who subscribed here stays subscribed here: a link with another name does not take the device away.
const user = localStorage.getItem("user") ?? query.get("user") ?? "guest";
const element = (id) => document.getElementById(id);

function show(state, text) {
  element("status").dataset.state = state;
  element("status").textContent = text;
}

function api(method, path, body) {
  const headers = { "content-type": "application/json" };
  return fetch(path, { method, headers, body: body && JSON.stringify(body) }).then(async (response) => {
    if (!response.ok) throw new Error((await response.json().catch(() => ({}))).error ?? response.statusText);
    return response;
  });
}

async function serverKey() {
  return (await (await api("GET", "/v1/config")).json()).applicationServerKey;
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
  const key = await serverKey();
  let subscription = await currentSubscription(registration);
  // A subscription made with another key can never be used again (RFC 8292 §4.2).
  const bound = subscription?.options?.applicationServerKey;
  if (subscription && (!bound || toBase64url(bound) !== key)) {
    await subscription.unsubscribe();
    subscription = null;
  }
  subscription ??= await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  await api("POST", "/v1/subscriptions", { user, subscription });
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

async function start() {
  const conversation = query.get("conversation");
  if (conversation) element("conversation").textContent = `conversation ${conversation}`;
  const event = { topic: "v2.detail.events.conversation.42.message", user, from: "Agent Smith", text: "Hello!" };
  element("command").textContent =
    `curl ${location.origin}/v1/events \\\n  -H 'content-type: application/json' \\\n  -d '${JSON.stringify(event).replaceAll("'", "'\\''")}'`;
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
    show("error", "This browser has no Web Push here. On iOS, add the page to the home screen first.");
    return;
  }
  const receipts = query.has("receipts") ? "&receipts" : "";
  const worker = `/service-worker.js?user=${encodeURIComponent(user)}${receipts}`;
  await navigator.serviceWorker.register(worker);
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
      await api("DELETE", "/v1/subscriptions", { endpoint: subscription.endpoint }).catch(() => {});
      await subscription.unsubscribe();
      localStorage.removeItem("user");
    }),
  );
  await act(async () => {})();
  if (query.has("auto")) await turnOn();
}

start().catch((error) => show("error", String(error.message)));
