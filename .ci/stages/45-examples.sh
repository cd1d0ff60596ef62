# The README's run command, word for word; where somebody's data lies, in a clone, which builds everything again. It must show
# its main job, then serve, end when it is told to, and find everything again at a second start.
command=$(sed -n '/^```sh run$/,/^```$/p' README.md | sed '1d;$d')
[ -n "$command" ] || { echo "README.md has no run command"; exit 1; }
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
cargo build --release --example gateway
# A stream that breaks in every way, and the app's own side of it; the page's script in a world with a clock of its own.
cargo run -q --release --example event_stream | grep "no ring was lost"
cargo run -q --release --example app_reconnect | grep "each once and in order"
if command -v node >/dev/null; then node --test examples/app_reconnect/page/connection.test.mjs crates/gateway/receiver/service-worker.test.mjs; else echo "SKIPPED page script: no node" | tee -a "$SKIPPED"; fi
logs=$(mktemp -d)
here=$PWD
if [ -e gateway-data ]; then
  git clone -q . "$logs/reveille"
  here=$logs/reveille
fi
cd "$here"
group=
trap '[ -z "$group" ] || kill -- -$group 2>/dev/null || true; rm -rf "$logs" "$here/gateway-data"' EXIT
# Starts it, and waits until it says that it has started.
start() { # log, what it says, command …
  local log=$1 said=$2
  shift 2
  : >"$log"
  setsid "$@" >>"$log" 2>&1 &
  group=$!
  for _ in $(seq 3000); do grep -q "$said" "$log" && break; sleep 0.2; kill -0 $group 2>/dev/null || break; done
  origin=$(sed -n 's/^the gateway listens on //p' "$log")
  [ -n "$origin" ] || { cat "$log"; exit 1; }
}
has() { grep -qF "$1" "$logs/log" || { cat "$logs/log"; echo "NOT SHOWN: $1"; exit 1; }; }
start "$logs/log" "What to try next" bash -c "$command"
has 'there is one push:'
has 'POST /v1/resume/commit, the first time: {"answer":"resume"'
has '"answer":"fresh","fraud":true,"reason":"replayed"'
has '"action":"cancel_ring"'
has '"category":"CALLBACK_UPCOMING"'
curl -sf "$origin/" | grep -q "Reveille"
# What a stranger may send gets a clear answer, and what is not for us is ignored.
key=$(sed -n 's/^api = "\(.*\)"/\1/p' gateway-data/keys.toml)
answer() { curl -s -o /dev/null -w '%{http_code}' "$@" "$origin/v1/events"; }
bearer="authorization: Bearer $key" json='content-type: application/json'
[ "$(answer -X POST -d x)" = 401 ]
[ "$(answer -H "$bearer" -X POST -d x)" = 415 ]
[ "$(answer -H "$bearer" -H "$json" -d '{"topicName":')" = 400 ]
[ "$(answer -H "$bearer" -H "$json" -d '{"topicName":"v2.users.7.something","eventBody":{}}')" = 202 ]
[ "$(curl -s -o /dev/null -w '%{http_code}' -X PUT -H "$bearer" -H "$json" -d '{"platform":"web","owner":"x","subscription":{}}' "$origin/v1/devices/com.example.app/x")" = 400 ]
# A call that rings when it is killed rings for the next one.
ring='{"specversion":"1.0","id":"r","source":"/ci","type":"reveille.conversation.call_offered","data":{"conversation":"kept","person":"kate"}}'
[ "$(answer -H "$bearer" -H 'content-type: application/cloudevents+json' -d "$ring")" = 202 ]
kill -9 -- -$group
wait $group 2>/dev/null || true
start "$logs/again" "the gateway listens on" "$CARGO_TARGET_DIR/release/examples/gateway" --no-demo
curl -sf -H "$bearer" "$origin/v1/ringing/kate" | grep -q '"conversation":"kept"'
curl -sf -H "$bearer" "$origin/v1/devices?person=kate" | grep -q '"device":"demo-iphone"'
kill -TERM $group
wait $group || { cat "$logs/again"; exit 1; }
grep -q "^stopping" "$logs/again"
group=
echo "the run command shows its job, serves, and finds everything again after kill -9"
