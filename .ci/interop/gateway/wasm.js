// The newest sample log of the gateway, replayed by a WebAssembly module: 32-bit pointers, the outputs of every other machine.
const assert = require("assert");
const fs = require("fs");

const tests = "crates/gateway/tests";
const samples = [...fs.readFileSync(`${tests}/samples.rs`, "utf8").matchAll(/include_bytes!\("(.+?)"\), 0x([0-9a-f_]+)\)/g)];
const [, file, sum] = samples.at(-1);

const compiled = new WebAssembly.Module(fs.readFileSync(process.argv[2]));
assert.deepStrictEqual(WebAssembly.Module.imports(compiled), [], "no clock, no random bytes, nothing");
const { allocate, memory, replay: run } = new WebAssembly.Instance(compiled).exports;
const replay = (log) => {
  const at = allocate(log.length);
  new Uint8Array(memory.buffer, at, log.length).set(log);
  return BigInt.asUintN(64, run(at, log.length));
};

const log = fs.readFileSync(`${tests}/${file}`);
const expected = BigInt("0x" + sum.replaceAll("_", ""));
assert.strictEqual(replay(log), expected, `${file}: ${samples.length} samples`);
assert.notStrictEqual(replay(log.subarray(0, log.length / 2)), expected, "half a log is another one");
console.log(`node: ${file} (${log.length} bytes) has the same outputs in WebAssembly`);
