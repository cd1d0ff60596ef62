// Who is here: a made-up user, this browser as a device of theirs, and the conversation that the page is about.

const query = new URLSearchParams(location.search);

// Who subscribed here stays subscribed here: a link with another name does not take the device away.
export const user = localStorage.getItem("user") ?? query.get("user") ?? "guest";

export const device = localStorage.getItem("device") ?? `browser-${crypto.randomUUID()}`;
localStorage.setItem("device", device);

const found = location.pathname.match(/^\/conversations\/([^/]+)$/);
export const conversation = found ? decodeURIComponent(found[1]) : null;

let started;

/** The session: a token, the app, and the key that browsers subscribe to. */
export function session() {
  started ??= request("POST", "/demo/session", { user }).then((response) => response.json());
  // Not for ever, if it failed.
  started.catch(() => (started = undefined));
  return started;
}

/** Calls the API as this user; once more with a new session if the old one is over. */
export async function call(method, path, body) {
  const once = async () => request(method, path, body, (await session()).token);
  return once().catch((error) => {
    if (error.status !== 401) throw error;
    started = undefined;
    return once();
  });
}

async function request(method, path, body, token) {
  const headers = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (response.ok) return response;
  const { detail } = await response.json().catch(() => ({}));
  throw Object.assign(new Error(detail ?? response.statusText), { status: response.status });
}
