"""Whether the public types are documented so that a stranger can use them, by rustdoc's JSON.

Usage: documented_types.py EXAMPLES_FILE JSON…

For each public type of the given crates, the first paragraph of its documentation has to say what it is and when one
uses it. A machine sees this much of that: ten words at least, whole sentences, and a link to another item or a word of
use ("use", "give", "returned by", "the error of", …). A label ("One event.", "Why a key is refused.") has neither.
Public functions have to say what they do in four words at least ("Checks it." does not).

A type counts as shown if an example on its own page (of the type, or of a method, a variant or a field of it) compiles,
runs and asserts. EXAMPLES_FILE names the types that must be shown, one "crate::path::Type" a line; and there must be at
least 100 in all.
"""

import json
import re
import sys

TYPES = ("struct", "enum", "union", "trait", "type_alias")
AT_LEAST = 100
WORDS = 10
WORDS_OF_A_FUNCTION = 4
OF_USE = re.compile(
    r"\[`|\b(use|used for|give|make|take|keep|read|send|store|load|pass|put|ask|choose|implement|import|match|leave|hand|"
    r"log|treat|compare|begin|call|act|share|get|needs?|returned by|return|returns|when|whenever|where|if|"
    r"for (whoever|those|tests|functions|programs|loops|code))\b",
    re.IGNORECASE,
)


def public_types(document):
    """Each public type that can be reached from the crate's root, by its shortest path."""
    index, found, seen = document["index"], {}, set()
    own = index[str(document["root"])]["crate_id"]

    def visit(ident, path):
        item = index.get(str(ident))
        if item is None or (ident, path) in seen:
            return
        seen.add((ident, path))
        kind = next(iter(item["inner"]))
        content = item["inner"][kind]
        if kind == "module":
            for child in content["items"]:
                visit_child(child, path)
        elif kind in TYPES and item["crate_id"] == own and item["visibility"] == "public":
            if item["id"] not in found or len(path) < len(found[item["id"]][0]):
                found[item["id"]] = (path, kind, item)

    def visit_child(child, path):
        item = index.get(str(child))
        if item is None:
            return
        kind = next(iter(item["inner"]))
        if kind == "use":
            use = item["inner"]["use"]
            visit(use["id"], path if use["is_glob"] else f"{path}::{use['name']}")
        else:
            visit(child, f"{path}::{item['name']}")

    visit(document["root"], index[str(document["root"])]["name"])
    return sorted(found.values(), key=lambda entry: entry[0])


def problem(docs):
    """What is missing in the first paragraph; None if nothing."""
    first = " ".join(docs.split("\n\n")[0].split())
    if not first:
        return "no documentation"
    if len(first.split()) < WORDS or not first.endswith((".", ":")):
        return f"a label, not a sentence: {first!r}"
    if not OF_USE.search(first):
        return f"does not say when one uses it: {first!r}"
    return None


def public_functions(index, own):
    """Functions and methods of this crate that are public and have documentation of their own."""
    for item in index.values():
        if item["crate_id"] == own and item["visibility"] == "public" and "function" in item["inner"] and item["docs"]:
            yield item


def place(item):
    """Where an item stands, for whoever has to repair it."""
    return f"{item['span']['filename']}:{item['span']['begin'][0]}" if item["span"] else "?"


def own_page(index, kind, item):
    """All texts of the type's own page."""
    content = item["inner"][kind]
    yield item["docs"] or ""
    members = list(content.get("variants", [])) + (content.get("items", []) if kind == "trait" else [])
    shape = content.get("kind")
    if isinstance(shape, dict) and "plain" in shape:
        members += shape["plain"]["fields"]
    for ident in content.get("impls", []):
        block = index[str(ident)]["inner"]["impl"]
        if block["trait"] is None:
            yield index[str(ident)]["docs"] or ""
            members += block["items"]
    for ident in members:
        if str(ident) in index:
            yield index[str(ident)]["docs"] or ""


def shows(texts):
    """Whether there is an example that is run and asserts."""
    for text in texts:
        for attributes, code in re.findall(r"^ *```([^\n]*)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
            if attributes.strip() in ("", "rust") and "assert" in code:
                return True
    return False


def main():
    wanted = set()
    for line in open(sys.argv[1], encoding="utf-8"):
        line = line.split("#")[0].strip()
        if line:
            wanted.add(line)
    complaints, shown, types, functions = [], 0, 0, 0
    for file in sys.argv[2:]:
        document = json.load(open(file, encoding="utf-8"))
        for path, kind, item in public_types(document):
            types += 1
            missing = problem(item["docs"] or "")
            if missing:
                complaints.append(f"{path} ({place(item)}): {missing}")
            if shows(own_page(document["index"], kind, item)):
                shown += 1
                wanted.discard(path)
        index = document["index"]
        for item in public_functions(index, index[str(document["root"])]["crate_id"]):
            functions += 1
            first = item["docs"].split("\n\n")[0]
            if len(first.split()) < WORDS_OF_A_FUNCTION:
                complaints.append(f"fn {item['name']} ({place(item)}): a label: {first!r}")
    complaints += [f"{path}: no such public type, or no example on its page that asserts" for path in sorted(wanted)]
    if types == 0:
        complaints.append("no type found: has the form of rustdoc's JSON changed?")
    if shown < AT_LEAST:
        complaints.append(f"{shown} types are shown by an example that asserts, {AT_LEAST} are wanted")
    for line in complaints:
        print(line)
    if complaints:
        sys.exit(f"{len(complaints)} complaints")
    print(f"{types} public types and {functions} functions were read: none has a label only; {shown} types are shown")


main()
