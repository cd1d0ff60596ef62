# The README's run command, word for word: it must show its main job within seconds of being built, then serve.
command=$(sed -n '/^```sh run$/,/^```$/p' README.md | sed '1d;$d')
[ -n "$command" ] || { echo "README.md has no run command"; exit 1; }
cargo build --release --example gateway --example pushtool
log=$(mktemp)
folder=$(mktemp -d)
# In a folder of its own for the data, but word for word.
(set -m; timeout 60 bash -c "$command" >"$log" 2>&1 || true) &
for _ in $(seq 300); do grep -q "What to try next" "$log" && break; sleep 0.2; done
grep -q "opened by the user agent: Agent Smith" "$log" || { cat "$log"; exit 1; }
grep -q '"drop_target":1' "$log" || { cat "$log"; exit 1; }
port=$(sed -n 's|^gateway listens on http://localhost:\([0-9]*\)/|\1|p' "$log")
curl -sf "http://localhost:$port/" | grep -q "Reveille"
# What a stranger may send gets a clear answer.
[ "$(curl -s -o /dev/null -w '%{http_code}' -X POST -d x "http://localhost:$port/v1/events")" = 415 ]
[ "$(curl -s -o /dev/null -w '%{http_code}' -H 'content-type: application/json' -d '{"topic":1}' "http://localhost:$port/v1/events")" = 422 ]
pkill -f examples/gateway || true
wait
rm -rf "$log" "$folder" gateway-data
echo "the run command shows its job and serves"
