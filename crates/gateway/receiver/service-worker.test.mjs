// node --test crates/gateway/receiver/service-worker.test.mjs
import assert from "node:assert/strict";
import { test } from "node:test";
import { readFile } from "node:fs/promises";

const source = await readFile(new URL("service-worker.js", import.meta.url));
const { Seen, onPush, read } = await import(`data:text/javascript;base64,${source.toString("base64")}`);

/** A slow store, as browsers have: whoever does not wait for it reads what is over. */
function memory() {
  let kept;
  const later = () => new Promise((done) => setTimeout(done, 1));
  return {
    read: async () => (await later(), structuredClone(kept)),
    write: async (seen) => (await later(), void (kept = structuredClone(seen))),
  };
}

/** A screen with notifications. */
function screen() {
  const shown = new Map();
  const log = [];
  return {
    log,
    shown,
    getNotifications: async ({ tag }) =>
      shown.has(tag) ? [{ close: () => shown.delete(tag), data: shown.get(tag) }] : [],
    showNotification: async (title, options) => {
      assert.ok(!options.renotify || (options.tag && !options.silent), "browsers refuse it");
      // What takes another one's place is silent, unless it says otherwise.
      const silent = options.silent || (shown.has(options.tag) && !options.renotify);
      shown.set(options.tag, options.data);
      log.push([title, silent]);
    },
  };
}

const push = (title, generation, more = {}) => ({
  notification: { title, data: { collapse: "t", generation: String(generation), ...more } },
});

test("the same again is not shown, nor is an older one", async () => {
  const [seen, registration] = [new Seen(memory()), screen()];
  assert.equal(await onPush(push("one", 1000), seen, registration, 1), "shown");
  assert.equal(await onPush(push("one", 1000), seen, registration, 2), "old");
  assert.equal(await onPush(push("two", 1001), seen, registration, 3), "shown");
  assert.equal(await onPush(push("older", 999), seen, registration, 4), "old");
  assert.deepEqual(registration.log, [["one", false], ["two", true]], "no second sound");
});

test("numbers are compared, not texts", async () => {
  const [seen, registration] = [new Seen(memory()), screen()];
  await onPush(push("nine", 9), seen, registration, 1);
  assert.equal(await onPush(push("ten", 10), seen, registration, 2), "shown");
});

test("two that come at once take their turns", async () => {
  const [seen, registration] = [new Seen(memory()), screen()];
  const both = await Promise.all([push("a", 5), push("a", 5)].map((one) => onPush(one, seen, registration, 1)));
  assert.deepEqual(both.toSorted(), ["old", "shown"]);
});

test("a worker that was stopped remembers", async () => {
  const [store, registration] = [memory(), screen()];
  await onPush(push("a", 5), new Seen(store), registration, 1);
  assert.equal(await onPush(push("a", 5), new Seen(store), registration, 2), "old");
});

test("after a day it forgets", async () => {
  const [seen, registration] = [new Seen(memory()), screen()];
  await onPush(push("a", 5), seen, registration, 1);
  assert.equal(await onPush(push("a", 5), seen, registration, 25 * 3_600_000), "shown");
});

test("a ring that was cancelled before it came does not ring", async () => {
  const [seen, registration] = [new Seen(memory()), screen()];
  await onPush(push("over", 8, { action: "cancel_ring" }), seen, registration, 1);
  assert.equal(await onPush(push("ring", 7), seen, registration, 2), "old");
  assert.deepEqual(registration.log, [["over", true]]);
});

test("what is read is removed, and a late ring is silent", async () => {
  const [seen, registration] = [new Seen(memory()), screen()];
  await onPush(push("message", 1), seen, registration, 1);
  assert.equal(await onPush(push("", 2, { action: "invalidate" }), seen, registration, 2), "removed");
  assert.equal(registration.shown.size, 0);
  await onPush(push("ring", 3, { notAfter: "50" }), seen, registration, 60);
  assert.deepEqual(registration.log.at(-1), ["ring", true]);
});

test("a store that fails once loses nothing, and does not stop what comes later", async () => {
  const store = memory();
  const registration = screen();
  const read = store.read;
  store.read = async () => {
    store.read = read;
    throw new Error("quota");
  };
  const seen = new Seen(store);
  assert.equal(await onPush(push("a", 1), seen, registration, 1), "shown");
  assert.equal(await onPush(push("b", 2), seen, registration, 2), "shown");
});

test("what could not be shown was not seen: its repetition is shown", async () => {
  const [store, registration] = [memory(), screen()];
  const { showNotification } = registration;
  registration.showNotification = async () => {
    throw new TypeError("no permission");
  };
  await assert.rejects(onPush(push("a", 5), new Seen(store), registration, 1));
  registration.showNotification = showNotification;
  assert.equal(await onPush(push("a", 5), new Seen(store), registration, 2), "shown");
});

test("a worker that is stopped before it has shown a push has not noted it", async () => {
  const [store, registration] = [memory(), screen()];
  const { showNotification } = registration;
  const stopped = new Promise((reached) => {
    registration.showNotification = () => (reached(), new Promise(() => {}));
  });
  onPush(push("a", 5), new Seen(store), registration, 1);
  await stopped;
  registration.showNotification = showNotification;
  assert.equal(await onPush(push("a", 5), new Seen(store), registration, 2), "shown");
  assert.deepEqual(registration.log, [["a", false]]);
});

test("what is shown and cannot be noted is shown all the same", async () => {
  const [store, registration] = [memory(), screen()];
  store.write = async () => {
    throw new Error("quota");
  };
  const seen = new Seen(store);
  assert.equal(await onPush(push("a", 1), seen, registration, 1), "shown");
  assert.equal(await onPush(push("a", 1), seen, registration, 2), "shown");
  assert.deepEqual(registration.log, [["a", false], ["a", true]], "and makes no second sound");
});

test("a call that comes back rings again, though its end stands on the screen", async () => {
  const [seen, registration] = [new Seen(memory()), screen()];
  await onPush(push("ring", 1, { episode: "1" }), seen, registration, 1);
  await onPush(push("still", 2, { episode: "1" }), seen, registration, 2);
  await onPush(push("over", 3, { episode: "1", action: "cancel_ring" }), seen, registration, 3);
  await onPush(push("again", 4, { episode: "2" }), seen, registration, 4);
  const sounds = [["ring", false], ["still", true], ["over", true], ["again", false]];
  assert.deepEqual(registration.log, sounds);
});

test("a push that is none of ours is shown all the same", async () => {
  const [seen, registration] = [new Seen(memory()), screen()];
  const data = (text) => ({ json: () => JSON.parse(text) });
  for (const bytes of [undefined, data("no JSON"), data("null"), data("7"), data('"x"')]) {
    assert.equal(await onPush(read(bytes), seen, registration, 1), "shown");
    assert.deepEqual(registration.log.at(-1), ["New message", false]);
    registration.shown.clear();
  }
  assert.deepEqual(read(data('{"notification":{"title":"t"}}')), { notification: { title: "t" } });
});

const norm = await readFile(new URL("../../../docs/guarantees.md", import.meta.url), "utf8");
const ofApps = new Function(`${norm.match(/```js\n([^]*?)```/)[1]}; return onPush;`)();

/** An app's screen: what stands on it, and what was shown with a sound or without. */
function phone() {
  const [stands, log] = [new Map(), []];
  return {
    stands,
    log,
    find: async (tag) => stands.get(tag),
    remove: async (tag) => void stands.delete(tag),
    show: async (push, { sound }) => {
      stands.set(push.collapse, push);
      log.push([push.generation, sound]);
    },
  };
}

const keys = (generation, more = {}) => ({ collapse: "t", generation: String(generation), notAfter: "100", ...more });

test("for apps: each once, the newest, and with one sound", async () => {
  const [seen, screen] = [{}, phone()];
  for (const generation of [9, 9, 10, 8]) await ofApps(keys(generation), 1, seen, screen);
  assert.deepEqual(screen.log, [["9", true], ["10", false]]);
});

test("for apps: nothing rings after its end or its time, and a call that comes back does", async () => {
  const [seen, screen] = [{}, phone()];
  const ring = (generation, callUuid, more) => keys(generation, { kind: "incoming_call", callUuid, ...more });
  await ofApps(ring(1, "one"), 1, seen, screen);
  await ofApps(ring(2, "one"), 2, seen, screen);
  await ofApps(ring(4, "two"), 3, seen, screen);
  await ofApps(ring(3, "one", { action: "cancel_ring" }), 4, seen, screen);
  assert.equal(screen.stands.size, 1, "the cancel is that of the ring before");
  await ofApps(ring(6, "two", { action: "cancel_ring" }), 5, seen, screen);
  await ofApps(ring(5, "two"), 6, seen, screen);
  assert.equal(screen.stands.size, 0);
  await ofApps(ring(7, "three"), 100, seen, screen);
  assert.deepEqual(screen.log, [["1", true], ["2", false], ["4", true], ["7", false]]);
});

test("for apps: what could not be shown may come again", async () => {
  const [seen, screen] = [{}, phone()];
  const broken = { ...screen, show: async () => { throw new Error("no memory"); } };
  await assert.rejects(ofApps(keys(1), 1, seen, broken));
  await ofApps(keys(1), 2, seen, screen);
  assert.deepEqual(screen.log, [["1", true]]);
});
