# The README's run command, word for word, in a clone of its own so that nobody's data is touched: it must show its main
# job, then serve.
command=$(sed -n '/^```sh run$/,/^```$/p' README.md | sed '1d;$d')
[ -n "$command" ] || { echo "README.md has no run command"; exit 1; }
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
cargo build --release --example gateway
# A stream that breaks in every way, and the app's own side of it; the page's script in a world with a clock of its own.
cargo run -q --release --example event_stream | grep "no ring was lost"
cargo run -q --release --example app_reconnect | grep "each once and in order"
if command -v node >/dev/null; then node --test examples/app_reconnect/page/connection.test.mjs crates/gateway/receiver/service-worker.test.mjs; else echo "SKIPPED page script: no node" | tee -a "$SKIPPED"; fi
clone=$(mktemp -d)
git clone -q . "$clone/reveille"
cd "$clone/reveille"
setsid bash -c "$command" >"$clone/log" 2>&1 &
group=$!
trap 'kill -- -$group 2>/dev/null || true; rm -rf "$clone"' EXIT
for _ in $(seq 3000); do grep -q "What to try next" "$clone/log" && break; sleep 0.2; kill -0 $group 2>/dev/null || break; done
grep -q "opened by the user agent: Agent Smith" "$clone/log" || { cat "$clone/log"; exit 1; }
grep -q '"drop_target":1' "$clone/log" || { cat "$clone/log"; exit 1; }
port=$(sed -n 's|^gateway listens on http://localhost:\([0-9]*\)/|\1|p' "$clone/log")
curl -sf "http://localhost:$port/" | grep -q "Reveille"
# What a stranger may send gets a clear answer, and what is not for us is ignored.
answer() { curl -s -o /dev/null -w '%{http_code}' "$@" "http://localhost:$port/v1/events"; }
json='content-type: application/json'
[ "$(answer -X POST -d x)" = 415 ]
[ "$(answer -H "$json" -d '{"topic":1}')" = 400 ]
[ "$(answer -H "$json" -d '{"topic":"v2.users.7.presence","eventBody":{}}')" = 202 ]
[ "$(curl -s -o /dev/null -w '%{http_code}' -H "$json" -d '{"user":"x","subscription":{}}' "http://localhost:$port/v1/subscriptions")" = 400 ]
echo "the run command shows its job and serves"
