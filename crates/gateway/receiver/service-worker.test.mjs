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
      shown.has(tag) ? [{ close: () => shown.delete(tag) }] : [],
    showNotification: async (title, options) => {
      shown.set(options.tag, title);
      log.push([title, options.silent]);
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
