// `node --test examples/app_reconnect/page/connection.test.mjs`: the page's script in a world with a clock, a network and a
// server of its own. No browser, no waiting.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "./connection.js";

/** A clock, sockets that a test opens and closes, and HTTP. */
function world({ random = () => 0.5 } = {}) {
  const timers = new Map();
  const it = { time: 0, sockets: [], requests: [], online: true, visible: true, messages: [], http: true, listeners: {} };
  let next = 1;
  it.run = async (span) => {
    const end = it.time + span;
    for (;;) {
      for (let turn = 0; turn < 20; turn += 1) await null; // Promises first.
      const due = [...timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
      if (!due) break;
      timers.delete(due[0]);
      it.time = due[1].at;
      due[1].call();
    }
    it.time = end;
  };
  it.live = () => it.sockets.at(-1);
  it.world = {
    WebSocket: class {
      constructor() {
        this.sent = [];
        this.open = true;
        this.at = it.time;
        it.sockets.push(this);
      }
      send(text) {
        this.sent.push(JSON.parse(text));
      }
      close() {
        this.open = false;
      }
      accept() {
        this.onopen({});
        this.onmessage({ data: '{"type":"welcome"}' });
      }
      say(message) {
        this.onmessage({ data: typeof message === "string" ? message : JSON.stringify(message) });
      }
    },
    fetch: async (url, request) => {
      it.requests.push({ at: it.time, url, method: request?.method ?? "GET" });
      if (!it.http) throw new TypeError("no network");
      if (it.busy) return { ok: false, status: 503, headers: new Headers({ "retry-after": String(it.busy) }) };
      const after = Number(new URL(url).searchParams.get("after"));
      return { ok: true, json: async () => it.messages.filter((message) => message.sequence > after) };
    },
    setTimeout: (call, span) => (timers.set(next, { at: it.time + span, call }), next++),
    clearTimeout: (timer) => timers.delete(timer),
    now: () => it.time,
    random,
    online: () => it.online,
    visible: () => it.visible,
    listen: (name, call) => (it.listeners[name] = call),
  };
  it.shown = [];
  it.states = [];
  it.connection = new Connection({
    stream: "wss://gateway.example/stream",
    http: "https://gateway.example/v1",
    conversation: "c/1",
    attempt: "a1",
    world: it.world,
    onMessage: (message) => it.shown.push(message.sequence),
    onState: (state) => it.states.push(state),
  });
  return it;
}

const attempts = (it) => it.sockets.map((socket) => socket.at);
const gaps = (times) => times.slice(1).map((time, at) => time - times[at]);

test("it says `connected` first, and what it knows", async () => {
  const it = world();
  it.connection.start();
  it.live().accept();
  assert.deepEqual(it.live().sent, [{ type: "connected", conversation: "c/1", attempt: "a1", after: 0 }]);
  it.live().say({ type: "message", sequence: 1 });
  it.live().onclose({});
  await it.run(2_000);
  it.live().accept();
  assert.equal(it.live().sent[0].after, 1, "what is after the last one, after a gap");
  assert.deepEqual(it.states, ["connecting", "live", "waiting", "connecting", "live"]);
});

test("waits double from 1 s to 30 s, with jitter, one attempt at a time", async () => {
  for (const [random, expected] of [
    [() => 0, [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]],
    [() => 0.999_999, [2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
  ]) {
    const it = world({ random });
    it.connection.start();
    for (let time = 0; time < 200 && it.sockets.length <= expected.length; time += 1) {
      if (it.connection.state === "connecting") it.live().onerror({});
      assert.ok(it.sockets.filter((socket) => socket.open).length <= 1, "one at a time");
      await it.run(1_000);
    }
    gaps(attempts(it)).forEach((gap, at) => assert.ok(Math.abs(gap - expected[at]) <= 1_000, `${gaps(attempts(it))}`));
  }
});

test("a server that opens and drops at once does not reset the waits", async () => {
  const it = world();
  it.connection.start();
  for (let round = 0; round < 4; round += 1) {
    it.live().accept();
    it.live().onclose({});
    const count = it.sockets.length;
    while (it.sockets.length === count) await it.run(100);
  }
  const waited = gaps(attempts(it));
  assert.ok(waited[3] > waited[0] * 4, `${waited}`);
  // A minute of life does.
  it.live().accept();
  await it.run(40_000);
  it.live().say({ type: "pong" });
  await it.run(40_000);
  it.live().say({ type: "pong" });
  assert.equal(it.connection.failures, 0);
});

test("a connection that opens to nothing, and one that falls silent, are given up", async () => {
  const it = world();
  it.connection.start();
  await it.run(9_999);
  assert.equal(it.connection.state, "connecting");
  await it.run(2);
  assert.equal(it.connection.state, "waiting");
  await it.run(2_000);
  it.live().accept();
  const socket = it.live();
  await it.run(45_000);
  assert.deepEqual(socket.sent.at(-1), { type: "ping" });
  await it.run(30_000);
  assert.equal(socket.open, false);
  socket.onmessage({ data: '{"type":"message","sequence":9}' });
  assert.deepEqual(it.shown, [], "what an old socket says does not count");
});

test("HTTP after ten seconds without a socket, until there is one; nothing twice, nothing lost", async () => {
  const it = world();
  it.connection.start();
  it.live().accept();
  it.live().say({ type: "message", sequence: 1 });
  it.messages = [1, 2, 3].map((sequence) => ({ sequence }));
  it.live().onclose({});
  await it.run(9_000);
  assert.equal(it.requests.length, 0, "not at once: most gaps are short");
  await it.run(2_000);
  assert.deepEqual(it.shown, [1, 2, 3]);
  it.messages.push({ sequence: 4 });
  await it.run(5_000);
  assert.deepEqual(it.shown, [1, 2, 3, 4]);
  while (it.connection.state !== "connecting") await it.run(100);
  it.live().accept();
  it.live().say({ type: "message", sequence: 4 });
  it.live().say({ type: "message", sequence: 5 });
  const before = it.requests.length;
  await it.run(20_000);
  assert.deepEqual(it.shown, [1, 2, 3, 4, 5]);
  assert.equal(it.requests.length, before, "no polling while it is live");
});

test("`connected` goes over HTTP if no socket ever opens, once", async () => {
  const it = world();
  it.connection.start();
  await it.run(30_000);
  const said = it.requests.filter((request) => request.method === "POST");
  assert.equal(said.length, 1);
  assert.ok(said[0].at <= 30_000, "before the gateway gives the reservation back");
  assert.ok(it.requests.some((request) => request.url.includes("conversation=c%2F1")));
});

test("a server that asks for time gets it; no network is no error", async () => {
  const it = world();
  it.busy = 20;
  it.connection.start();
  await it.run(60_000);
  const polls = it.requests.filter((request) => request.method === "GET").map((request) => request.at);
  assert.ok(gaps(polls).every((gap) => gap >= 20_000), `${polls}`);
  it.http = false;
  it.busy = 0;
  await it.run(60_000);
  it.http = true;
  it.messages = [{ sequence: 7 }];
  await it.run(30_000);
  assert.deepEqual(it.shown, [7]);
});

test("the network is back, or the user: the wait is over, but no storm", async () => {
  const it = world();
  it.connection.start();
  for (let round = 0; round < 5; round += 1) {
    it.live().onerror({});
    while (it.connection.state === "waiting") await it.run(100);
  }
  it.live().onerror({});
  await it.run(1_500);
  const count = it.sockets.length;
  it.listeners.online();
  assert.equal(it.sockets.length, count + 1);
  it.live().onerror({});
  for (let event = 0; event < 50; event += 1) it.listeners.visibilitychange();
  assert.equal(it.sockets.length, count + 1, "not twice within a second");
  it.visible = false;
  await it.run(1_500);
  it.listeners.visibilitychange();
  assert.equal(it.sockets.length, count + 1, "a page that nobody sees can wait");
});

test("rubbish costs itself only; stopped is stopped", async () => {
  const it = world();
  it.connection.start();
  it.live().accept();
  for (const rubbish of ["{", "null", "7", '{"type":"message"}', '{"type":"message","sequence":"8"}', '{"type":"message","sequence":1e300}']) {
    it.live().say(rubbish);
  }
  it.live().say({ type: "message", sequence: 1 });
  assert.deepEqual(it.shown, [1]);
  it.connection.stop();
  const [sockets, requests] = [it.sockets.length, it.requests.length];
  it.listeners.online();
  await it.run(600_000);
  assert.deepEqual([it.sockets.length, it.requests.length], [sockets, requests]);
});
