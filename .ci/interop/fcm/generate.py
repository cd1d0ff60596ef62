"""Random messages in the words of firebase-admin for Node, one JSON line each: `base`, and for some `spec`, the same with
one thing that somebody refuses (`fault`). Arguments: how many, and a seed."""

import copy
import json
import random
import sys

COUNT, SEED = int(sys.argv[1]), int(sys.argv[2])
r = random.Random(SEED)


def text(least=1):
    alphabet = "abcXYZ 019_-é😀\"\\\n/<>'"
    return "".join(r.choice(alphabet) for _ in range(r.randint(least, 12)))


def some(**fields):
    """Some of the fields, each made only if it is taken."""
    return {name: make() for name, make in fields.items() if r.random() < 0.45}


def data():
    return {r.choice("abcdefgh") + str(n): text(0) for n in range(r.randint(1, 4))}


def flag():
    return r.random() < 0.5


def label():
    return "".join(r.choice("abcXYZ019-_.~%") for _ in range(r.randint(1, 50)))


def image():
    return f"https://example.com/{r.randint(0, 999)}.png"


def color():
    return "#" + "".join(r.choice("0123456789abcdefABCDEF") for _ in range(6))


def texts(key):
    """Arguments, with the key that they need."""
    return lambda: [text() for _ in range(r.randint(1, 3))], key


def with_keys(thing, pairs):
    for arguments, key in pairs:
        if arguments in thing and key not in thing:
            thing[key] = "KEY"
    return thing


def android_notification():
    args = lambda: [text() for _ in range(r.randint(1, 3))]
    shown = some(
        title=text, body=text, icon=text, color=color, sound=text, tag=text, imageUrl=image, clickAction=text,
        bodyLocKey=text, bodyLocArgs=args, titleLocKey=text, titleLocArgs=args, channelId=text, ticker=text, sticky=flag,
        eventTimestamp=lambda: r.randint(0, 4_000_000_000_000), localOnly=flag,
        priority=lambda: r.choice(["min", "low", "default", "high", "max"]),
        vibrateTimingsMillis=lambda: [r.randint(0, 5_000) for _ in range(r.randint(1, 4))],
        defaultVibrateTimings=flag, defaultSound=flag, defaultLightSettings=flag,
        lightSettings=lambda: {
            "color": color() + r.choice(["", "80"]), "lightOnDurationMillis": r.randint(0, 9_999),
            "lightOffDurationMillis": r.randint(0, 9_999),
        },
        visibility=lambda: r.choice(["private", "public", "secret"]), notificationCount=lambda: r.randint(0, 99),
        proxy=lambda: r.choice(["allow", "deny", "if_priority_lowered"]),
    )
    return with_keys(shown, [("bodyLocArgs", "bodyLocKey"), ("titleLocArgs", "titleLocKey")])


def android():
    return some(
        collapseKey=text, priority=lambda: r.choice(["high", "normal"]), ttl=lambda: r.randint(0, 2_419_200_000),
        restrictedPackageName=lambda: "com.example", data=data, notification=android_notification,
        fcmOptions=lambda: {"analyticsLabel": label()}, directBootOk=flag, bandwidthConstrainedOk=flag,
        restrictedSatelliteOk=flag,
    )


def alert():
    args = lambda: [text() for _ in range(r.randint(1, 3))]
    if r.random() < 0.3:
        return text()
    shown = some(
        title=text, subtitle=text, body=text, locKey=text, locArgs=args, titleLocKey=text, titleLocArgs=args,
        subtitleLocKey=text, subtitleLocArgs=args, actionLocKey=text, launchImage=text,
    ) or {"body": text()}
    return with_keys(shown, [("locArgs", "locKey"), ("titleLocArgs", "titleLocKey"), ("subtitleLocArgs", "subtitleLocKey")])


def sound():
    if r.random() < 0.5:
        return text()
    return {"name": text()} | some(critical=lambda: True, volume=lambda: r.choice([0, 0.25, 0.5, 1]))


def apns():
    # Never empty: Python leaves an empty `aps` out.
    aps = {"badge": r.randint(0, 99)} | some(
        alert=alert, sound=sound, contentAvailable=lambda: True, mutableContent=lambda: True, category=text,
        threadId=text,
    )
    headers = some(**{
        "apns-priority": lambda: r.choice(["1", "5", "10"]), "apns-expiration": lambda: str(r.randint(0, 4_000_000_000)),
        "apns-collapse-id": label, "apns-push-type": lambda: "alert", "apns-topic": lambda: "com.example",
    })
    config = {"payload": {"aps": aps} | some(custom=data, number=lambda: r.randint(-9, 9), flag=flag)}
    config |= some(fcmOptions=lambda: {"analyticsLabel": label(), "imageUrl": image()})
    return config | ({"headers": headers} if headers else {})


def webpush():
    return some(
        headers=lambda: {"TTL": str(r.randint(0, 99)), "Urgency": r.choice(["very-low", "low", "normal", "high"])},
        data=data,
        notification=lambda: {"title": text()} | some(body=text, icon=image, tag=text, renotify=flag, silent=flag),
        fcmOptions=lambda: {"link": "https://example.com/" + label().replace("%", "")},
    )


def message():
    target = r.choice([{"token": "t" + label()}, {"topic": "news"}, {"condition": "'a' in topics && 'b' in topics"}])
    return target | some(
        data=data, notification=lambda: {"title": text()} | some(body=text, imageUrl=image), android=android, apns=apns,
        webpush=webpush, fcmOptions=lambda: {"analyticsLabel": label()},
    )


def put(path, value):
    """Puts a value into a message, and what has to be there around it."""
    def apply(spec):
        *steps, last = path.split("/")
        for step in steps:
            spec = spec.setdefault(step, {})
            assert isinstance(spec, dict)
        spec[last] = value
    return apply


def arguments_without_key(path, arguments, key):
    def apply(spec):
        put(f"{path}/{arguments}", ["a"])(spec)
        holder = spec
        for step in path.split("/"):
            holder = holder[step]
        holder.pop(key, None)
    return apply


def clear(path, then):
    def apply(spec):
        put(path, {})(spec)
        then(spec)
    return apply


ALERT = "apns/payload/aps/alert"
FAULTS = {
    "image": put("notification/imageUrl", "cat.png"),
    "android image": put("android/notification/imageUrl", "//a/b"),
    "apns image": put("apns/fcmOptions/imageUrl", "cat"),
    "color": put("android/notification/color", "red"),
    "body arguments": arguments_without_key("android/notification", "bodyLocArgs", "bodyLocKey"),
    "title arguments": arguments_without_key("android/notification", "titleLocArgs", "titleLocKey"),
    "alert arguments": clear(ALERT, arguments_without_key(ALERT, "locArgs", "locKey")),
    "alert title arguments": clear(ALERT, arguments_without_key(ALERT, "titleLocArgs", "titleLocKey")),
    "alert subtitle arguments": clear(ALERT, arguments_without_key(ALERT, "subtitleLocArgs", "subtitleLocKey")),
    "alert": put(ALERT, 7),
    "aps": put("apns/payload/aps", None),
    "badge": put("apns/payload/aps/badge", "3"),
    "badge below 0": put("apns/payload/aps/badge", -1),
    "sound": put("apns/payload/aps/sound", ""),
    "sound name": put("apns/payload/aps/sound", {"name": "", "volume": 1}),
    "volume": put("apns/payload/aps/sound", {"name": "a", "volume": 2}),
    "vibrations": put("android/notification/vibrateTimingsMillis", []),
    "link": put("webpush/fcmOptions/link", "http://a.example/"),
    "label": put("fcmOptions/analyticsLabel", "a b"),
    "ttl": put("android/ttl", 2_419_201_000),
    "reserved": put("data/from", "x"),
    "message_type": put("data/message_type", "x"),
    "google.": put("data/google.x", "x"),
    "no aps": put("apns/payload", {"custom": {"a": "b"}}),
    "push type": put("apns/headers/apns-push-type", "alarm"),
    "background at once": lambda spec: (
        put("apns", {"headers": {"apns-push-type": "background", "apns-priority": "10"},
                     "payload": {"aps": {"contentAvailable": True}}})(spec), spec.pop("notification", None)),
    "header": put("apns/headers/x", "é"),
    "urgency": put("webpush/headers/Urgency", "urgent"),
    "data": put("data/a", 1),
}

for n in range(COUNT):
    base = message()
    line = {"base": base}
    if n % 5 == 0:
        name = sorted(FAULTS)[n // 5 % len(FAULTS)]
        spec = copy.deepcopy(base)
        if not isinstance(spec.get("apns", {}).get("payload", {}).get("aps", {}).get("alert", {}), dict):
            del spec["apns"]["payload"]["aps"]["alert"]
        FAULTS[name](spec)
        line |= {"fault": name, "spec": spec}
    print(json.dumps(line))
