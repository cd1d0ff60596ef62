"""PyPI PyJWT (JWS) and joserfc (JWE) read our tokens and write tokens for us: `jose_py.py read|write` < tokens.json"""
import json, sys, time, uuid

import jwt
from joserfc import jwe, jwk

CLAIMS = {"sub": "contact-4711", "cnv": "Gespräch 8", "dev": "device-15", "chn": "web"}
SECRET, TYP = b"\7" * 32, "resume+jwt"
tokens = json.load(sys.stdin)
private = jwt.PyJWK(tokens["jwk"], algorithm="ES256").key
oct_key = jwk.OctKey.import_key(SECRET)

if sys.argv[1] == "read":
    sealed = jwe.decrypt_compact(tokens["sealed"], oct_key, algorithms=["dir", "A256GCM"])
    assert sealed.headers()["typ"] == TYP
    payloads = [
        jwt.decode(tokens["hs256"], SECRET, algorithms=["HS256"]),
        jwt.decode(tokens["es256"], private.public_key(), algorithms=["ES256"]),
        json.loads(sealed.plaintext),
    ]
    for payload in payloads:
        assert payload.pop("exp") - payload.pop("iat") == 300 and len(payload.pop("jti")) == 22
        assert payload == CLAIMS, payload
    print("PyJWT reads HS256 and ES256, joserfc dir + A256GCM")
else:
    now = int(time.time())
    claims = lambda: {**CLAIMS, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 300}
    header = {"alg": "dir", "enc": "A256GCM", "typ": TYP, "kid": "3"}
    print(json.dumps({
        "hs256": jwt.encode(claims(), SECRET, "HS256", headers={"typ": TYP, "kid": "1"}),
        "es256": jwt.encode(claims(), private, "ES256", headers={"typ": TYP, "kid": "2"}),
        "sealed": jwe.encrypt_compact(header, json.dumps(claims()), oct_key, algorithms=["dir", "A256GCM"]),
    }))
