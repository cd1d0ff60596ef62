// Drives `pushtool` as a child process: one JSON line in, one out.
const { spawn, spawnSync } = require("child_process");
const readline = require("readline");

const PUSHTOOL = process.env.PUSHTOOL || "target/release/examples/pushtool";

/** A running command; `ask` sends a line and resolves to the answer, in order. */
function start(...args) {
  const child = spawn(PUSHTOOL, args, { stdio: ["pipe", "pipe", "inherit"] });
  const waiting = [];
  readline.createInterface({ input: child.stdout }).on("line", (line) => waiting.shift().resolve(JSON.parse(line)));
  child.on("exit", (code) => waiting.forEach(({ reject }) => reject(new Error(`pushtool ended with ${code}`))));
  return {
    ask(question) {
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(JSON.stringify(question) + "\n");
      });
    },
    async must(question) {
      const answer = await this.ask(question);
      if (answer.error) throw new Error(`${args.join(" ")}: ${JSON.stringify(answer.error)}`);
      return answer;
    },
    stop() {
      child.stdin.end();
    },
  };
}

/** One answer of a command without input. */
function once(...args) {
  const { stdout, status } = spawnSync(PUSHTOOL, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}`);
  return JSON.parse(stdout);
}

module.exports = { start, once };
