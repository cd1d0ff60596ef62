// npm jose reads our tokens and writes tokens for us. Usage: node jose.mjs read < tokens.json; node jose.mjs write
import { readFileSync } from "node:fs";
import assert from "node:assert/strict";
import { EncryptJWT, SignJWT, importJWK, jwtDecrypt, jwtVerify } from "jose";

const secret = new Uint8Array(32).fill(7);
const claims = { sub: "contact-4711", cnv: "Gespräch 8", dev: "device-15", chn: "web" };
const tokens = JSON.parse(readFileSync(0, "utf8"));
const typ = "resume+jwt";

if (process.argv[2] === "read") {
  const { d, ...publicJwk } = tokens.jwk;
  const results = [
    await jwtVerify(tokens.hs256, secret, { algorithms: ["HS256"], typ }),
    await jwtVerify(tokens.es256, await importJWK(publicJwk, "ES256"), { algorithms: ["ES256"], typ }),
    await jwtDecrypt(tokens.sealed, secret, { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"], typ }),
  ];
  for (const { payload } of results) {
    const { jti, iat, exp, ...ids } = payload;
    assert.deepEqual(ids, claims);
    assert.equal(exp - iat, 300);
    assert.match(jti, /^[\w-]{22}$/);
  }
  console.log("npm jose reads HS256, ES256 and dir + A256GCM");
} else {
  const fill = (token) => token.setJti(crypto.randomUUID()).setIssuedAt().setExpirationTime("5m");
  console.log(JSON.stringify({
    hs256: await fill(new SignJWT(claims)).setProtectedHeader({ alg: "HS256", typ, kid: "1" }).sign(secret),
    es256: await fill(new SignJWT(claims)).setProtectedHeader({ alg: "ES256", typ, kid: "2" }).sign(await importJWK(tokens.jwk, "ES256")),
    sealed: await fill(new EncryptJWT(claims)).setProtectedHeader({ alg: "dir", enc: "A256GCM", typ, kid: "3" }).encrypt(secret),
  }));
}
