// A page stays in touch with its conversation (C11): a WebSocket, attempts that get rarer, and HTTP while there is none.
//
//   start ──► connecting ──open──► live ──lost, silent──► waiting ──time, "online", page visible──► connecting
//                  └──────────failed, 10 s without an answer──────┘
//   not live for `pollAfter` ms: GET the messages as well, every `pollEvery` ms, until the socket is live again
//
// There is one attempt at a time; waits double from 1 s to 30 s, and each is between half and all of its span. Messages have
// numbers: what is known is not shown again, and after each gap the page asks for what is after the last one. The first thing
// that a page says, over either way, is `connected`: without it the gateway gives the reservation back after 30 s.

export const DEFAULTS = {
  firstWait: 1_000,
  longestWait: 30_000,
  connectWithin: 10_000,
  pingAfter: 45_000,
  silentAfter: 75_000,
  stableAfter: 60_000,
  pollAfter: 10_000,
  pollEvery: 5_000,
};

/** What a browser has; a test brings its own. */
const BROWSER = {
  WebSocket: globalThis.WebSocket,
  fetch: (...request) => globalThis.fetch(...request),
  setTimeout: (...timer) => globalThis.setTimeout(...timer),
  clearTimeout: (timer) => globalThis.clearTimeout(timer),
  now: () => Date.now(),
  random: () => Math.random(),
  online: () => globalThis.navigator?.onLine !== false,
  listen: (name, call) => (name === "visibilitychange" ? document : globalThis).addEventListener(name, call),
  visible: () => globalThis.document?.visibilityState !== "hidden",
};

export class Connection {
  /**
   * @param {{stream: string, http: string, conversation: string, attempt: string, settings?: object, world?: object,
   *   onMessage: (message: {sequence: number}) => void, onState?: (state: string) => void}} options
   *   `stream` and `http`: the gateway's addresses; `attempt`: the id of the resume that is under way.
   */
  constructor(options) {
    this.options = options;
    this.world = { ...BROWSER, ...options.world };
    this.settings = { ...DEFAULTS, ...options.settings };
    this.state = "stopped";
    this.last = 0; // The number of the last message that was shown.
    this.failures = 0;
    this.confirmed = false; // Whether `connected` was taken.
    this.world.listen("online", () => this.hurry());
    this.world.listen("visibilitychange", () => this.world.visible() && this.hurry());
  }

  start() {
    if (this.state !== "stopped") return;
    this.lostAt = this.world.now();
    this.connect();
    this.planPoll(this.settings.pollAfter);
  }

  stop() {
    this.become("stopped");
    this.release();
    for (const timer of ["wait", "deadline", "quiet", "poll"]) this.clear(timer);
  }

  /** The network or the user is back: the wait is over. More than once a second is not believed. */
  hurry() {
    if (this.state !== "waiting" || this.world.now() - this.attemptedAt < this.settings.firstWait) return;
    this.connect();
  }

  connect() {
    this.clear("wait");
    this.release();
    this.become("connecting");
    this.attemptedAt = this.world.now();
    let socket;
    try {
      socket = new this.world.WebSocket(this.options.stream);
    } catch {
      return this.lost();
    }
    this.socket = socket;
    // What an old socket says does not count any more.
    const ours = (call) => (event) => this.socket === socket && call(event);
    socket.onopen = ours(() => this.opened());
    socket.onmessage = ours((event) => this.heard(event.data));
    socket.onclose = ours(() => this.lost());
    socket.onerror = ours(() => this.lost());
    this.set("deadline", this.settings.connectWithin, () => this.lost());
  }

  opened() {
    const { conversation, attempt } = this.options;
    this.say({ type: "connected", conversation, attempt, after: this.last });
  }

  heard(text) {
    this.listenOn();
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return; // A message that is no JSON costs that message only.
    }
    if (message?.type === "welcome") {
      this.clear("deadline");
      this.clear("poll");
      this.confirmed = true;
      this.liveSince = this.world.now();
      this.become("live");
    } else if (message?.type === "message") {
      this.show(message);
    }
    if (this.state === "live" && this.world.now() - this.liveSince >= this.settings.stableAfter) this.failures = 0;
  }

  /** A ping when nothing was heard for a while, then the end: a dead connection often looks like a quiet one. */
  listenOn() {
    this.set("quiet", this.settings.pingAfter, () => {
      this.say({ type: "ping" });
      this.set("quiet", this.settings.silentAfter - this.settings.pingAfter, () => this.lost());
    });
  }

  lost() {
    if (this.state === "stopped" || this.state === "waiting") return;
    const wasLive = this.state === "live";
    this.release();
    this.clear("deadline");
    this.clear("quiet");
    if (wasLive) {
      this.lostAt = this.world.now();
      this.planPoll(this.settings.pollAfter);
    }
    const span = Math.min(this.settings.firstWait * 2 ** Math.min(this.failures + 1, 16), this.settings.longestWait);
    this.failures += 1;
    this.become("waiting");
    this.set("wait", span / 2 + this.world.random() * (span / 2), () => {
      // Without a network an attempt is in vain; "online" ends this wait.
      if (this.world.online()) this.connect();
      else this.set("wait", this.settings.longestWait, () => this.connect());
    });
  }

  planPoll(wait) {
    this.set("poll", wait, () => this.poll());
  }

  /** HTTP while there is no socket. One request at a time; a server that asks for time gets it. */
  async poll() {
    let wait = this.settings.pollEvery;
    try {
      const { http, conversation, attempt } = this.options;
      if (!this.confirmed) {
        const body = JSON.stringify({ conversation, attempt });
        const headers = { "content-type": "application/json" };
        const said = await this.world.fetch(`${http}/connected`, { method: "POST", headers, body });
        this.confirmed = said.ok;
      }
      const path = `/messages?conversation=${encodeURIComponent(conversation)}&after=${this.last}`;
      const answer = await this.world.fetch(http + path, { cache: "no-store" });
      if (answer.ok) for (const message of await answer.json()) this.show(message);
      else wait = Math.max(wait, 1_000 * (Number(answer.headers?.get("retry-after")) || 0));
    } catch {
      // No network: the next one will tell.
    }
    if (this.state !== "stopped" && this.state !== "live") this.planPoll(wait);
  }

  show(message) {
    if (!Number.isSafeInteger(message?.sequence) || message.sequence <= this.last) return;
    this.last = message.sequence;
    this.options.onMessage(message);
  }

  say(word) {
    try {
      this.socket?.send(JSON.stringify(word));
    } catch {
      this.lost();
    }
  }

  release() {
    const socket = this.socket;
    this.socket = null;
    try {
      socket?.close();
    } catch {
      // It was closed.
    }
  }

  become(state) {
    if (this.state === state) return;
    this.state = state;
    this.options.onState?.(state);
  }

  set(name, span, call) {
    this.clear(name);
    this[`${name}Timer`] = this.world.setTimeout(call, span);
  }

  clear(name) {
    this.world.clearTimeout(this[`${name}Timer`]);
  }
}
