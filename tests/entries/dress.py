"""Manifests in every dress that a mapping can wear, and the whole way of a change: made, read, taken back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml
from hypothesis import strategies as st

from wizard import lenses, originals, resources
from wizard.entries import Change
from wizard.resources import Manifest, Resource

A, B, C, OTHER = "x.io/allow", "x.io/allow-new", "x.io/issuer", "x.io/other"


def manifest(text: str, path: str = "a.yaml") -> Manifest:
    found = resources.read(path, text.encode())
    assert found is not None
    return found


def read(text: str) -> list[Any]:
    """What PyYAML makes of the text; nothing that stands there twice, for kubectl refuses that."""

    class Strict(yaml.CSafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys = [key.value for key, _ in node.value]
            assert len(set(keys)) == len(keys), f"one key stands twice in {keys}"
            return super().construct_mapping(node, deep=deep)

    return list(yaml.load_all(text, Loader=Strict))


def made(before: Manifest, changes: Iterable[Change]) -> Manifest:
    return manifest(lenses.apply(before.text, [change.edit for change in changes]), before.path)


def taken_back(resource: Resource, changes: Iterable[Change], after: Manifest) -> str:
    records = [originals.record_of_change(resource, undo, ()) for change in changes for undo in change.undo]
    blanked = originals.blank([after], records, {})
    assert not blanked.lost
    text = blanked.texts[after.path] if records else after.text
    assert text is not None
    return text


@st.composite
def annotated(draw: st.DrawFn) -> tuple[str, str]:
    """An object whose annotations stand somehow, with the way they stand."""
    step = " " * draw(st.sampled_from([2, 4, 1, 3]))
    form = draw(st.sampled_from(["block", "null", "absent", "flow", "empty flow", "spelled null", "anchored", "json"]))
    comments = [
        "# prose about these: nothing",
        "#",
        f"#\t{OTHER}-tab: in a comment\t",
        f"# {A}: 10.0.0.0/8, 10.1.0.0/16 # ours",
        f'#{A}: "10.0.0.0/8"',
        f"## '{C}': letsencrypt-staging",
        f"# {C}:",
        "",
    ]
    entries = [
        f"{OTHER}: plain",
        f"{OTHER}-two: 'quoted: # no comment'   # a comment",
        f"{OTHER}-three: |\n{step}# {A}: 10.0.0.0/8\n{step}text\n",
        f'{OTHER}-four: "over\n{step}two lines"',
        f'"{OTHER}-five": >-\n{step}{step}folded\n\n{step}{step}text',
        f"{OTHER}-six:",
    ]
    own = [
        f"{A}: 192.0.2.0/24",
        f'"{B}":    192.0.2.0/24 # two blanks',
        f"{C}: letsencrypt",
        f"{C}: |-\n{step}letsencrypt",
    ]
    if form == "json":
        pairs = draw(st.lists(st.sampled_from([f'"{A}": "x"', f'"{C}":\t"y"', f'"{OTHER}": "z"']), unique=True))
        inside = draw(st.sampled_from([", ", ",\n", " ,\n\t"])).join(pairs)
        text = f'{{"kind": "Ingress", "metadata": {{"annotations": {{{inside}}},\n"name": "a"}}}}'
        return text + draw(st.sampled_from(["", "\n"])), form
    chosen = draw(st.lists(st.sampled_from(entries + own), unique_by=lambda each: each.split(":")[0].strip('"')))
    lines = [each for entry in chosen for each in (*draw(st.lists(st.sampled_from(comments), max_size=2)), entry)]
    lines += draw(st.lists(st.sampled_from(comments), max_size=3))
    is_block = form in ("block", "anchored") and bool(chosen)
    plain = [each.split("\n")[0].split("#")[0].strip() for each in chosen if "\n" not in each and "# no" not in each]
    head = {
        "flow": f"annotations: {{{', '.join(each if ': ' in each else each + ' x' for each in plain)}}}  # behind",
        "empty flow": "annotations: { }",
        "spelled null": "annotations: ~ # none",
        "anchored": "annotations: &all" if is_block else "annotations: {}",
        "absent": "labels: {a: b}",
    }.get(form, "annotations:" + draw(st.sampled_from(["", "   ", " # all of them"])))
    rest = lines if is_block or form == "null" else []
    rest = [each for each in rest if form != "null" or each.startswith("#") or not each]
    inner = [f"{step}{line}" if line else "" for each in rest for line in each.split("\n")]
    metadata = [head, *inner]
    if draw(st.booleans()):
        metadata.append("name: a")
    if draw(st.booleans()):
        metadata.insert(0, "namespace: b")
    top = ["metadata:", *(f"{step}{line}" if line else "" for line in metadata)]
    spec = ["spec:", "  rules:", "  - host: a # at the key's column", "  - host: b"]
    parts = [["kind: Ingress"], top, spec] if draw(st.booleans()) else [["kind: Ingress"], spec, top]
    text = "\n".join(line for part in parts for line in part)
    ending = draw(st.sampled_from(["\n", "", "\n\n", "\n# the end", "\n---\nkind: Other\n"]))
    before = draw(st.sampled_from(["", "# head\n\n", "kind: First\n---\n"]))
    text = before + text + ending
    return (text.replace("\n", "\r\n") if draw(st.booleans()) else text), form
