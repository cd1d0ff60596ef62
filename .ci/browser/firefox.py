#!/usr/bin/env python3
"""A real Firefox as the receiver, without the Internet.

Starts the gateway without credentials, so with its demonstration's page and a local push service, and a headless Firefox whose
push service is that one; the page subscribes on load, and its service worker reports every push it received. Asserts the
bytes. Standard library only.

usage: firefox.py GATEWAY PUSHTOOL [SCREENSHOT.png]
"""

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request

TIMEOUT = 90  # seconds for any one thing to happen


def main():
    binary, pushtool = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    screenshot = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else None
    folder = tempfile.mkdtemp(prefix="reveille-browser-")
    processes = []
    try:
        gateway = start_gateway(binary, folder, processes)
        browser = start_firefox(gateway, folder, processes)
        check(gateway, browser, pushtool, screenshot)
    finally:
        for process in reversed(processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def start_gateway(binary, folder, processes):
    command = [binary, "--listen", "127.0.0.1:0", "--data", f"{folder}/data", "--no-demo", "--receipts"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
    processes.append(process)
    found = {}
    for line in process.stdout:
        for name, pattern in (("page", r"http://localhost:\d+"), ("push", r"ws://[\d.:]+/")):
            match = re.search(pattern, line)
            if match:
                found[name] = match.group(0)
        if "push" in found:
            with open(f"{folder}/data/keys.toml", "rb") as file:
                found["keys"] = tomllib.load(file)
            found["data"] = f"{folder}/data"
            return found
    raise SystemExit("the gateway ended before it listened")


def start_firefox(gateway, folder, processes):
    profile = f"{folder}/profile"
    os.mkdir(profile)
    marionette = free_port()
    preferences = {
        "dom.push.serverURL": gateway["push"],
        "dom.push.testing.allowInsecureServerURL": True,
        "dom.push.connection.enabled": True,
        "dom.push.testing.ignorePermission": True,
        "permissions.default.desktop-notification": 1,
        "dom.push.maxQuotaPerSubscription": 10000,
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "browser.safebrowsing.malware.enabled": False,
        "browser.safebrowsing.phishing.enabled": False,
        "services.settings.server": "data:,#remote-settings-dummy/v1",
        # No desktop here: Firefox draws its notifications itself.
        "alerts.useSystemBackend": False,
        "marionette.port": marionette,
    }
    with open(f"{profile}/user.js", "w") as file:
        for name, value in preferences.items():
            file.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
    url = f"{gateway['page']}/?auto&receipts&user=ci"
    command = ["firefox-esr", "--headless", "--no-remote", "--marionette", "--profile", profile, url]
    environment = {**os.environ, "HOME": folder, "MOZ_DISABLE_CONTENT_SANDBOX": "1"}
    log = open(f"{folder}/firefox.log", "w")
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    processes.append(process)
    return {"marionette": marionette, "process": process}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(gateway, method, path, body=None, kind="application/json"):
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": kind, "authorization": f"Bearer {gateway['keys']['api']}"}
    request = urllib.request.Request(gateway["page"] + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        text = response.read()
    return json.loads(text) if text else None


def wait_for(what, probe):
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        result = probe()
        if result is not None:
            return result
        time.sleep(0.1)
    raise SystemExit(f"FAILED: {what} did not happen within {TIMEOUT} s")


def devices(gateway):
    known = call(gateway, "GET", "/v1/devices?person=ci")["devices"]
    return [device for device in known if device["state"] == "active"]


def receipts(gateway):
    return call(gateway, "GET", "/demo/receipts")


def received(gateway):
    return [base64.b64decode(receipt["received"]) for receipt in receipts(gateway) if isinstance(receipt.get("received"), str)]


def check(gateway, browser, pushtool, screenshot):
    wait_for("the subscription", lambda: devices(gateway) or None)
    subscription = wait_for("the receipt", lambda: next((r["subscription"] for r in receipts(gateway) if "subscription" in r), None))
    print("ok: Firefox subscribed")
    seen = 0

    def arrive(name, count):
        nonlocal seen
        want = seen + count
        got = wait_for(name, lambda: (r := received(gateway)) and len(r) >= want and r or None)[seen:want]
        seen = want
        return got

    # What the library makes, past the service: every byte.
    cases = [
        ("text", [b"Hello, Firefox!"]),
        ("emoji", ["Grüße 👩‍👩‍👧‍👦 🏳️‍🌈 🚀".encode()]),
        ("binary", [bytes(range(256))]),
        ("empty", [b""]),
        ("3,993 bytes", [bytes(i * 7 % 251 for i in range(3993))]),
        ("five messages in a row", [f"message {i}".encode() for i in range(5)]),
    ]
    for name, payloads in cases:
        for payload in payloads:
            assert push_raw(gateway, pushtool, subscription, payload) == 201, name
        got = arrive(name, len(payloads))
        # Pushes may overtake each other on their way through the worker; each must arrive once, byte for byte.
        assert sorted(got) == sorted(payloads), (name, got, payloads)
        print(f"ok: {name}: {sum(map(len, payloads))} bytes in {len(payloads)} push(es), byte for byte")

    # What the service makes of events.
    text = "Your order leaves tomorrow. 📦"
    say(gateway, "joined", {"conversation": "42", "person": "ci", "role": "visitor"})
    write(gateway, text)
    shown = json.loads(arrive("the notification", 1)[0])["notification"]
    assert (shown["title"], shown["body"]) == ("Agent Smith", text), shown
    assert shown["data"]["link"] == "/conversations/42", shown
    token = shown["data"]["resumeToken"]
    assert shown["navigate"].endswith(f"/conversations/42#resume={token}"), shown
    print("ok: a chat event became a notification with title, text and deep link")
    for number in range(3):
        write(gateway, f"and {number}")
    digest = json.loads(arrive("the digest", 1)[0])["notification"]
    assert digest["body"] == "4 new messages: and 2", digest  # None of the four was read.
    assert digest["data"]["collapse"] == shown["data"]["collapse"], "it takes the other one's place"
    print(f"ok: three messages became one notification: {digest['body']}")
    look_at_the_page(gateway, browser, text, token, screenshot, lambda: arrive("the page's own event", 1))

    # The operator's test of Web Push: a real push to this browser.
    test = call(gateway, "POST", "/v1/web-push/tests", {"subscription": subscription})
    assert test["sent"] and test["accepted"], test
    wait_for("the test on the screen", lambda: call(gateway, "GET", f"/v1/web-push/tests/{test['test']}")["displayed"] or None)
    arrive("the test", 1)
    print("ok: the test of Web Push was sent, accepted and displayed")

    payload = b"test: unsubscribe"
    assert push_raw(gateway, pushtool, subscription, payload) == 201
    assert arrive("the order to unsubscribe", 1) == [payload]
    wait_for("unsubscribing", lambda: any(receipt.get("unsubscribed") for receipt in receipts(gateway)) or None)
    write(gateway, "anybody there?")
    wait_for("forgetting", lambda: devices(gateway) == [] or None)
    print("ok: after unsubscribing the push service answered 410 and the gateway forgot the subscription")


def push_raw(gateway, pushtool, subscription, payload):
    """A push of these very bytes, encrypted by the library, signed with the service's own VAPID key. Its status."""
    line = {
        "subscription": subscription, "vapid_private": gateway["keys"]["vapid"], "ttl": 60,
        "payload": base64.b64encode(payload).decode(), "now_ms": int(time.time() * 1000),
    }
    made = subprocess.run([pushtool, "--allow-loopback", "webpush", "request"], input=json.dumps(line), capture_output=True, text=True, check=True)
    made = json.loads(made.stdout)
    request = urllib.request.Request(made["uri"], base64.urlsafe_b64decode(made["body"] + "=="), made["headers"], method=made["method"])
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.status, error.read()


def say(gateway, kind, data):
    gateway["events"] = gateway.get("events", 0) + 1
    event = {"specversion": "1.0", "id": str(gateway["events"]), "source": "/ci", "type": f"reveille.conversation.{kind}", "data": data}
    answer = call(gateway, "POST", "/v1/events", event, "application/cloudevents+json")
    assert answer == {"result": "accepted"}, answer


def write(gateway, text):
    message = {"conversation": "42", "sender": "smith", "role": "primary", "sender_name": "Agent Smith", "preview": text}
    say(gateway, "message_sent", message)


def look_at_the_page(gateway, browser, text, token, screenshot, arrived):
    """Through Marionette: what the page shows, a picture of it, and what happens after a click."""
    connection = wait_for("Marionette", lambda: connect(browser["marionette"]))
    number = 0

    def ask(name, parameters):
        nonlocal number
        number += 1
        return command(connection, number, name, parameters)

    def script(text):
        return ask("WebDriver:ExecuteScript", {"script": f"return {text}", "args": []})["value"]

    with connection:
        receive(connection)
        ask("WebDriver:NewSession", {})
        status, messages = script("[document.getElementById('status').textContent, document.getElementById('messages').textContent]")
        assert status == "Subscribed as ci.", status
        assert "Agent Smith" in messages and text in messages, messages
        print("ok: the open page shows its state and the message")
        if screenshot:
            ask("WebDriver:SetWindowRect", {"width": 900, "height": 900})
            clear = "document.querySelectorAll('#messages li:not(:last-child)').forEach((item) => item.remove())"
            ask("WebDriver:ExecuteScript", {"script": clear, "args": []})
            picture = ask("WebDriver:TakeScreenshot", {"full": True})["value"]
            with open(screenshot, "wb") as file:
                file.write(base64.b64decode(picture))
        shown = script("document.getElementById('command').textContent").replace("gateway-data", gateway["data"])
        answer = subprocess.run(["bash", "-c", shown], capture_output=True, text=True, check=True).stdout
        assert json.loads(answer) == {"results": [{"result": "accepted"}] * 2}, answer
        assert b"Hello!" in arrived()[0]
        print("ok: the command that the page shows sends an event")
        # A click leads here. The token opens what was said, once.
        for attempt, verdict in enumerate(["resume", "fresh"]):
            ask("WebDriver:Navigate", {"url": f"{gateway['page']}/?receipts&{attempt}"})
            ask("WebDriver:Navigate", {"url": f"{gateway['page']}/conversations/42?receipts#resume={token}"})
            wait_for(f"the verdict {verdict}", lambda: script("document.documentElement.dataset.resume") == verdict or None)
            assert token not in script("location.href"), "the token stays in the address bar"
            if verdict == "resume":
                wait_for("the history", lambda: text in script("document.getElementById('messages').textContent") or None)
        print("ok: the token of the push led back into the conversation, and only once")


def connect(port):
    try:
        return socket.create_connection(("127.0.0.1", port), TIMEOUT)
    except OSError:
        return None


def command(connection, number, name, parameters):
    frame = json.dumps([0, number, name, parameters])
    connection.sendall(f"{len(frame.encode())}:{frame}".encode())
    _, _, error, result = receive(connection)
    assert error is None, (name, error)
    return result


def receive(connection):
    length = b""
    while not length.endswith(b":"):
        byte = connection.recv(1)
        assert byte, "Firefox closed the connection"
        length += byte
    body = b""
    while len(body) < int(length[:-1]):
        body += connection.recv(65536)
    return json.loads(body)


if __name__ == "__main__":
    main()
