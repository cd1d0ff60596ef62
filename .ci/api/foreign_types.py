"""Which foreign crates show in the public API of a crate, by rustdoc's JSON. Usage: foreign_types.py JSON ALLOWED…

Every type, trait and re-export that a public item names is looked up; a crate that is neither the standard library nor
allowed is an error, with the item that names it.
"""

import json
import sys

STANDARD = {"std", "core", "alloc", "proc_macro"}


def named_ids(node):
    """All ids that a piece of an item's signature refers to."""
    if isinstance(node, dict):
        if "resolved_path" in node and isinstance(node["resolved_path"], dict):
            yield node["resolved_path"].get("id")
        if "use" in node and isinstance(node["use"], dict):
            yield node["use"].get("id")
        if "trait" in node and isinstance(node["trait"], dict) and "id" in node["trait"]:
            yield node["trait"]["id"]
        for value in node.values():
            yield from named_ids(value)
    elif isinstance(node, list):
        for value in node:
            yield from named_ids(value)


def main():
    document = json.load(open(sys.argv[1], encoding="utf-8"))
    allowed = STANDARD | set(sys.argv[2:])
    crates = {number: crate["name"] for number, crate in document["external_crates"].items()}
    own = document["index"][str(document["root"])]["crate_id"]
    seen, bad = 0, set()
    for item in document["index"].values():
        # What a derive or a blanket implementation adds is not written by us: only items with a name, and re-exports.
        written = item["name"] is not None or "use" in item["inner"]
        if item["crate_id"] != own or item["visibility"] not in ("public", "default") or not written:
            continue
        for ident in named_ids(item["inner"]):
            path = document["paths"].get(str(ident))
            if path is None:
                continue
            seen += 1
            name = crates.get(str(path["crate_id"]))
            if path["crate_id"] != own and name not in allowed and not name.startswith("reveille"):
                bad.add(f"{item['name'] or 'pub use'}: {'::'.join(path['path'])}")
    if seen == 0:
        sys.exit(f"{sys.argv[1]}: no type found: has the form of rustdoc's JSON changed?")
    for line in sorted(bad):
        print(line)
    sys.exit(1 if bad else 0)


main()
