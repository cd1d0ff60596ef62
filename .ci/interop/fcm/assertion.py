"""Reads the form of a token request from standard input; the service account's file is the argument."""

import json
import sys
import time
from urllib.parse import parse_qs

import google.auth.jwt
import jwt
from cryptography.hazmat.primitives import serialization
from google.oauth2 import service_account

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
account = json.load(open(sys.argv[1]))
key = serialization.load_pem_private_key(account["private_key"].encode(), None)
public = key.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)

form = parse_qs(sys.stdin.read().strip(), strict_parsing=True)
assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"], form["grant_type"]
[assertion] = form["assertion"]

# Both verify the signature, the audience and the times.
claims = jwt.decode(assertion, public, algorithms=["RS256"], audience=account["token_uri"])
assert claims == google.auth.jwt.decode(assertion, certs=public, audience=account["token_uri"])
assert claims["iss"] == account["client_email"] and claims["scope"] == SCOPE, claims
assert claims["exp"] - claims["iat"] == 3600 and abs(claims["iat"] - time.time()) < 60, claims

# The same words as google-auth's own assertion.
credentials = service_account.Credentials.from_service_account_info(account, scopes=[SCOPE])
reference = credentials._make_authorization_grant_assertion().decode()
theirs = jwt.decode(reference, public, algorithms=["RS256"], audience=account["token_uri"])
assert jwt.get_unverified_header(assertion) == jwt.get_unverified_header(reference)
assert {k: v for k, v in claims.items() if k not in ("iat", "exp")} == {
    k: v for k, v in theirs.items() if k not in ("iat", "exp")
}, (claims, theirs)

# What was changed is refused.
head, payload, signature = assertion.split(".")
broken = ".".join([head, payload, ("A" if signature[0] != "A" else "B") + signature[1:]])
try:
    jwt.decode(broken, public, algorithms=["RS256"], audience=account["token_uri"])
except jwt.InvalidSignatureError:
    pass
else:
    sys.exit("a broken signature was accepted")
print("assertion: verified by PyJWT", jwt.__version__, "and google-auth", google.auth.__version__)
