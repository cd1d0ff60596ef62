// Lines of generate.py through the encoder of npm firebase-admin: adds `wire`, and `refused` for what it refuses.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import path from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
// The encoder is not exported, so it is loaded by its file.
const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "node_modules/firebase-admin");
const { validateMessage } = require(path.join(root, "lib/messaging/messaging-internal.js"));

function encode(spec) {
  const copy = structuredClone(spec);
  const shown = copy.android?.notification;
  if (shown?.eventTimestamp !== undefined) shown.eventTimestamp = new Date(shown.eventTimestamp);
  validateMessage(copy);
  return JSON.parse(JSON.stringify(copy));
}

function attempt(spec) {
  try {
    return { wire: encode(spec) };
  } catch (error) {
    return { refused: error.message };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { base, fault, spec } = JSON.parse(line);
  const encoded = { base: attempt(base) };
  if (fault) Object.assign(encoded, { fault, faulty: attempt(spec) });
  console.log(JSON.stringify(encoded));
}
