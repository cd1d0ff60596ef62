// On wake: the notification led here with a token behind the #, which no server log sees. It is posted once, and what it
// opens is the history, without a new conversation being assigned to an agent.

async function resume() {
  const token = new URLSearchParams(location.hash.slice(1)).get("resume");
  const query = new URLSearchParams(location.search);
  const conversation = query.get("conversation");
  if (!token || !conversation) return;
  // Off the address bar: a link that is copied must not carry it.
  history.replaceState(null, "", location.pathname + location.search);
  const registration = await navigator.serviceWorker.ready;
  const subscription = await registration.pushManager.getSubscription();
  const body = JSON.stringify({
    token,
    user: query.get("user") ?? "guest",
    conversation,
    endpoint: subscription?.endpoint ?? "",
    attempt: crypto.randomUUID(),
  });
  const headers = { "content-type": "application/json" };
  // A lost answer is asked for again by the same attempt: that is no fraud.
  const ask = () => fetch("/v1/resume", { method: "POST", headers, body });
  const { answer, messages } = await (await ask().catch(ask)).json();
  document.documentElement.dataset.resume = answer;
  for (const { title, body } of messages ?? []) {
    const item = document.createElement("li");
    const heading = document.createElement("strong");
    heading.textContent = title;
    item.append(heading, body);
    document.getElementById("messages").append(item);
  }
}

addEventListener("hashchange", () => resume());
resume();
