#!/usr/bin/env python3
"""A real Firefox as the receiver, without the Internet.

Starts the gateway with its local push service and a headless Firefox whose push service is that one; the page
subscribes on load, and its service worker reports every push it received. Asserts the bytes. Standard library only.

usage: firefox.py GATEWAY_BINARY [SCREENSHOT.png]
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
import urllib.error
import urllib.request

TIMEOUT = 90  # seconds for any one thing to happen


def main():
    binary = os.path.abspath(sys.argv[1])
    screenshot = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
    folder = tempfile.mkdtemp(prefix="reveille-browser-")
    processes = []
    try:
        gateway = start_gateway(binary, folder, processes)
        browser = start_firefox(gateway, folder, processes)
        check(gateway, browser, screenshot)
    finally:
        for process in reversed(processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def start_gateway(binary, folder, processes):
    command = [binary, "--listen", "127.0.0.1:0", "--data", f"{folder}/data", "--local-push", "--receipts"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
    processes.append(process)
    found = {}
    for line in process.stdout:
        for name, pattern in (("page", r"http://localhost:\d+"), ("push", r"ws://[\d.:]+/")):
            match = re.search(pattern, line)
            if match:
                found[name] = match.group(0)
        if "push" in found:
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


def call(gateway, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(gateway["page"] + path, data, {"content-type": "application/json"}, method=method)
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
    return call(gateway, "GET", "/v1/subscriptions?user=ci")["devices"]


def check(gateway, browser, screenshot):
    wait_for("the subscription", lambda: devices(gateway) or None)
    print("ok: Firefox subscribed")
    received = 0

    def expect(name, events, payloads):
        nonlocal received
        for event in events:
            answer = call(gateway, "POST", "/v1/events", event)
            assert answer == {"devices": {"delivered": 1}}, (name, answer)
        want = received + len(payloads)
        receipts = wait_for(name, lambda: (r := call(gateway, "GET", "/v1/receipts")) and len(r) >= want and r or None)
        assert all(isinstance(receipt["received"], str) for receipt in receipts[received:want]), "a push without data"
        got = [base64.b64decode(receipt["received"]) for receipt in receipts[received:want]]
        # Pushes may overtake each other on their way through the worker; each must arrive once, byte for byte.
        assert sorted(got) == sorted(payloads), (name, got, payloads)
        received = want
        print(f"ok: {name}: {sum(map(len, payloads))} bytes in {len(payloads)} push(es), byte for byte")

    def raw(payload):
        return event(raw=base64.urlsafe_b64encode(payload).decode().rstrip("="))

    cases = [
        ("text", b"Hello, Firefox!"),
        ("emoji", "Grüße 👩‍👩‍👧‍👦 🏳️‍🌈 🚀".encode()),
        ("binary", bytes(range(256))),
        ("empty", b""),
        ("3,993 bytes", bytes(i * 7 % 251 for i in range(3993))),
    ]
    for name, payload in cases:
        expect(name, [raw(payload)], [payload])
    five = [f"message {i}".encode() for i in range(5)]
    expect("five messages in a row", [raw(payload) for payload in five], five)

    text = "Your order leaves tomorrow. 📦"
    notification = {"title": "Agent Smith", "body": text, "conversation": "42", "url": "/?conversation=42&user=ci"}
    shown = call(gateway, "POST", "/v1/events", event(**{"from": "Agent Smith", "text": text}))
    assert shown == {"devices": {"delivered": 1}}, shown
    received += 1
    receipts = wait_for("the notification", lambda: (r := call(gateway, "GET", "/v1/receipts")) and len(r) >= received and r or None)
    arrived = json.loads(base64.b64decode(receipts[-1]["received"]))
    arrived["url"], token = arrived["url"].split("#resume=")
    assert arrived == notification and len(token) == 92, receipts[-1]
    print("ok: a chat event became a notification with title, text and deep link")
    look_at_the_page(browser, text, screenshot)

    payload = b"test: unsubscribe"
    expect("the order to unsubscribe", [raw(payload)], [payload])
    wait_for("unsubscribing", lambda: call(gateway, "GET", "/v1/receipts")[-1].get("unsubscribed"))
    answer = call(gateway, "POST", "/v1/events", raw(b"anybody there?"))
    assert answer == {"devices": {"drop_target": 1}}, answer
    assert devices(gateway) == 0
    assert call(gateway, "POST", "/v1/events", raw(b"anybody there?")) == {"devices": {}}
    print("ok: after unsubscribing the push service answered 410 and the gateway forgot the subscription")


def event(**members):
    return {"topic": "v2.detail.events.conversation.42.message", "user": "ci", **members}


def look_at_the_page(browser, text, screenshot):
    """Through Marionette: what the page shows, and a picture of it."""
    connection = wait_for("Marionette", lambda: connect(browser["marionette"]))
    with connection:
        receive(connection)
        command(connection, 1, "WebDriver:NewSession", {})
        script = "return [document.getElementById('status').textContent, document.getElementById('messages').textContent]"
        status, messages = command(connection, 2, "WebDriver:ExecuteScript", {"script": script, "args": []})["value"]
        assert status == "Subscribed as ci.", status
        assert "Agent Smith" in messages and text in messages, messages
        print("ok: the open page shows its state and the message")
        if screenshot:
            command(connection, 3, "WebDriver:SetWindowRect", {"width": 900, "height": 900})
            clear = "document.querySelectorAll('#messages li:not(:first-child)').forEach((item) => item.remove())"
            command(connection, 4, "WebDriver:ExecuteScript", {"script": clear, "args": []})
            picture = command(connection, 5, "WebDriver:TakeScreenshot", {"full": True})["value"]
            with open(screenshot, "wb") as file:
                file.write(base64.b64decode(picture))


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
