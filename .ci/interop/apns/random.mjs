// Random notifications: our JSON form, and the properties of a node-apn Notification that say the same.

/** A generator that gives the same numbers everywhere (mulberry32). */
function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const alphabet = [...'abc XYZ 019 "\\/<&>', '\n', '\u0000', '\u001f', '\u007f', 'é', 'ß', '日', '👩‍👧', '🇩🇪', '\u2028', '\u202e', '٣'];
const snake = (name) => name.replace(/[A-Z]/g, (c) => '_' + c.toLowerCase());
const camel = (name) => name.replace(/_([a-z])/g, (_, c) => c.toUpperCase());

export function randomScenarios(count, seed) {
  const next = numbers(seed);
  const below = (n) => Math.floor(next() * n);
  const maybe = (chance = 0.5) => next() < chance;
  const one = (list) => list[below(list.length)];
  const text = (most = 12) => Array.from({ length: 1 + below(most) }, () => one(alphabet)).join('');
  const time = () => 1_700_000_000_000 + 1000 * below(100_000_000);
  const secs = (ms) => Math.floor(ms / 1000);

  function value(depth = 0) {
    switch (below(depth > 2 ? 5 : 7)) {
      case 0: return null;
      case 1: return maybe();
      case 2: return below(2 ** 31) - 2 ** 30;
      case 3: return below(1_000_000) / 64;
      case 4: return text();
      case 5: return Array.from({ length: below(4) }, () => value(depth + 1));
      default: return object(depth + 1);
    }
  }
  function object(depth = 0) {
    return Object.fromEntries(Array.from({ length: below(4) }, () => [`k${text(4)}`, value(depth)]));
  }

  /** Fields that are the same on both sides but for their spelling. */
  function plain(ours, theirs, fields) {
    for (const [name, make] of fields) {
      if (maybe(0.35)) {
        const made = make();
        ours[snake(name)] = made;
        theirs[camel(name)] = made;
      }
    }
  }

  function localized() {
    const args = Array.from({ length: below(3) }, () => text());
    return { key: text(), ...(args.length > 0 ? { args } : {}) };
  }

  function dictionary() {
    const [ours, theirs] = [{}, {}];
    for (const name of ['title', 'subtitle', 'body', 'launch_image', 'action', 'action_loc_key', 'summary_arg']) {
      if (maybe(name === 'body' ? 0.8 : 0.3)) {
        ours[name] = text(30);
        theirs[name.replaceAll('_', '-')] = ours[name];
      }
    }
    for (const [name, prefix] of [['title_loc', 'title-loc'], ['subtitle_loc', 'subtitle-loc'], ['loc', 'loc']]) {
      if (maybe(0.2)) {
        const { key, args } = ours[name] = localized();
        theirs[`${prefix}-key`] = key;
        if (args) theirs[`${prefix}-args`] = args;
      }
    }
    if (Object.keys(ours).length === 0) ours.body = theirs.body = text();
    return [ours, theirs];
  }

  function alert() {
    const [ours, theirs] = [{ push_type: 'alert' }, { pushType: 'alert' }];
    if (maybe(0.3)) {
      ours.alert = theirs.alert = text(30);
    } else {
      [ours.alert, theirs.alert] = dictionary();
    }
    plain(ours, theirs, [
      ['badge', () => below(2 ** 32)], ['threadId', text], ['category', text], ['filterCriteria', text],
      ['relevanceScore', () => below(65) / 64], ['urlArgs', () => Array.from({ length: below(3) }, () => text())],
    ]);
    if (maybe(0.2)) ours.target_content_id = theirs.targetContentIdentifier = text();
    if (maybe(0.2)) ours.content_available = theirs.contentAvailable = true;
    if (maybe(0.2)) ours.mutable_content = theirs.mutableContent = true;
    if (maybe(0.15)) {
      ours.critical_sound = { name: text(), volume: below(17) / 16 };
      theirs.sound = { critical: 1, ...ours.critical_sound };
      ours.interruption_level = theirs.interruptionLevel = 'critical';
    } else {
      plain(ours, theirs, [['sound', text], ['interruptionLevel', () => one(['passive', 'active', 'time-sensitive', 'critical'])]]);
    }
    return [ours, theirs, ''];
  }

  function activityText() {
    if (maybe(0.7)) return [text(30), undefined].slice(0, 1).flatMap((plainText) => [plainText, plainText]);
    const ours = localized();
    return [ours, { 'loc-key': ours.key, ...(ours.args ? { 'loc-args': ours.args } : {}) }];
  }

  function activity() {
    const event = one(['start', 'update', 'end']);
    const timestamp = time();
    const [ours, theirs] = [{ event, timestamp }, { pushType: 'liveactivity', event, timestamp: secs(timestamp) }];
    if (event !== 'end' || maybe()) ours.content_state = theirs.contentState = object();
    if (event === 'start' || maybe()) {
      const [title, theirTitle] = activityText();
      const [body, theirBody] = activityText();
      const sound = maybe() ? { sound: text() } : {};
      ours.alert = { title, body, ...sound };
      theirs.alert = { title: theirTitle, body: theirBody, ...sound };
    }
    if (event === 'start') {
      ours.attributes_type = theirs.attributesType = text();
      ours.attributes = theirs.attributes = object();
      if (maybe(0.3)) {
        ours.input_push = 'token';
        theirs.inputPushToken = 1;
      }
    }
    if (event === 'end' ? maybe() : maybe(0.3)) {
      const at = time();
      ours[event === 'end' ? 'dismissal_date' : 'stale_date'] = at;
      theirs[event === 'end' ? 'dismissalDate' : 'staleDate'] = secs(at);
    }
    return [{ push_type: 'liveactivity', activity: ours }, theirs, '.push-type.liveactivity'];
  }

  const kinds = [
    [6, alert],
    [2, activity],
    [1, () => [{ push_type: 'background' }, { pushType: 'background', contentAvailable: true, priority: 5 }, '']],
    [1, () => [{ push_type: 'voip' }, { pushType: 'voip' }, '.voip']],
    [1, () => [{ push_type: 'complication' }, { pushType: 'complication' }, '.complication']],
    [1, () => [{ push_type: 'location' }, { pushType: 'location' }, '.location-query']],
    [1, () => [{ push_type: 'widgets' }, { pushType: 'widgets', contentChanged: true }, '.push-type.widgets']],
    [1, () => [{ push_type: 'controls' }, { pushType: 'controls', contentChanged: true }, '.push-type.controls']],
  ].flatMap(([weight, make]) => Array(weight).fill(make));

  return Array.from({ length: count }, (_, at) => {
    const [ours, theirs, suffix] = one(kinds)();
    if (maybe()) {
      ours.custom = theirs.payload = object();
      if (Object.keys(ours.custom).length === 0) delete theirs.payload;
    }
    const delivery = {};
    if (maybe(0.3)) delivery.id = theirs.id = 'eabeae54-14a8-11e5-b60b-' + below(2 ** 31).toString(16).padStart(12, '0');
    if (maybe(0.3)) delivery.collapse_id = theirs.collapseId = 'c-' + below(2 ** 31);
    if (maybe(0.2)) {
      delivery.expiration = 'once';
      theirs.expiry = 0;
    } else if (maybe(0.3)) {
      delivery.expiration = time();
      theirs.expiry = secs(delivery.expiration);
    }
    const priorities = { background: [5], liveactivity: [10, 5], location: [10, 5] }[ours.push_type] ?? [10, 5, 1];
    if (maybe(0.4)) delivery.priority = theirs.priority = one(priorities);
    if (Object.keys(delivery).length > 0) ours.delivery = delivery;
    if (maybe()) ours.v = 1;
    return [`random ${at} of seed ${seed}`, ours, theirs, suffix];
  });
}
