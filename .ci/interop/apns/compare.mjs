// The same notifications through node-apn and through ours: the same headers, the same JSON. And our tokens verify
// with jose. Usage: node compare.mjs PUSHTOOL TOKENS_OUT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import apn from '@parse/node-apn';
import * as jose from 'jose';
import { randomScenarios } from './random.mjs';
import { scenarios as written } from './scenarios.mjs';

const [pushtool, tokensOut] = process.argv.slice(2);
const seed = Number(process.env.INTEROP_SEED ?? 1);
const scenarios = [...written, ...randomScenarios(600, seed)];
const topic = 'com.example.app';
const device = '00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0';
const now = 1_700_000_000_000;
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = { pem: privateKey.export({ type: 'pkcs8', format: 'pem' }), key_id: 'ABC123DEFG', team_id: 'DEF123GHIJ' };

function run(provider) {
  const lines = scenarios.map(([, notification]) =>
    JSON.stringify({ notification, topic, device_token: device, now_ms: now, key }));
  const { stdout, stderr, status } = spawnSync(pushtool, ['--provider', provider, 'apns', 'request'],
    { input: lines.join('\n') + '\n', maxBuffer: 1 << 28, encoding: 'utf8' });
  const answers = stdout.trim().split('\n').map((line) => JSON.parse(line));
  answers.forEach((answer, at) => assert.equal(answer.error, undefined, `${scenarios[at][0]}: ${JSON.stringify(answer)}`));
  assert.equal(status, 0, stderr);
  return answers;
}

const text = (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

function expected(theirs, suffix) {
  const notification = new apn.Notification({ ...theirs, topic: topic + suffix });
  const headers = text(notification.headers());
  const body = JSON.parse(notification.compile());
  // Where there is nothing to say node-apn leaves `aps` out; APNs wants it.
  const bare = ['voip', 'complication', 'location', 'pushtotalk'].includes(theirs.pushType);
  return { headers, body: bare && body.aps === undefined ? { ...body, aps: {} } : body };
}

const tokens = [];
for (const provider of ['ring', 'rustcrypto']) {
  const answers = run(provider);
  assert.equal(answers.length, scenarios.length);
  for (const [at, answer] of answers.entries()) {
    const [name, , theirs, suffix] = scenarios[at];
    const { authorization, 'content-type': contentType, ...headers } = answer.headers;
    // What node-apn always says and APNs assumes where nothing is said.
    headers['apns-priority'] ??= '10';
    const want = expected(theirs, suffix);
    assert.deepEqual(headers, want.headers, name);
    assert.deepEqual(JSON.parse(Buffer.from(answer.body, 'base64url').toString('utf8')), want.body, name);
    assert.equal(answer.uri, `https://api.push.apple.com:443/3/device/${device}`);
    assert.equal(answer.method, 'POST');
    assert.equal(contentType, 'application/json');
    assert.match(authorization, /^bearer [\w-]+\.[\w-]+\.[\w-]+$/);
    tokens.push(authorization.slice('bearer '.length));
  }
}

for (const token of tokens) {
  const { payload, protectedHeader } = await jose.jwtVerify(token, publicKey, { algorithms: ['ES256'] });
  assert.deepEqual(protectedHeader, { alg: 'ES256', kid: key.key_id });
  assert.deepEqual(payload, { iss: key.team_id, iat: now / 1000 });
}
const dot = tokens[0].lastIndexOf('.') + 1;
const forged = tokens[0].slice(0, dot) + (tokens[0][dot] === 'A' ? 'B' : 'A') + tokens[0].slice(dot + 1);
await assert.rejects(jose.jwtVerify(forged, publicKey), 'a changed signature must not verify');

writeFileSync(tokensOut, JSON.stringify({ public: publicKey.export({ type: 'spki', format: 'pem' }), tokens }));
console.log(`node-apn: ${written.length} scenarios and ${scenarios.length - written.length} random ones agree, with both providers; jose: ${tokens.length} tokens verify`);
