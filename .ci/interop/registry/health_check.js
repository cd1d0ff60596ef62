// js/health-check.js of the crate `registry`: announced, probed, confirmed; silent, then subscribed anew.
const assert = require("assert");
const { HealthCheck } = require("../../../crates/registry/js/health-check.js");

/** A worker with a clock, a timer and a server of its own. */
function world(options = {}) {
  const log = [];
  let state, timer;
  const health = new HealthCheck({
    now: () => world.now,
    newProbe: () => 7,
    setTimer: (run, ms) => {
      timer = { run, ms };
      return timer;
    },
    clearTimer: (cleared) => {
      if (timer === cleared) timer = undefined;
    },
    announce: async (probe) => void log.push(`announce ${probe}`),
    confirm: async (probe) => void log.push(`confirm ${probe}`),
    resubscribe: async () => void log.push("resubscribe"),
    load: async () => state,
    save: async (saved) => void (state = saved),
    ...options,
  });
  return { health, log, state: () => state, timer: () => timer };
}
const turns = async () => {
  for (let turn = 0; turn < 20; turn++) await null;
};

(async () => {
  world.now = 1_000_000;
  const well = world();
  const running = well.health.run();
  await turns();
  assert.strictEqual(well.health.run(), running, "one check at a time");
  assert.strictEqual(well.timer().ms, 30_000);
  assert.strictEqual(await well.health.handlePush({ title: "hello" }), false);
  assert.strictEqual(await well.health.handlePush(undefined), false);
  assert.strictEqual(await well.health.handlePush({ probe: 7 }), true);
  assert.strictEqual(await running, "well");
  assert.deepStrictEqual(well.log, ["announce 7", "confirm 7"]);
  assert.deepStrictEqual(well.state(), { next: 1_000_000 + 86_400_000 });
  assert.strictEqual(well.timer(), undefined, "no timer is left");
  assert.strictEqual(await well.health.run(), "not_due");
  assert.deepStrictEqual(well.state(), { next: 1_000_000 + 86_400_000 }, "asking does not bring it forward");

  const silent = world();
  const waiting = silent.health.run();
  await turns();
  silent.timer().run();
  assert.strictEqual(await waiting, "resubscribed");
  assert.deepStrictEqual(silent.log, ["announce 7", "resubscribe"]);
  assert.deepStrictEqual(silent.state(), { next: 1_000_000 + 3_600_000 });

  // The probe is faster than the answer to the announcement.
  let early;
  early = world({ announce: async () => void (await early.health.handlePush({ probe: 7 })) });
  assert.strictEqual(await early.health.run(), "well");

  // The server wants none now: nothing is subscribed anew for that.
  const later = world({ announce: async () => ({ notBefore: 1_234_567 }) });
  assert.strictEqual(await later.health.run(), "not_due");
  assert.deepStrictEqual([later.log, later.state()], [[], { next: 1_234_567 }]);

  // Offline says nothing about the subscription.
  const offline = world({ announce: async () => Promise.reject(new Error("offline")) });
  assert.strictEqual(await offline.health.run(), "failed");
  assert.deepStrictEqual(offline.log, []);
  const broken = world({ load: async () => Promise.reject(new Error("no storage")), save: async () => Promise.reject(new Error()) });
  assert.strictEqual(await broken.health.run(), "failed");

  // A worker that was restarted in between confirms all the same.
  const restarted = world();
  assert.strictEqual(await restarted.health.handlePush({ probe: 9 }), true);
  assert.deepStrictEqual(restarted.log, ["confirm 9"]);

  // A due time from before a step of the clock.
  const stepped = world({ load: async () => ({ next: 9_000_000_000 }) });
  const checked = stepped.health.run();
  await turns();
  await stepped.health.handlePush({ probe: 7 });
  assert.strictEqual(await checked, "well");
  console.log("node: health-check.js confirms, resubscribes, waits and fails as it should");
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
