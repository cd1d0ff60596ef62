// js/inner-seal.js of the crate opens what the crate sealed, and shows the default text for everything else.
const assert = require("assert");
const fs = require("fs");
const { openInnerSeal, openOrDefault } = require("../../../crates/webpush/js/inner-seal.js");

(async () => {
  const cases = fs.readFileSync(process.argv[2], "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const bytes = (text) => new Uint8Array(Buffer.from(text, "base64url"));
  let renewed = 0;
  const renew = async () => {
    renewed += 1;
  };
  const shown = (secret, sealed) => openOrDefault(secret, sealed, "You have a new message", renew);
  for (const { secret, sealed, payload } of cases) {
    const opened = await openInnerSeal(bytes(secret), bytes(sealed));
    assert.strictEqual(Buffer.from(opened).toString("base64url"), payload);
    // An ArrayBuffer is what `event.data.arrayBuffer()` gives.
    const buffer = bytes(sealed).slice().buffer;
    assert.deepStrictEqual(await openInnerSeal(bytes(secret), buffer), opened);
  }
  const text = cases.find(({ payload }) => Buffer.from(payload, "base64url").toString() === "Grüße 🦀");
  assert.strictEqual(await shown(bytes(text.secret), bytes(text.sealed)), "Grüße 🦀");
  assert.strictEqual(renewed, 0);

  const sealed = bytes(text.sealed);
  const flipped = sealed.slice();
  flipped[flipped.length - 1] ^= 1;
  const version = sealed.slice();
  version[0] = 2;
  const notText = cases.find(({ payload }) => payload === "_w");
  const bad = [
    [bytes(text.secret), flipped],
    [bytes(text.secret), version],
    [bytes(text.secret), sealed.subarray(0, 20)],
    [bytes(text.secret), new Uint8Array()],
    [new Uint8Array(32), sealed],
    [bytes(notText.secret), bytes(notText.sealed)],
  ];
  for (const [secret, payload] of bad) assert.strictEqual(await shown(secret, payload), "You have a new message");
  assert.strictEqual(renewed, bad.length, "each time the registration is renewed");
  const failing = async () => {
    throw new Error("offline");
  };
  assert.strictEqual(await openOrDefault(new Uint8Array(32), sealed, "default", failing), "default");
  console.log(`node: inner-seal.js opened ${cases.length} payloads and showed the default text ${bad.length + 1} times`);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
