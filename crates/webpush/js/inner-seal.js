// The service worker's half of the inner seal (double encryption). Plain JavaScript, no dependency; runs in service
// workers and in Node. The format is described in the docs of the crate's `InnerSecret`.
//
//   importScripts("/inner-seal.js");
//   const text = await openOrDefault(secret, await event.data.arrayBuffer(), "You have a new message", renew);

const VERSION = 1;
const SALT_LENGTH = 16;
const INFO = new TextEncoder().encode("reveille inner seal\0\x01");

/** Opens a sealed payload (ArrayBuffer or Uint8Array) with the shared secret (32 bytes); rejects if it cannot. */
async function openInnerSeal(secret, sealed) {
  const bytes = new Uint8Array(sealed);
  if (bytes.length < 1 + SALT_LENGTH + 16 || bytes[0] !== VERSION) {
    throw new Error("payload is not sealed with this secret");
  }
  const salt = bytes.subarray(1, 1 + SALT_LENGTH);
  const ikm = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const okm = new Uint8Array(
    await crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info: INFO }, ikm, 44 * 8),
  );
  const key = await crypto.subtle.importKey("raw", okm.subarray(0, 32), "AES-GCM", false, ["decrypt"]);
  const parameters = { name: "AES-GCM", iv: okm.subarray(32), additionalData: new Uint8Array([VERSION]) };
  return new Uint8Array(await crypto.subtle.decrypt(parameters, key, bytes.subarray(1 + SALT_LENGTH)));
}

/**
 * The text of a sealed payload, or `defaultText` if it cannot be opened; then `renew` is called too, which should make
 * a new subscription with a new secret. A push must always end in a notification, so this never rejects, and it does not
 * wait for `renew`: give that to `event.waitUntil` yourself.
 */
async function openOrDefault(secret, sealed, defaultText, renew) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await openInnerSeal(secret, sealed));
  } catch {
    // If the registration cannot be renewed now, the page's next visit will.
    Promise.resolve().then(renew).catch(() => {});
    return defaultText;
  }
}

if (typeof module !== "undefined") {
  module.exports = { openInnerSeal, openOrDefault };
}
