"""Lines of generate.py through the encoder of PyPI firebase-admin: adds `wire`, and `refused` for what it refuses."""

import datetime
import json
import sys
import warnings

from firebase_admin import messaging as m
from firebase_admin._messaging_encoder import MessageEncoder

warnings.simplefilter("ignore")


def take(thing, **names):
    """Keyword arguments of what is there, under Python's names."""
    return {ours: thing[theirs] for ours, theirs in names.items() if theirs in thing}


def android_notification(n):
    fields = take(
        n, title="title", body="body", icon="icon", color="color", sound="sound", tag="tag", image="imageUrl",
        click_action="clickAction", body_loc_key="bodyLocKey", body_loc_args="bodyLocArgs", title_loc_key="titleLocKey",
        title_loc_args="titleLocArgs", channel_id="channelId", ticker="ticker", sticky="sticky", local_only="localOnly",
        priority="priority", vibrate_timings_millis="vibrateTimingsMillis", default_vibrate_timings="defaultVibrateTimings",
        default_sound="defaultSound", default_light_settings="defaultLightSettings", visibility="visibility",
        notification_count="notificationCount", proxy="proxy",
    )
    if "eventTimestamp" in n:
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        fields["event_timestamp"] = epoch + datetime.timedelta(milliseconds=n["eventTimestamp"])
    if "lightSettings" in n:
        light = n["lightSettings"]
        fields["light_settings"] = m.LightSettings(
            light["color"], light["lightOnDurationMillis"], light["lightOffDurationMillis"])
    return m.AndroidNotification(**fields)


def android(a):
    fields = take(
        a, collapse_key="collapseKey", priority="priority", restricted_package_name="restrictedPackageName", data="data",
        direct_boot_ok="directBootOk", bandwidth_constrained_ok="bandwidthConstrainedOk",
        restricted_satellite_ok="restrictedSatelliteOk",
    )
    if "ttl" in a:
        fields["ttl"] = datetime.timedelta(milliseconds=a["ttl"])
    if "notification" in a:
        fields["notification"] = android_notification(a["notification"])
    if "fcmOptions" in a:
        fields["fcm_options"] = m.AndroidFCMOptions(a["fcmOptions"]["analyticsLabel"])
    return m.AndroidConfig(**fields)


def aps(a):
    if a is None:
        return None
    fields = take(a, badge="badge", content_available="contentAvailable", mutable_content="mutableContent",
                  category="category", thread_id="threadId", alert="alert", sound="sound")
    if isinstance(fields.get("alert"), dict):
        fields["alert"] = m.ApsAlert(**take(
            a["alert"], title="title", subtitle="subtitle", body="body", loc_key="locKey", loc_args="locArgs",
            title_loc_key="titleLocKey", title_loc_args="titleLocArgs", action_loc_key="actionLocKey",
            launch_image="launchImage", custom_data="custom"))
        # It has no names for these.
        rest = take(a["alert"], **{"subtitle-loc-key": "subtitleLocKey", "subtitle-loc-args": "subtitleLocArgs"})
        fields["alert"].custom_data = rest or None
    if isinstance(fields.get("sound"), dict):
        sound = a["sound"]
        fields["sound"] = m.CriticalSound(sound.get("name"), critical=sound.get("critical"), volume=sound.get("volume"))
    return m.Aps(**fields)


def apns(a):
    fields = take(a, headers="headers", live_activity_token="liveActivityToken")
    if "payload" in a:
        custom = {key: value for key, value in a["payload"].items() if key != "aps"}
        inner = aps(a["payload"]["aps"]) if "aps" in a["payload"] else m.Aps()
        fields["payload"] = m.APNSPayload(inner, **custom)
    if "fcmOptions" in a:
        fields["fcm_options"] = m.APNSFCMOptions(**take(a["fcmOptions"], analytics_label="analyticsLabel", image="imageUrl"))
    return m.APNSConfig(**fields)


def webpush(w):
    fields = take(w, headers="headers", data="data")
    if "notification" in w:
        fields["notification"] = m.WebpushNotification(**take(
            w["notification"], title="title", body="body", icon="icon", tag="tag", renotify="renotify", silent="silent"))
    if "fcmOptions" in w:
        fields["fcm_options"] = m.WebpushFCMOptions(w["fcmOptions"]["link"])
    return m.WebpushConfig(**fields)


def encode(spec):
    fields = take(spec, data="data", token="token", topic="topic", condition="condition")
    if "notification" in spec:
        fields["notification"] = m.Notification(**take(spec["notification"], title="title", body="body", image="imageUrl"))
    for name, make in [("android", android), ("apns", apns), ("webpush", webpush)]:
        if name in spec:
            fields[name] = make(spec[name])
    if "fcmOptions" in spec:
        fields["fcm_options"] = m.FCMOptions(spec["fcmOptions"]["analyticsLabel"])
    return json.loads(json.dumps(m.Message(**fields), cls=MessageEncoder))


def attempt(spec):
    try:
        return {"wire": encode(spec)}
    except (ValueError, TypeError) as error:
        return {"refused": str(error)}


for line in sys.stdin:
    given = json.loads(line)
    encoded = {"base": attempt(given["base"])}
    if "fault" in given:
        encoded |= {"fault": given["fault"], "faulty": attempt(given["spec"])}
    print(json.dumps(encoded))
