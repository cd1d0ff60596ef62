"""Compact resume tokens, version 1, from docs/resume-token.md alone: Python's standard library and nothing else."""
import base64, hashlib, hmac, re, struct

LEEWAY, MAX_LIFETIME, NAMES = 5_000, 300_000, ("contact", "conversation", "device", "channel")


def hkdf(secret, info, length):  # RFC 5869; one block is enough
    prk = hmac.digest(b"reveille/resume", secret, "sha256")
    return hmac.digest(prk, info + b"\1", "sha256")[:length]


def siphash24(key, data):  # Aumasson and Bernstein, "SipHash: a fast short-input PRF"
    mask = 2**64 - 1
    rot = lambda x, n: (x << n | x >> 64 - n) & mask
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    def rounds(count):
        for _ in range(count):
            v[0] = v[0] + v[1] & mask; v[1] = rot(v[1], 13) ^ v[0]; v[0] = rot(v[0], 32)
            v[2] = v[2] + v[3] & mask; v[3] = rot(v[3], 16) ^ v[2]
            v[0] = v[0] + v[3] & mask; v[3] = rot(v[3], 21) ^ v[0]
            v[2] = v[2] + v[1] & mask; v[1] = rot(v[1], 17) ^ v[2]; v[2] = rot(v[2], 32)
    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) % 256])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word; rounds(2); v[0] ^= word
    v[2] ^= 255; rounds(4)
    return struct.pack("<Q", v[0] ^ v[1] ^ v[2] ^ v[3])


def id_hashes(secret, token_id, ids):
    key = hkdf(secret, b"rt1 ids", 16)
    return [siphash24(key, token_id + ids[name].encode() + bytes([at]))[:6] for at, name in enumerate(NAMES, 1)]


def issue(secret, key_id, shard, token_id, issued_at, lifetime, ids):
    body = struct.pack(">BHB16s", 1, key_id, shard, token_id) + issued_at.to_bytes(6, "big") + lifetime.to_bytes(3, "big")
    body += b"".join(id_hashes(secret, token_id, ids))
    tag = hmac.digest(hkdf(secret, b"rt1 mac", 32), body, "sha256")[:16]
    return base64.urlsafe_b64encode(body + tag).decode()


def verify(keys, token, ids, now):
    """keys: {id: (secret, revoked_from or None)}. The token id, shard and last millisecond, or the reason why not."""
    if not token: return "absent"
    if not re.fullmatch("[A-Za-z0-9_-]{92}", token, re.ASCII): return "malformed"
    body, tag = (raw := base64.urlsafe_b64decode(token))[:53], raw[53:]
    version, key_id, shard, token_id = struct.unpack(">BHB16s", body[:20])
    if version != 1: return "unknown_version"
    if key_id not in keys: return "unknown_key"
    secret, revoked_from = keys[key_id]
    if not hmac.compare_digest(hmac.digest(hkdf(secret, b"rt1 mac", 32), body, "sha256")[:16], tag): return "forged"
    wrong = [name for at, (name, wanted) in enumerate(zip(NAMES, id_hashes(secret, token_id, ids)))
             if not hmac.compare_digest(body[29 + 6 * at:35 + 6 * at], wanted)]
    if wrong: return "wrong_" + wrong[0]
    issued_at, lifetime = int.from_bytes(body[20:26], "big"), int.from_bytes(body[26:29], "big")
    if revoked_from is not None and issued_at + LEEWAY >= revoked_from: return "key_revoked"
    if issued_at > now + LEEWAY: return "not_yet_valid"
    end = issued_at + min(lifetime, MAX_LIFETIME) + LEEWAY
    if now >= end: return "expired"
    return token_id, shard, end
