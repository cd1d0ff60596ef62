"""What an official encoder wrote, read and written by pushtool: the same message. What it refuses, and what only we refuse:
each with its reason. Arguments: pushtool, the discovery document, the encoder's name; its lines come from standard input."""

import base64
import collections
import copy
import json
import struct
import subprocess
import sys
from datetime import datetime, timezone
from decimal import Decimal

PUSHTOOL, DOCUMENT, NAME = sys.argv[1:]
SCHEMAS = json.load(open(DOCUMENT))["schemas"]


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def normal(property, value):
    """One form for all that proto3's JSON mapping allows, by Google's discovery document."""
    if "$ref" in property:
        known = SCHEMAS[property["$ref"]].get("properties", {})
        return {camel(key): normal(known[camel(key)], item) for key, item in value.items() if item is not None}
    if property["type"] == "array":
        return [normal(property["items"], item) for item in value]
    if property.get("format") == "google-duration":
        return Decimal(value.removesuffix("s")).normalize()
    if property.get("format") == "google-datetime":
        time = datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(timezone.utc)
        return round(time.timestamp() * 1_000)
    if property.get("format") == "float":
        # 32 bits, says the schema; the encoders write 64.
        return struct.unpack("f", struct.pack("f", value))[0]
    if "enum" in property:
        return value.upper()
    return value


def message(value):
    found = normal({"$ref": "Message"}, value)
    # A time to live is whole seconds: Google rounds down ("rounded down to the nearest second").
    if "ttl" in found.get("android", {}):
        found["android"]["ttl"] = int(found["android"]["ttl"])
    shown = found.get("android", {}).get("notification", {})
    if "color" in shown:
        shown["color"] = shown["color"].lower()
    return found


def put(path, value):
    def apply(wire):
        *steps, last = path.split("/")
        for step in steps:
            if not isinstance(wire.get(step), dict):
                wire[step] = {}
            wire = wire[step]
        wire[last] = value
    return apply


def without(path, arguments, key):
    def apply(wire):
        put(f"{path}/{arguments}", ["a"])(wire)
        for step in path.split("/"):
            wire = wire[step]
        wire.pop(key, None)
    return apply


ALERT = "apns/payload/aps/alert"
SHOWN = "android/notification"
# What would be on the wire, had the encoder let it through; and the start of our reason.
REFUSED = {
    "image": (put("notification/image", "cat.png"), "notification.image: expected"),
    "android image": (put(f"{SHOWN}/image", "//a/b"), f"{SHOWN.replace('/', '.')}.image: expected"),
    "apns image": (put("apns/fcm_options/image", "cat"), "apns.fcmOptions.image: expected"),
    "color": (put(f"{SHOWN}/color", "red"), "color is not #rrggbb"),
    "body arguments": (without(SHOWN, "body_loc_args", "body_loc_key"), "arguments need a bodyLocKey"),
    "title arguments": (without(SHOWN, "title_loc_args", "title_loc_key"), "arguments need a titleLocKey"),
    "alert arguments": (without(ALERT, "loc-args", "loc-key"), "arguments need a loc-key"),
    "alert title arguments": (without(ALERT, "title-loc-args", "title-loc-key"), "arguments need a title-loc-key"),
    "alert subtitle arguments": (without(ALERT, "subtitle-loc-args", "subtitle-loc-key"), "arguments need a subtitle-loc-key"),
    "alert": (put(ALERT, 7), "apns.payload.aps.alert: expected a string or an object"),
    "aps": (put("apns/payload/aps", None), "apns.payload.aps: expected an object"),
    "badge": (put("apns/payload/aps/badge", "3"), "apns.payload.aps.badge: expected a number"),
    "badge below 0": (None, "apns.payload.aps.badge: expected a number"),
    "sound": (put("apns/payload/aps/sound", ""), "apns.payload.aps.sound: expected a name"),
    "sound name": (put("apns/payload/aps/sound", {"name": "", "volume": 1}), "apns.payload.aps.sound.name: expected"),
    "volume": (put("apns/payload/aps/sound", {"name": "a", "volume": 2}), "apns.payload.aps.sound.volume: expected"),
    "vibrations": (put(f"{SHOWN}/vibrate_timings", []), "vibrateTimings: expected at least one"),
    "link": (put("webpush/fcm_options/link", "http://a.example/"), "link is not an absolute https URL"),
    "label": (put("fcm_options/analytics_label", "a b"), "analytics label has a character"),
    "data": (put("data/a", 1), "expected a string"),
    # From here on the encoders let it through; the reason is Google's or Apple's.
    "ttl": (None, "ttl is out of range"),
    "reserved": (None, "is reserved by FCM"),
    "message_type": (None, "is reserved by FCM"),
    "google.": (None, "is reserved by FCM"),
    "no aps": (None, "apns.payload.aps: expected an object"),
    "push type": (None, "names no push type"),
    "background at once": (None, "a background push needs 5"),
    "header": (None, "not ASCII"),
    "urgency": (None, "must be very-low"),
}
# Python writes no empty list: this one never comes to the wire.
NOT_A_FAULT = {("python", "vibrations")}

lines = [json.loads(line) for line in sys.stdin]
wires, expected = [], []
outcome = collections.Counter()
for line in lines:
    if "refused" in line["base"]:
        sys.exit(f"{NAME} refuses what should be fine: {line}")
    wires.append(line["base"]["wire"])
    expected.append(None)
    if "fault" not in line:
        continue
    fault, faulty = line["fault"], line["faulty"]
    mutate, reason = REFUSED[fault]
    if "wire" in faulty:
        wire = faulty["wire"]
    elif mutate is None:
        outcome[fault, "they refuse it, too"] += 1
        continue
    else:
        wire = copy.deepcopy(line["base"]["wire"])
        mutate(wire)
    outcome[fault, "they refuse it" if "refused" in faulty else "they let it through"] += 1
    wires.append(wire)
    expected.append(None if (NAME, fault) in NOT_A_FAULT else reason)

inputs = [{"message": wire, "project_id": "p", "access_token": "t", "now_ms": 0} for wire in wires]
run = subprocess.run([PUSHTOOL, "fcm", "request"], input="\n".join(map(json.dumps, inputs)), text=True, capture_output=True)
outputs = [json.loads(line) for line in run.stdout.splitlines()]
assert len(outputs) == len(wires), (len(outputs), len(wires), run.stderr)

differences, same, refused = [], 0, collections.Counter()
for wire, reason, output in zip(wires, expected, outputs):
    error = output.get("error")
    if reason is None and error is None:
        body = base64.urlsafe_b64decode(output["body"] + "=" * (-len(output["body"]) % 4))
        ours = json.loads(body)["message"]
        if message(ours) == message(wire):
            same += 1
        else:
            differences.append(("not the same", message(wire), message(ours)))
    elif reason is None and error["kind"] == "size":
        refused["larger than FCM takes"] += 1
    elif reason is not None and error is not None and reason in error["message"]:
        refused[reason] += 1
    else:
        differences.append((reason, error, wire))

for difference in differences[:5]:
    print(difference)
print(f"{NAME}: {same} messages are the same, {sum(refused.values())} refused, {len(differences)} differences")
for (fault, what), count in sorted(outcome.items()):
    print(f"  {fault}: {what} ({count})")
if differences or same < 1_000:
    sys.exit(1)
