"""Our provider tokens verify with PyJWT. Usage: verify_tokens.py TOKENS"""
import json
import sys

import jwt

data = json.load(open(sys.argv[1], encoding="utf-8"))
for token in data["tokens"]:
    claims = jwt.decode(token, data["public"], algorithms=["ES256"], options={"verify_iat": False})
    assert claims == {"iss": "DEF123GHIJ", "iat": 1_700_000_000}, claims
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": "ABC123DEFG"}
body, signature = data["tokens"][0].rsplit(".", 1)
forged = body + "." + ("B" if signature[0] == "A" else "A") + signature[1:]
try:
    jwt.decode(forged, data["public"], algorithms=["ES256"], options={"verify_iat": False})
    raise SystemExit("a changed signature must not verify")
except jwt.InvalidSignatureError:
    pass
print(f"PyJWT: {len(data['tokens'])} tokens verify")
