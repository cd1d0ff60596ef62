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

  /** Whether this is new; what is not has been shown, or is older than what was. */
  accept(tag, generation, now) {
    const answer = this.turn.then(async () => {
      const seen = (await this.store.read()) ?? {};
      for (const [known, entry] of Object.entries(seen)) {
        if (now - entry.at > KEEP_MS) delete seen[known];
      }
      if (seen[tag] && Number(generation) <= seen[tag].generation) return false;
      seen[tag] = { generation: Number(generation), at: now };
      await this.store.write(seen);
      return true;
    });
    this.turn = answer.catch(() => {});
    return answer;
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

/** What a push does: shows something, with a sound only if nothing of its tag is on the screen; or takes it away. */
export async function onPush(push, seen, registration, now) {
  const notification = push.notification ?? push;
  const data = notification.data ?? {};
  const tag = data.collapse;
  // A store that fails must not lose a push: rather twice than never.
  const fresh = () => seen.accept(tag, data.generation, now).catch(() => true);
  if (tag && data.generation && !(await fresh())) return "old";
  const shown = tag ? await registration.getNotifications({ tag }) : [];
  if (data.action === "invalidate") {
    shown.forEach((one) => one.close());
    return "removed";
  }
  // Late, or the end of a ring: quietly, in place of what stands there. Browsers punish a push that shows nothing.
  const late = data.notAfter && Number(data.notAfter) <= now;
  await registration.showNotification(notification.title ?? DEFAULT_TITLE, {
    body: notification.body ?? "",
    tag,
    data,
    silent: Boolean(late) || shown.length > 0 || data.action === "cancel_ring",
    renotify: false,
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
