"""PyPI pywebpush with py-vapid, as their users call them; prints the median nanoseconds per message."""
import json
import sys
import time

from py_vapid import Vapid02
from pywebpush import WebPusher

given = json.loads(sys.argv[1])
subscription = {"endpoint": given["endpoint"], "keys": {"p256dh": given["p256dh"], "auth": given["auth"]}}
payload = b"x" * given["bytes"]
origin = "/".join(given["endpoint"].split("/")[:3])


def encryption():
    return WebPusher(subscription).encode(payload)


def request():
    # What pywebpush.webpush() does before it sends.
    vapid = Vapid02.from_string(private_key=given["vapid_private"])
    headers = vapid.sign({"sub": given["contact"], "aud": origin, "exp": int(time.time()) + 12 * 3600})
    return headers, WebPusher(subscription).encode(payload)


def median(run):
    rounds = []
    for _ in range(200):
        run()
    for _ in range(7):
        start = time.perf_counter_ns()
        for _ in range(200):
            run()
        rounds.append((time.perf_counter_ns() - start) / 200)
    return sorted(rounds)[3]


print(json.dumps({"encryption_ns": median(encryption), "request_ns": median(request)}))
