// On wake: the notification led here with a token behind the #, which no server log sees. It is posted once, and what it
// opens is the history, without a new conversation being assigned to an agent.

import { call, conversation, device, session } from "/session.js";

async function resume() {
  const token = new URLSearchParams(location.hash.slice(1)).get("resume");
  if (!token || !conversation) return;
  // Off the address bar: a link that is copied must not carry it.
  history.replaceState(null, "", location.pathname + location.search);
  const { app } = await session();
  const body = { token, conversation, app, device, channel: "web", attempt: crypto.randomUUID() };
  // A lost answer is asked for again by the same attempt: that is no fraud.
  const ask = () => call("POST", "/v1/resume/commit", body);
  const { answer } = await (await ask().catch(ask)).json();
  document.documentElement.dataset.resume = answer;
  // "log_in" would want a log-in first, and then goes on here; "fresh" is another conversation.
  if (answer !== "resume") return;
  await call("POST", "/v1/resume/connected", body);
  const past = await call("GET", `/demo/history/${encodeURIComponent(conversation)}`);
  for (const { title, body } of (await past.json()).messages) {
    const item = document.createElement("li");
    const heading = document.createElement("strong");
    heading.textContent = title;
    item.append(heading, body);
    document.getElementById("messages").append(item);
  }
}

addEventListener("hashchange", () => resume());
resume();
