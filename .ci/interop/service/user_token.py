"""A token of a user, signed with the service's own key. Usage: user_token.py KEYS.TOML PERSON"""

import base64
import hashlib
import hmac
import json
import re
import sys
import time


def part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


secret = re.search(r'^user = "(.*)"', open(sys.argv[1]).read(), re.M).group(1)
claims = {"sub": sys.argv[2], "aud": "reveille", "exp": int(time.time()) + 3600}
text = part(json.dumps({"alg": "HS256"}).encode()) + b"." + part(json.dumps(claims).encode())
tag = hmac.new(base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4)), text, hashlib.sha256).digest()
print((text + b"." + part(tag)).decode())
