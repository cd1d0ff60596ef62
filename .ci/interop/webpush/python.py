"""Ours against PyPI http-ece, py-vapid and pywebpush, both directions."""
import base64
import json
import os
import random
import subprocess
import time

import http_ece
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02
from pywebpush import WebPusher

PUSHTOOL = os.environ.get("PUSHTOOL", "target/release/examples/pushtool")
MAX = 3993
RANDOM_CASES = 1000
NOW = int(time.time() * 1000)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def un64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point(key):
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


class Tool:
    """A running command: one JSON line in, one out."""

    def __init__(self, *args):
        self.child = subprocess.Popen([PUSHTOOL, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def must(self, question):
        self.child.stdin.write(json.dumps(question) + "\n")
        self.child.stdin.flush()
        answer = json.loads(self.child.stdout.readline())
        assert "error" not in answer, answer
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        assert self.child.wait() == 0


def once(*args):
    return json.loads(subprocess.run([PUSHTOOL, *args], check=True, capture_output=True, text=True).stdout)


keys = once("webpush", "keys")
vapid = once("vapid", "generate")
ua = ec.derive_private_key(int.from_bytes(un64(keys["private_key"]), "big"), ec.SECP256R1())
assert b64(point(ua.public_key())) == keys["public_key"]
subscription = {
    "endpoint": "https://push.example:8443/p",
    "expirationTime": None,
    "keys": {"p256dh": keys["public_key"], "auth": keys["auth"]},
}


def ours_to_them():
    with Tool("webpush", "request") as tool:
        sizes = list(range(MAX + 1))
        for size in sizes:
            payload = os.urandom(size)
            request = tool.must({
                "subscription": subscription, "vapid_private": vapid["private_key"], "payload": b64(payload),
                "ttl": 60, "now_ms": NOW,
            })
            body = un64(request["body"])
            assert http_ece.decrypt(body, private_key=ua, auth_secret=un64(keys["auth"])) == payload, size
    print(f"python: http-ece opened {len(sizes)} bodies of ours")


def theirs_to_us():
    with Tool("webpush", "open") as tool:
        for _ in range(RANDOM_CASES):
            agent = ec.generate_private_key(ec.SECP256R1())
            sender = ec.generate_private_key(ec.SECP256R1())
            auth, payload = os.urandom(16), os.urandom(random.randint(1, MAX))
            body = http_ece.encrypt(
                payload, salt=os.urandom(16), private_key=sender, dh=point(agent.public_key()), auth_secret=auth
            )
            scalar = agent.private_numbers().private_value.to_bytes(32, "big")
            opened = tool.must({"private_key": b64(scalar), "auth": b64(auth), "body": b64(body)})
            assert un64(opened["plaintext"]) == payload
        # pywebpush on top of it, and its own encoding of the subscription.
        for size in (1, 100, 3000):
            payload = os.urandom(size)
            body = WebPusher(subscription).encode(payload)["body"]
            opened = tool.must({"private_key": keys["private_key"], "auth": keys["auth"], "body": b64(body)})
            assert un64(opened["plaintext"]) == payload
    print(f"python: ours opened {RANDOM_CASES} bodies of http-ece and 3 of pywebpush")


def vapid_both_ways():
    with Tool("webpush", "request") as request, Tool("webpush", "verify-vapid") as verify:
        for provider_key in (vapid["private_key"], vapid["pkcs8_pem"]) * 25:
            header = request.must({
                "subscription": subscription, "vapid_private": provider_key, "payload": None, "ttl": 0, "now_ms": NOW,
            })["headers"]["authorization"]
            # Its parser does not take the space that the RFC's own example has.
            assert Vapid02.verify(header.replace(", k=", ",k="))
        signer = Vapid02.from_string(private_key=vapid["private_key"])
        for _ in range(50):
            claims = {
                "sub": "mailto:ops@example.com", "aud": "https://push.example:8443", "exp": NOW // 1000 + 3600,
            }
            header = signer.sign(dict(claims))["Authorization"]
            answer = verify.must({"authorization": header, "audience": claims["aud"], "now_ms": NOW})
            assert answer == {"claims": claims, "public_key": vapid["public_key"]}, answer
    print("python: py-vapid verified 50 headers of ours, ours verified 50 of py-vapid")


ours_to_them()
theirs_to_us()
vapid_both_ways()
