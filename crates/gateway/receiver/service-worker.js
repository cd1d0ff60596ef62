// A service worker that shows what the gateway sends, and each thing once. Serve it as it is and register it with
// `{ type: "module" }`; where browsers without module workers count, drop the word `export`.
//
// A push carries `data.collapse` (what it replaces: the notification's tag), `data.generation` (a decimal number that grows with
// everything under this tag; compare as BigInt or as below, never as text) and, if it takes something back, `data.action`.

const KEEP_MS = 24 * 60 * 60 * 1000;
// Of a push that cannot be read: browsers punish one that shows nothing.
const DEFAULT_TITLE = "New message";

/** Remembers the highest generation of each tag for a day. `store` has async `read()` -> object and `write(object)`. */
export class Seen {
  constructor(store) {
    this.store = store;
    // Pushes that come at the same time take their turns: two of them must not read the same state.
    this.turn = Promise.resolve();
  }

  /**
   * Does `show` if this is new, and says what it says; what is not new has been shown, or is older than what was: "old".
   * It is noted last. A worker that is stopped in between, or could not show it, has not seen it, and the gateway's
   * repetition is shown: under the same tag it takes the other one's place.
   */
  once(tag, generation, now, show) {
    const answer = this.turn.then(async () => {
      // A store that fails must not lose a push: rather twice than never.
      const seen = await this.read(now).catch(() => null);
      if (seen?.[tag] && Number(generation) <= seen[tag].generation) return "old";
      const shown = await show();
      if (seen) {
        seen[tag] = { generation: Number(generation), at: now };
        await this.store.write(seen).catch(() => {});
      }
      return shown;
    });
    this.turn = answer.catch(() => {});
    return answer;
  }

  async read(now) {
    const seen = (await this.store.read()) ?? {};
    for (const [known, entry] of Object.entries(seen)) {
      if (now - entry.at > KEEP_MS) delete seen[known];
    }
    return seen;
  }
}

/** What a push carries; nothing, if it is none of ours. */
export function read(data) {
  try {
    const value = data?.json();
    return value !== null && typeof value === "object" ? value : {};
  } catch {
    return {};
  }
}

/** What a push does, once: shows something or takes it away. */
export async function onPush(push, seen, registration, now) {
  const notification = push.notification ?? push;
  const { collapse, generation } = notification.data ?? {};
  const act = () => show(notification, registration, now);
  return collapse && generation ? seen.once(collapse, generation, now, act) : act();
}

/** With a sound, unless it is late or stands on the screen already. Another ring of the same call is another one. */
async function show(notification, registration, now) {
  const data = notification.data ?? {};
  const tag = data.collapse;
  const shown = tag ? await registration.getNotifications({ tag }) : [];
  if (data.action === "invalidate") {
    shown.forEach((one) => one.close());
    return "removed";
  }
  const known = shown.some((one) => one.data?.episode === data.episode);
  // Late, or the end of a ring: quietly, in place of what stands there. Browsers punish a push that shows nothing.
  const late = data.notAfter && Number(data.notAfter) <= now;
  const silent = Boolean(late) || known || data.action === "cancel_ring";
  await registration.showNotification(notification.title ?? DEFAULT_TITLE, {
    body: notification.body ?? "",
    tag,
    data,
    silent,
    // What takes another one's place makes no sound otherwise.
    renotify: shown.length > 0 && !silent,
  });
  return "shown";
}

/** The browser's own store: it survives the worker, which is stopped between two pushes. */
export function cacheStore(caches, name = "reveille-seen") {
  const url = "/reveille-seen";
  return {
    read: async () => (await (await caches.open(name)).match(url))?.json(),
    write: async (seen) => (await caches.open(name)).put(url, new Response(JSON.stringify(seen))),
  };
}

if (typeof ServiceWorkerGlobalScope !== "undefined" && self instanceof ServiceWorkerGlobalScope) {
  const seen = new Seen(cacheStore(self.caches));
  self.addEventListener("push", (event) => {
    event.waitUntil(onPush(read(event.data), seen, self.registration, Date.now()));
  });
}
