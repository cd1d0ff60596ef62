"""The independent implementation against the vectors, the table of refused tokens, and the pushtool, both ways."""
import base64, json, os, subprocess, sys
from pathlib import Path

import rt1

root = Path(__file__).resolve().parents[3]
vectors = root / "crates/resume/tests/vectors"
unpad = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
b64 = lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")

count = 0
for vector in json.loads((vectors / "compact.json").read_text()):
    secret, ids = unpad(vector["secret"]), {name: vector[name] for name in rt1.NAMES}
    token = rt1.issue(secret, vector["key_id"], vector["shard"], bytes.fromhex(vector["token_id"]),
                      vector["issued_at_ms"], vector["lifetime_ms"], ids)
    assert token == vector["token"], vector["name"]
    assert rt1.verify({vector["key_id"]: (secret, None)}, token, ids, vector["issued_at_ms"])[0].hex() == vector["token_id"]
    assert vector["mac_key"] == rt1.hkdf(secret, b"rt1 mac", 32).hex()
    count += 1
print(f"compact.json: {count} vectors agree")

keys = {1: (b"\7" * 32, None), 2: (b"\10" * 32, 1_700_000_000_000)}
mine = dict(zip(rt1.NAMES, ("contact-4711", "conv-8", "device-15", "web")))
count = 0
for line in (vectors / "refused.tsv").read_text().splitlines():
    if line.startswith("compact\t"):
        _, fault, reason, _, now, token = line.split("\t")
        given = rt1.verify(keys, token, mine, int(now))
        assert given == reason, (fault, given, reason)
        count += 1
print(f"refused.tsv: {count} reasons agree")


def pushtool(command, lines):
    tool = os.environ.get("PUSHTOOL", str(root / "target/release/examples/pushtool"))
    run = subprocess.run([tool, "token", command], input="\n".join(map(json.dumps, lines)), capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


now, jobs = 1_700_000_000_000, []
for n in range(200):
    secret = os.urandom(16 + n % 49)
    ids = {name: os.urandom(1 + n % 40).hex() for name in rt1.NAMES}
    jobs.append((n * 300, secret, ids, {"keys": [{"id": n * 300, "secret": b64(secret)}], "now_ms": now + n}))
issued = pushtool("issue", [{**line, "claims": ids, "ttl_ms": 300_000} for _, _, ids, line in jobs])
for (key_id, secret, ids, line), answer in zip(jobs, issued):
    assert len(answer["token"]) == 92
    assert isinstance(rt1.verify({key_id: (secret, None)}, answer["token"], ids, line["now_ms"]), tuple), answer
own = [rt1.issue(secret, key_id, 0, os.urandom(16), line["now_ms"], 300_000, ids) for key_id, secret, ids, line in jobs]
verified = pushtool("verify", [{**line, "token": token, "expect": ids} for (_, _, ids, line), token in zip(jobs, own)])
assert all(answer == {"verdict": "resume", "reason": "resume", "fraud": False} for answer in verified), verified
print(f"pushtool: {len(jobs)} tokens read by each other")
