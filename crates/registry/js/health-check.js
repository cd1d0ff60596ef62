// The service worker's half of the health check: does this subscription still get pushes? Plain JavaScript, no dependency;
// runs in service workers and in Node. The server's half is `HealthCheck` of the crate.
//
//   importScripts("/health-check.js");
//   const health = new HealthCheck({ announce, confirm, resubscribe, load, save });
//   self.addEventListener("push", (event) => event.waitUntil(
//     health.handlePush(data(event)).then((wasProbe) => wasProbe || show(event))));
//   self.addEventListener("activate", (event) => event.waitUntil(health.run()));   // and on every visit of the page
//
//   announce(probe)  tells the server; resolves with { notBefore } (Unix ms) if it wants none now, else with {}
//   confirm(probe)   tells the server that the probe has arrived
//   resubscribe()    subscribes anew and registers that
//   load(), save(state)  keep a small object across restarts of the worker (IndexedDB, Cache)

const HEALTH_CHECK_DEFAULTS = {
  intervalMs: 24 * 60 * 60 * 1000,
  timeOutMs: 30 * 1000,
  retryIntervalMs: 60 * 60 * 1000,
  now: () => Date.now(),
  // 53 bits: what a number can hold.
  newProbe: () => {
    const [high, low] = crypto.getRandomValues(new Uint32Array(2));
    return (high % 0x200000) * 0x100000000 + low;
  },
  setTimer: (run, ms) => setTimeout(run, ms),
  clearTimer: (timer) => clearTimeout(timer),
};

class HealthCheck {
  constructor(options) {
    Object.assign(this, HEALTH_CHECK_DEFAULTS, options);
    this.waiting = null;
    this.running = null;
  }

  /**
   * Makes a check if one is due. Resolves with "not_due", "well", "resubscribed" or "failed"; never rejects, so that it can
   * be given to `event.waitUntil`. Calls while one is under way share it.
   */
  run() {
    this.running ??= this.check().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  async check() {
    let next = this.now() + this.retryIntervalMs;
    try {
      const { next: due = 0 } = (await this.load()) ?? {};
      // A due time beyond the interval is from before a step of the clock.
      if (this.now() < due && due <= this.now() + this.intervalMs) {
        next = due;
        return "not_due";
      }
      const probe = this.newProbe();
      // Waiting begins first: the probe may be faster than the answer.
      const arrival = this.expect(probe);
      const { notBefore } = (await this.announce(probe)) ?? {};
      if (notBefore !== undefined) {
        this.forget();
        next = notBefore;
        return "not_due";
      }
      if (await arrival) {
        await this.confirm(probe);
        next = this.now() + this.intervalMs;
        return "well";
      }
      await this.resubscribe();
      return "resubscribed";
    } catch {
      // Offline, or the server is down: that says nothing about the subscription.
      this.forget();
      return "failed";
    } finally {
      await Promise.resolve(this.save({ next })).catch(() => {});
    }
  }

  /** Whether the push was a probe; then nothing has to be shown. `data` is the push's JSON, or anything else. */
  async handlePush(data) {
    const probe = data?.probe;
    if (typeof probe !== "number") return false;
    if (this.waiting?.probe === probe) {
      this.waiting.settle(true);
    } else {
      // The worker was restarted since it announced: the server still waits.
      await Promise.resolve(this.confirm(probe)).catch(() => {});
    }
    return true;
  }

  expect(probe) {
    return new Promise((resolve) => {
      const settle = (arrived) => {
        this.clearTimer(timer);
        this.waiting = null;
        resolve(arrived);
      };
      const timer = this.setTimer(() => settle(false), this.timeOutMs);
      this.waiting = { probe, settle };
    });
  }

  forget() {
    this.waiting?.settle(false);
  }
}

if (typeof module !== "undefined") {
  module.exports = { HealthCheck };
}
