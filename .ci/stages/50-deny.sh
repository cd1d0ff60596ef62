# Licences, sources and bans; duplicates over what users of the libraries get; advisories where the network allows.
command -v cargo-deny >/dev/null || cargo install --quiet --locked cargo-deny
cargo deny --log-level error check licenses sources
cargo deny --log-level error --exclude reveille-examples --exclude reveille-example-service check bans
if ! cargo deny --log-level error check advisories >advisories.log 2>&1; then
  if grep -q "Could not resolve host\|failed to fetch\|unable to access" advisories.log; then
    echo "SKIPPED advisories: the advisory database cannot be reached" | tee -a "$SKIPPED"
  else
    cat advisories.log; rm -f advisories.log; exit 1
  fi
fi
rm -f advisories.log
