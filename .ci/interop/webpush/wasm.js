// The libraries as a WebAssembly module in Node: npm http_ece opens what it encrypts, jose verifies what it signs.
const assert = require("assert");
const crypto = require("crypto");
const fs = require("fs");
const ece = require("http_ece");
const jose = require("jose");

const b64 = (bytes) => Buffer.from(bytes).toString("base64url");

(async () => {
  const module = new WebAssembly.Module(fs.readFileSync(process.argv[2]));
  assert.deepStrictEqual(
    WebAssembly.Module.imports(module),
    [{ module: "host", name: "random", kind: "function" }],
    "no clock, no environment, no file: nothing but random bytes",
  );
  let asked = 0;
  const { exports } = new WebAssembly.Instance(module, {
    host: {
      random(out, length) {
        asked += length;
        crypto.randomFillSync(new Uint8Array(exports.memory.buffer, out, length));
      },
    },
  });
  const call = (question) => {
    const bytes = Buffer.from(JSON.stringify(question));
    const at = exports.allocate(bytes.length);
    new Uint8Array(exports.memory.buffer, at, bytes.length).set(bytes);
    const answer = exports.request(at, bytes.length);
    const length = new DataView(exports.memory.buffer).getUint32(answer, true);
    return JSON.parse(Buffer.from(exports.memory.buffer, answer + 4, length).toString());
  };

  const agent = crypto.createECDH("prime256v1");
  agent.generateKeys();
  const auth = b64(crypto.randomBytes(16));
  const vapid = crypto.createECDH("prime256v1");
  vapid.generateKeys();
  const question = {
    subscription: { endpoint: "https://push.example/p/1", keys: { p256dh: b64(agent.getPublicKey()), auth } },
    vapid_private: b64(Buffer.concat([Buffer.alloc(32), vapid.getPrivateKey()]).subarray(-32)),
    now_ms: Date.now(),
  };
  for (const size of [0, 1, 41, 1024, 3993]) {
    const payload = crypto.randomBytes(size);
    const { headers, body, error } = call({ ...question, payload: b64(payload) });
    assert.strictEqual(error, undefined);
    const opened = ece.decrypt(Buffer.from(body, "base64url"), { version: "aes128gcm", privateKey: agent, authSecret: auth });
    assert(opened.equals(payload), `${size} bytes`);
    const [, token, k] = /^vapid t=([^,]+), k=(.+)$/.exec(headers.authorization);
    const point = vapid.getPublicKey();
    assert.strictEqual(k, b64(point));
    const jwk = { kty: "EC", crv: "P-256", x: b64(point.subarray(1, 33)), y: b64(point.subarray(33)) };
    await jose.jwtVerify(token, await jose.importJWK(jwk, "ES256"), { audience: "https://push.example" });
  }
  assert(asked >= 5 * (32 + 16), "keys and salts come from the host");
  assert.match(call({ ...question, payload: b64(Buffer.alloc(3994)) }).error, /does not fit into 3993,/);
  console.log(`node: http_ece opened 5 bodies of a module of ${fs.statSync(process.argv[2]).size} bytes that imports random bytes only`);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
