// Ours against npm http_ece, web-push and jose, both directions.
const assert = require("assert");
const crypto = require("crypto");
const ece = require("http_ece");
const webpush = require("web-push");
const jose = require("jose");
const { start, once } = require("./pushtool.js");

const b64 = (bytes) => Buffer.from(bytes).toString("base64url");
const MAX = 3993;
const RANDOM_CASES = 1000;
const now = Date.now();

/** The user agent's side as http_ece wants it. */
function receiver(keys) {
  const ua = crypto.createECDH("prime256v1");
  ua.setPrivateKey(Buffer.from(keys.private_key, "base64url"));
  return ua;
}

const keys = once("webpush", "keys");
const ua = receiver(keys);
assert.strictEqual(b64(ua.getPublicKey()), keys.public_key, "both know the same public key");
const vapid = once("vapid", "generate");
const subscription = (n = 0) => ({
  endpoint: `https://push.example:8443/p/${n}`,
  expirationTime: null,
  keys: { p256dh: keys.public_key, auth: keys.auth },
});
const line = (payload, more = {}) => ({
  subscription: subscription(),
  vapid_private: vapid.private_key,
  payload: payload === null ? null : b64(payload),
  ttl: 60,
  now_ms: now,
  ...more,
});
const openTheirs = (body, who = ua, auth = keys.auth) =>
  ece.decrypt(Buffer.from(body, "base64url"), { version: "aes128gcm", privateKey: who, authSecret: auth });

/** Every size once, from both providers in turn. */
async function oursToThem() {
  for (const [provider, sizes] of [
    ["ring", Array.from({ length: MAX + 1 }, (_, size) => size)],
    ["rustcrypto", Array.from({ length: 200 }, () => crypto.randomInt(MAX + 1))],
  ]) {
    const tool = start("webpush", "request", "--provider", provider);
    for (const size of sizes) {
      const payload = crypto.randomBytes(size);
      const padding = size % 3 === 0 ? crypto.randomInt(MAX - size + 1) : 0;
      const request = await tool.must(line(payload, padding ? { padding } : {}));
      assert(openTheirs(request.body).equals(payload), `${provider}: ${size} bytes with ${padding} of padding`);
    }
    tool.stop();
    console.log(`node: http_ece opened ${sizes.length} bodies of ours (${provider})`);
  }
}

/** Fresh user agents, fresh senders, random sizes and padding. */
async function theirsToUs() {
  const tool = start("webpush", "open");
  for (let i = 0; i < RANDOM_CASES; i++) {
    const agent = crypto.createECDH("prime256v1");
    agent.generateKeys();
    const sender = crypto.createECDH("prime256v1");
    sender.generateKeys();
    const auth = crypto.randomBytes(16);
    const payload = crypto.randomBytes(1 + crypto.randomInt(MAX));
    const pad = crypto.randomInt(Math.min(256, MAX - payload.length + 1));
    const body = ece.encrypt(payload, {
      version: "aes128gcm", privateKey: sender, dh: agent.getPublicKey(), authSecret: b64(auth),
      salt: b64(crypto.randomBytes(16)), rs: 4096, pad,
    });
    // A private key that begins with zeros is shorter in Node.
    const private_key = b64(Buffer.concat([Buffer.alloc(32), agent.getPrivateKey()]).subarray(-32));
    const opened = await tool.must({ private_key, public_key: b64(agent.getPublicKey()), auth: b64(auth), body: b64(body) });
    assert.strictEqual(opened.plaintext, b64(payload), `case ${i}`);
  }
  // What http_ece opens and RFC 8291 forbids: two records, and a body that is all header.
  const sender = crypto.createECDH("prime256v1");
  sender.generateKeys();
  const options = { version: "aes128gcm", privateKey: sender, dh: ua.getPublicKey(), authSecret: keys.auth };
  const seal = (payload) => ece.encrypt(payload, { ...options, salt: b64(crypto.randomBytes(16)) });
  const ask = (body) => tool.ask({ private_key: keys.private_key, auth: keys.auth, body: b64(body) });
  assert.strictEqual((await ask(seal(Buffer.alloc(0)))).plaintext, "");
  for (const body of [seal(Buffer.alloc(4080)), seal(Buffer.from("x")).subarray(0, 86)]) {
    openTheirs(b64(body));
    assert.strictEqual((await ask(body)).error?.kind, "body", `${body.length} bytes`);
  }
  tool.stop();
  console.log(`node: ours opened ${RANDOM_CASES} bodies of http_ece and refused 2`);
}

/** npm web-push's whole requests: body opened, header verified by ours. */
async function webPushToUs() {
  const open = start("webpush", "open");
  const verify = start("webpush", "verify-vapid");
  const vapidDetails = { subject: "mailto:ops@example.com", publicKey: vapid.public_key, privateKey: vapid.private_key };
  for (let i = 0; i < 50; i++) {
    const payload = crypto.randomBytes(1 + crypto.randomInt(3000));
    const details = webpush.generateRequestDetails(subscription(i), payload, { TTL: 60, vapidDetails });
    const opened = await open.must({ private_key: keys.private_key, auth: keys.auth, body: b64(details.body) });
    assert.strictEqual(opened.plaintext, b64(payload));
    const header = details.headers.Authorization;
    const { claims, public_key } = await verify.must({
      authorization: header, audience: "https://push.example:8443", now_ms: now,
    });
    assert.strictEqual(claims.sub, "mailto:ops@example.com");
    assert.strictEqual(public_key, vapid.public_key);
    const answer = await verify.ask({ authorization: header, audience: "https://push.example", now_ms: now });
    assert(answer.error, "the port belongs to the origin");
  }
  open.stop();
  verify.stop();
  console.log("node: ours opened and verified 50 requests of web-push");
}

/** Our header, verified by jose; every key format gives the same public key. */
async function vapidToThem() {
  const tool = start("webpush", "request");
  const formats = [vapid.private_key, vapid.pkcs8_pem, JSON.stringify(vapid.jwk), vapid.jwk];
  for (let i = 0; i < 100; i++) {
    const request = await tool.must(line(null, { vapid_private: formats[i % formats.length], contact: "https://example.com/contact" }));
    const [, token, k] = /^vapid t=([^,]+), k=(.+)$/.exec(request.headers.authorization);
    assert.strictEqual(k, vapid.public_key);
    const point = Buffer.from(k, "base64url");
    const jwk = { kty: "EC", crv: "P-256", x: b64(point.subarray(1, 33)), y: b64(point.subarray(33)) };
    const { payload, protectedHeader } = await jose.jwtVerify(token, await jose.importJWK(jwk, "ES256"), {
      audience: "https://push.example:8443", subject: "https://example.com/contact", algorithms: ["ES256"],
      requiredClaims: ["exp", "aud", "sub"], maxTokenAge: undefined, currentDate: new Date(now),
    });
    assert.strictEqual(protectedHeader.typ, "JWT");
    assert(payload.exp - now / 1000 <= 24 * 3600, "at most a day");
    assert.deepStrictEqual(Object.keys(payload).sort(), ["aud", "exp", "sub"]);
  }
  tool.stop();
  console.log("node: jose verified 100 headers of ours");
}

/** The draft coding: cases that a test of the crate wrote, where there are some. */
function draftCoding(file) {
  const lines = require("fs").readFileSync(file, "utf8").trim().split("\n").map((text) => JSON.parse(text));
  for (const { private_key, auth, encryption, crypto_key, body, plaintext } of lines) {
    const agent = receiver({ private_key });
    const parameter = (header, name) => new RegExp(`(?:^|[;,] *)${name}=([^;,]+)`).exec(header)[1];
    const opened = ece.decrypt(Buffer.from(body, "base64url"), {
      version: "aesgcm", privateKey: agent, dh: parameter(crypto_key, "dh"), salt: parameter(encryption, "salt"), authSecret: auth,
    });
    assert.strictEqual(b64(opened), plaintext);
  }
  console.log(`node: http_ece opened ${lines.length} aesgcm bodies of ours`);
}

(async () => {
  await oursToThem();
  await theirsToUs();
  await webPushToUs();
  await vapidToThem();
  draftCoding(process.argv[2]);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
