// Pairs: our JSON form, and the properties of a node-apn Notification that say the same.
// A scenario is [name, ours, theirs, topic suffix].

const id = 'eabeae54-14a8-11e5-b60b-1697f925ec7b';
const at = 1_700_000_000_000;
const secs = at / 1000;

const alert = (fields, props) => [{ push_type: 'alert', ...fields }, { pushType: 'alert', ...props }, ''];
const other = (push_type, suffix, fields, props) => [{ push_type, ...fields }, { pushType: push_type, ...props }, suffix];
const named = (name, [ours, theirs, suffix]) => [name, ours, theirs, suffix];

// One text through every place that takes one: JSON escaping, UTF-8, length.
const texts = {
  plain: 'Are you still there?',
  empty_title_text: ' ',
  quotes: 'say "hé" \\ back\\slash / slash',
  controls: 'tab\tnewline\nreturn\rbell\u0007null\u0000del\u007f',
  emoji: '👩‍👩‍👧‍👦 🇩🇪 ❤️',
  scripts: 'Ελληνικά 日本語 العربية हिन्दी',
  separators: 'line\u2028para\u2029end',
  html: '<b>&amp;</b>',
};

const live = (activity, props, delivery) => other('liveactivity', '.push-type.liveactivity',
  { activity, ...(delivery ? { delivery } : {}) }, props);

export const scenarios = [
  ...Object.entries(texts).flatMap(([name, text]) => [
    named(`title and body: ${name}`, alert({ alert: { title: text, body: text } }, { alert: { title: text, body: text } })),
    named(`alert as a string: ${name}`, alert({ alert: text }, { alert: text })),
    named(`custom value: ${name}`, alert({ alert: 'a', custom: { text } }, { alert: 'a', payload: { text } })),
    named(`custom key: ${name}`, alert({ alert: 'a', custom: { [text]: 1 } }, { alert: 'a', payload: { [text]: 1 } })),
  ]),

  named('title, subtitle, body by setters', alert(
    { alert: { title: 't', subtitle: 's', body: 'b' } }, { body: 'b', title: 't', subtitle: 's' })),
  named('localised body', alert({ alert: { loc: { key: 'K', args: ['1', '2'] } } }, { locKey: 'K', locArgs: ['1', '2'] })),
  named('localised title', alert(
    { alert: { body: 'b', title_loc: { key: 'T', args: ['x'] } } }, { body: 'b', titleLocKey: 'T', titleLocArgs: ['x'] })),
  named('localised subtitle', alert(
    { alert: { body: 'b', subtitle_loc: { key: 'S', args: ['x'] } } }, { body: 'b', subtitleLocKey: 'S', subtitleLocArgs: ['x'] })),
  named('localised without arguments', alert({ alert: { loc: { key: 'K' } } }, { locKey: 'K' })),
  named('launch image', alert({ alert: { body: 'b', launch_image: 'l.png' } }, { body: 'b', launchImage: 'l.png' })),
  named('action of old', alert(
    { alert: { body: 'b', action: 'View', action_loc_key: 'A' } }, { body: 'b', action: 'View', actionLocKey: 'A' })),
  named('summary of old', alert(
    { alert: { body: 'b', summary_arg: 'x', summary_arg_count: 3 } }, { alert: { body: 'b', 'summary-arg': 'x', 'summary-arg-count': 3 } })),
  named('badge 0', alert({ badge: 0 }, { badge: 0 })),
  named('badge 7', alert({ alert: 'a', badge: 7 }, { alert: 'a', badge: 7 })),
  named('badge, large', alert({ badge: 4294967295 }, { badge: 4294967295 })),
  named('sound', alert({ alert: 'a', sound: 'default' }, { alert: 'a', sound: 'default' })),
  named('critical sound', alert(
    { alert: 'a', critical_sound: { name: 'x.caf', volume: 0.25 }, interruption_level: 'critical' },
    { alert: 'a', sound: { critical: 1, name: 'x.caf', volume: 0.25 }, interruptionLevel: 'critical' })),
  named('critical sound, full', alert(
    { critical_sound: { name: 'x.caf' }, interruption_level: 'critical' },
    { sound: { critical: 1, name: 'x.caf', volume: 1 }, interruptionLevel: 'critical' })),
  ...['passive', 'active', 'time-sensitive', 'critical'].map((level) => named(`level ${level}`, alert(
    { alert: 'a', interruption_level: level }, { alert: 'a', interruptionLevel: level }))),
  ...[0, 0.5, 1].map((score) => named(`relevance ${score}`, alert(
    { alert: 'a', relevance_score: score }, { alert: 'a', relevanceScore: score }))),
  named('thread', alert({ alert: 'a', thread_id: 'c-1' }, { alert: 'a', threadId: 'c-1' })),
  named('category', alert({ alert: 'a', category: 'INCOMING_CALL' }, { alert: 'a', category: 'INCOMING_CALL' })),
  named('window', alert({ alert: 'a', target_content_id: 'w' }, { alert: 'a', targetContentIdentifier: 'w' })),
  named('focus filter', alert({ alert: 'a', filter_criteria: 'work' }, { alert: 'a', filterCriteria: 'work' })),
  named('also wakes the app', alert({ alert: 'a', content_available: true }, { alert: 'a', contentAvailable: true })),
  named('mutable', alert({ alert: 'a', mutable_content: true }, { alert: 'a', mutableContent: 1 })),
  named('website arguments', alert({ alert: 'a', url_args: ['x', 'y'] }, { alert: 'a', urlArgs: ['x', 'y'] })),
  named('website, no arguments', alert({ alert: 'a', url_args: [] }, { alert: 'a', urlArgs: [] })),

  named('id', alert({ alert: 'a', delivery: { id } }, { alert: 'a', id })),
  named('collapse id', alert({ alert: 'a', delivery: { collapse_id: 'c'.repeat(64) } }, { alert: 'a', collapseId: 'c'.repeat(64) })),
  named('one attempt', alert({ alert: 'a', delivery: { expiration: 'once' } }, { alert: 'a', expiry: 0 })),
  named('expiration', alert({ alert: 'a', delivery: { expiration: at } }, { alert: 'a', expiry: secs })),
  ...[10, 5, 1].map((priority) => named(`priority ${priority}`, alert(
    { alert: 'a', delivery: { priority } }, { alert: 'a', priority }))),
  named('all headers', alert(
    { alert: 'a', delivery: { id, collapse_id: 'c', expiration: at, priority: 5 } },
    { alert: 'a', id, collapseId: 'c', expiry: secs, priority: 5 })),

  named('custom values of every kind', alert(
    { alert: 'a', custom: { n: null, t: true, i: -3, f: 0.1, big: 9007199254740991, e: 1e-7, s: '', a: [1, [2, {}]], o: { x: { y: 'z' } } } },
    { alert: 'a', payload: { n: null, t: true, i: -3, f: 0.1, big: 9007199254740991, e: 1e-7, s: '', a: [1, [2, {}]], o: { x: { y: 'z' } } } })),
  named('optional custom keys', alert(
    { alert: 'a', custom: { a: 1 }, optional_custom: { b: 2 } }, { alert: 'a', payload: { a: 1, b: 2 } })),
  named('ringing call', alert(
    { alert: { title: 'Inbound call', body: 'From +1 555 0100 | Queue: Support' }, sound: 'ringtone.caf', category: 'INCOMING_CALL',
      custom: { conversationId: 'c-17', userId: 'u-4', mediaType: 'voice', timestamp: at }, delivery: { priority: 10, expiration: at + 30_000 } },
    { alert: { title: 'Inbound call', body: 'From +1 555 0100 | Queue: Support' }, sound: 'ringtone.caf', category: 'INCOMING_CALL',
      payload: { conversationId: 'c-17', userId: 'u-4', mediaType: 'voice', timestamp: at }, priority: 10, expiry: secs + 30 })),
  named('chat message', alert(
    { alert: { title: 'Agent Smith', body: 'Hello' }, badge: 1, sound: 'default', mutable_content: true,
      custom: { contactId: 'k', channelType: 'chat', resumeToken: 'r.e.s', timestamp: at } },
    { alert: { title: 'Agent Smith', body: 'Hello' }, badge: 1, sound: 'default', mutableContent: true,
      payload: { contactId: 'k', channelType: 'chat', resumeToken: 'r.e.s', timestamp: at } })),

  named('background', other('background', '', {}, { contentAvailable: true, priority: 5 })),
  named('cancelled ring', other('background', '',
    { custom: { action: 'cancel_ring', conversationId: 'c-17' }, delivery: { collapse_id: 'c-17' } },
    { contentAvailable: 1, priority: 5, payload: { action: 'cancel_ring', conversationId: 'c-17' }, collapseId: 'c-17' })),
  named('voip', other('voip', '.voip', { custom: { call: 1 }, delivery: { expiration: 'once' } }, { payload: { call: 1 }, expiry: 0 })),
  named('complication', other('complication', '.complication', { custom: { a: 1 } }, { payload: { a: 1 } })),
  named('location', other('location', '.location-query', { delivery: { priority: 5 } }, { priority: 5 })),
  named('push to talk', other('pushtotalk', '.voip-ptt', { custom: { activeSpeaker: 'Anna' } }, { payload: { activeSpeaker: 'Anna' }, priority: 10, expiry: 0 })),
  named('widgets', other('widgets', '.push-type.widgets', {}, { contentChanged: true })),
  named('controls', other('controls', '.push-type.controls', {}, { contentChanged: true })),
  named('file provider', other('fileprovider', '.pushkit.fileprovider',
    { container_identifier: 'NSFileProviderRootContainerItemIdentifier', domain: 'd' },
    { rawPayload: { 'container-identifier': 'NSFileProviderRootContainerItemIdentifier', domain: 'd' } })),
  named('mdm', other('mdm', '', { push_magic: 'MAGIC' }, { mdm: 'MAGIC' })),
  named('raw', [{ push_type: 'raw', type: 'alert', payload: { aps: { alert: 'x', tomorrow: 1 }, k: [] } },
    { pushType: 'alert', rawPayload: { aps: { alert: 'x', tomorrow: 1 }, k: [] } }, '']),

  named('activity starts', live(
    { event: 'start', timestamp: at, attributes_type: 'QueueAttributes', attributes: { queue: 'Support' }, content_state: { position: 3 },
      alert: { title: 'Queue', body: 'You are number 3', sound: 'chime.aiff' } },
    { event: 'start', timestamp: secs, attributesType: 'QueueAttributes', attributes: { queue: 'Support' }, contentState: { position: 3 },
      alert: { title: 'Queue', body: 'You are number 3', sound: 'chime.aiff' } })),
  named('activity starts, localised', live(
    { event: 'start', timestamp: at, attributes_type: 'A', attributes: {}, content_state: {},
      alert: { title: { key: 'T', args: ['x'] }, body: { key: 'B' } }, input_push: 'token' },
    { event: 'start', timestamp: secs, attributesType: 'A', attributes: {}, contentState: {},
      alert: { title: { 'loc-key': 'T', 'loc-args': ['x'] }, body: { 'loc-key': 'B' } }, inputPushToken: 1 })),
  named('activity starts, fed by a channel', live(
    { event: 'start', timestamp: at, attributes_type: 'A', attributes: {}, content_state: {}, alert: { title: 't', body: 'b' },
      input_push: { channel: 'dHN0LXNyY2gtY2hubA==' } },
    { event: 'start', timestamp: secs, attributesType: 'A', attributes: {}, contentState: {}, alert: { title: 't', body: 'b' },
      inputPushChannel: 'dHN0LXNyY2gtY2hubA==' })),
  named('activity updates', live(
    { event: 'update', timestamp: at, content_state: { position: 2 }, stale_date: at + 60_000, relevance_score: 75 },
    { event: 'update', timestamp: secs, contentState: { position: 2 }, staleDate: secs + 60, relevanceScore: 75, priority: 5 },
    { priority: 5 })),
  named('activity updates, with alert', live(
    { event: 'update', timestamp: at, content_state: {}, alert: { title: 't', body: 'b' } },
    { event: 'update', timestamp: secs, contentState: {}, alert: { title: 't', body: 'b' } })),
  named('activity ends', live(
    { event: 'end', timestamp: at, content_state: { done: true }, dismissal_date: at + 1000 },
    { event: 'end', timestamp: secs, contentState: { done: true }, dismissalDate: secs + 1 })),
  named('activity ends as it is', live({ event: 'end', timestamp: at }, { event: 'end', timestamp: secs })),
];
