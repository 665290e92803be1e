"""Entries are added, enabled and taken out so that another parser reads just that, and can be put back to the byte."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wizard import entries, manifests
from wizard.entries import Wanted

from .dress import OTHER, A, B, C, annotated, made, manifest, read, taken_back

_TEXT = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]))
PARENT = ("metadata", "annotations")


def ensured(text: str, parent: tuple[str, ...], wanted: list[Wanted], unwanted: list[str], at: int = 0) -> list[Any]:
    """The documents after the change; asserts that it is taken back to the byte."""
    before = manifest(text)
    resource = before.resources[at]
    changes = entries.ensure(text, resource.node, parent, wanted, unwanted)
    after = made(before, changes)
    assert taken_back(resource, changes, after) == text
    assert "\r\n" not in text or not re.search(r"(?<!\r)\n", after.text), "every new line ends as the others"
    assert not entries.ensure(after.text, after.resources[at].node, parent, wanted, unwanted)
    return read(after.text)


@given(annotated(), st.booleans())
def test_exactly_what_was_asked_stands_there(dressed: tuple[str, str], is_wanted: bool) -> None:
    text, _ = dressed
    before = read(text)
    at = next(number for number, each in enumerate(before) if each["kind"] == "Ingress")
    wanted = [Wanted((A, B), "new"), Wanted((f"{A}-other",), True)]
    unwanted = [] if is_wanted else [C]
    if is_wanted:
        wanted.append(Wanted((C,), "prod"))
    after = ensured(text, PARENT, wanted, unwanted, at)
    old, new = before[at]["metadata"].pop("annotations", None) or {}, after[at]["metadata"].pop("annotations") or {}
    before[at]["metadata"] = before[at]["metadata"] or None
    after[at]["metadata"] = after[at]["metadata"] or None
    assert before == after, "nothing else changes"
    assert len({A, B} & new.keys()) == 1
    kept = {B: old[B]} if B in old else {A: old[A]} if A in old else {}
    assert kept.items() <= new.items()
    if not kept:
        assert new[A] in ("new", "10.0.0.0/8, 10.1.0.0/16", "10.0.0.0/8")
    assert new[f"{A}-other"] is True
    if is_wanted:
        assert new[C] == old[C] if C in old else new[C] in ("prod", "letsencrypt-staging")
    else:
        assert C not in new
    assert {key: value for key, value in old.items() if key.startswith(OTHER)} == {
        key: value for key, value in new.items() if key.startswith(OTHER)
    }


FIXED = {
    "a list item that opens with its key": ("a:\n- name: x\n- name: y\n", ("a", "[name=x]"), {"name": "x", "k": "v"}),
    "the last line, without an end": ("a:\n- name: y\n- name: x", ("a", "[name=x]"), {"name": "x", "k": "v"}),
    "a literal above the dash that looks like a comment": (
        "a:\n- name: y\n  t: |\n    # k: no\n- name: x\n",
        ("a", "[name=x]"),
        {"name": "x", "k": "v"},
    ),
    "a comment in the item": ("a:\n- name: x\n  # k: said\n- name: y\n", ("a", "[name=x]"), {"name": "x", "k": "said"}),
    "a comment of a deeper mapping": (
        "a:\n  b:\n    # k: no\n    c: d\n  e: f\n",
        ("a",),
        {"b": {"c": "d"}, "e": "f", "k": "v"},
    ),
    "what a comment says is no value": ("a:\n  # k: see: there\n  b: c\n", ("a",), {"b": "c", "k": "v"}),
    "what a comment says is an alias": ("a:\n  # k: *no\n  b: c\n", ("a",), {"b": "c", "k": "v"}),
    "a comment begins a literal": ("a:\n  # k: |\n  #   no\n  b: c\n", ("a",), {"b": "c", "k": "v"}),
    "a comment says nothing": ("a:\n  # k: # fill in\n  b: c\n", ("a",), {"b": "c", "k": "v"}),
    "a comment behind a blank line": ("a:\n  # k: said\n\n  b: c\n", ("a",), {"b": "c", "k": "said"}),
    "a comment at another column": ("a:\n# k: said\n  b: c\n", ("a",), {"b": "c", "k": "said"}),
    "tabs in the comment": ("a:\n  #\tk:\tsaid\t\n", ("a",), {"k": "said"}),
    "a flow mapping over lines": ("a: {\n  b: c, # one\n}\n", ("a",), {"b": "c", "k": "v"}),
    "a flow mapping with an anchor": ("a: &x {b: c}\n", ("a",), {"b": "c", "k": "v"}),
    "an empty file's last key": ("a:", ("a",), {"k": "v"}),
    "a tagged mapping": ("a: !!map\n  b: c\n", ("a",), {"b": "c", "k": "v"}),
    "a null that is spelled": ("a: null # c\n", ("a",), {"k": "v"}),
    "a null in JSON": ('{"a": null}', ("a",), {"k": "v"}),
    "two levels missing": ("b: c\n", ("a", "d"), {"k": "v"}),
    "the end of a document": ("a:\n...\n---\nx: y\n", ("a",), {"k": "v"}),
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("shape", FIXED)
def test_shapes_of_plausible_manifests(shape: str, newline: str) -> None:
    text, parent, expected = FIXED[shape]
    text = text.replace("\n", newline)
    found = ensured(text, parent, [Wanted(("k",), "v")], [])[0]
    for step in parent:
        found = next(each for each in found if each["name"] == "x") if step.startswith("[") else found[step]
    assert found == expected


@pytest.mark.parametrize("text", ["a: &m {b: c}\nd: *m\n", "d: text\n", "d: [1]\n"])
def test_what_is_no_mapping_takes_no_entry(text: str) -> None:
    assert entries.ensure(text, manifest(text).resources[0].node, ("d",), [Wanted(("k",), "v")], []) == []


@given(
    st.lists(st.text("ab:#,'\"-{}[] é", min_size=1), min_size=1, max_size=4),
    st.sampled_from(
        [
            "a:\n  l: [CHANGE]\n  z: 1\n",
            "a:\n  l:   # why\n  - CHANGE # here\n  z: 1\n",
            "a:\n  l:\n    - CHANGE\n    # between\n    - two\n  z: 1\n",
            "a:\n  l: &name-with-dash\n      - CHANGE",
            "a:\n  l:\n  z: 1\n",
            "a: {l: [CHANGE, two], z: 1}\n",
            "a:\n  z: 1\n",
            'a:\n  # l: ["said"]\n  z: 1\n',
            "a:\n  l: []\n",
            "a:\n  l: ~\n",
            "a:\n  l: text\n",
        ]
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_a_list_ends_as_it_was_asked(wanted: list[str], text: str, newline: str) -> None:
    text = text.replace("\n", newline)
    before = read(text)[0]["a"]
    after = ensured(text, ("a",), [Wanted(("l",), wanted, exact=True)], [])[0]["a"]
    assert after == {**before, "l": wanted}


OUT = {
    "one line": "m:\n  k: v # c\n  o: p\n",
    "the only entry": "m:\n  k: v\n",
    "lines": "m:\n  k:\n  - a\n\n  - b: c\n    # inside\n    d: |\n      text\n\n  o: p\n",
    "the end of the file": "m:\n  o: p\n  k: |\n    one\n    two",
    "the end of the file, with its line end": "m:\n  o: p\n  k: v",
    "an older comment above": "m:\n  # k: old\n  k: v\n  # k: older\n  o: p\n",
    "a comment below, at the left": "m:\n  o: p\n  k: v\n# end\nx: y\n",
    "the first of a flow mapping": "m: {k: v, o: p}\n",
    "the last of a flow mapping": "m: {o: p, k: v}\n",
    "the only one of a flow mapping": "m: {k: v}\n",
    "JSON": '{"m": {\n\t"o": "p",\n\t"k": {"a": [1]}\n}}',
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("shape", OUT)
def test_out_of_force_and_back(shape: str, newline: str) -> None:
    text = OUT[shape].replace("\n", newline)
    before, after = read(text)[0], ensured(text, ("m",), [], ["k"])[0]
    del before["m"]["k"]
    assert (after["m"] or {}) == before["m"]
    assert {**after, "m": 0} == {**before, "m": 0}


@given(
    st.recursive(
        _TEXT | st.integers() | st.booleans(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"k[a-z]{0,7}", fullmatch=True), inner)
        ),
        max_leaves=8,
    ),
    st.sampled_from(["\n", "\r\n"]),
)
@example([{"a": [{"b": []}]}], "\n")
def test_new_data_reads_back_in_both_styles(data: Any, newline: str) -> None:
    assert read(f"k:{newline}  key:{entries.block(data, '  ', newline)}{newline}")[0]["k"]["key"] == data
    assert read(f"{{key: {entries.flow(data)}}}")[0]["key"] == data


def test_a_key_behind_a_dash_has_no_lines_of_its_own() -> None:
    node = manifests.parse("a:\n- k: v\n  l: w\n")[0]
    assert isinstance(node, manifests.Document)
    text = "a:\n- k: v\n  l: w\n"
    assert entries.lines_of(text, node.root, ("a", "[0]", "k")) is None
    assert entries.lines_of(text, node.root, ("a", "[0]", "l")) == (10, 17)


TEXTS = {
    "plain": ("m:\n  k: x@file, y # c\n  o: p\n", ["x@file", "y"]),
    "plain over lines": ("m:\n  k: x,\n    y\n  o: p\n", ["x", "y"]),
    "plain at the end of the file": ("m:\n  o: p\n  k: x", ["x"]),
    "plain in flow": ("m: {k: x, o: p}\n", ["x"]),
    "quoted": ("m:\n  k: 'x'\n", ["x"]),
    "quoted twice, in JSON": ('{"m": {"k": "x,y", "o": "p"}}', ["x", "y"]),
    "anchored": ("m:\n  k: &a x\n", ["x"]),
    "tagged": ("m:\n  k: !!str x\n", ["x"]),
    "folded": ("m:\n  k: >-\n    x,\n    y\n\n  o: p\n", ["x", "y"]),
    "literal": ("m:\n  k: |\n    x\n  o: p\n", ["x"]),
    "empty": ('m:\n  k: ""\n', []),
    "null": ("m:\n  k:\n  o: p\n", []),
    "a null that is spelled": ("m:\n  k: ~ # c\n", []),
    "missing": ("m:\n  o: p\n", []),
    "commented out": ("m:\n  # k: x\n  o: p\n", []),
    "the same, last": ("m:\n  k: x, new\n", ["x", "new"]),
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("shape", TEXTS)
def test_a_word_is_among_those_that_stand_there(shape: str, newline: str) -> None:
    text, words = TEXTS[shape]
    text = text.replace("\n", newline)
    before, after = read(text)[0]["m"], ensured(text, ("m",), [Wanted(("k",), "new", among=True)], [])[0]["m"]
    found = [word.strip() for word in after.pop("k").split(",")]
    before.pop("k", None)
    assert found == (words if "new" in words else ["new", *words])
    assert after == before


SEQUENCES: dict[str, tuple[str, list[Any]]] = {
    "indented": ("m:\n  k:\n    - name: x # c\n      b: c\n    - y\n  o: p\n", [{"name": "x", "b": "c"}, "y"]),
    "at the key's column": ("m:\n  k:\n  # first\n  - x\n\n  - y-z\n  o: p\n", ["x", "y-z"]),
    "at the end of the file": ("m:\n  k:\n  - &a-b {name: x}", [{"name": "x"}]),
    "behind an anchor": ("m:\n  k: &a-b\n  - name: x\n", [{"name": "x"}]),
    "flow": ("m:\n  k: [{name: x}, # c\n    y]\n", [{"name": "x"}, "y"]),
    "JSON": ('{"m": {"k": [\n\t{"name": "x"}\n]}}', [{"name": "x"}]),
    "empty": ("m:\n  k: []\n", []),
    "null": ("m:\n  k:\n  o: p\n", []),
    "missing": ("m:\n  o: p\n", []),
    "behind a dash": ("l:\n- k:\n  - name: x\n  o: p\n", [{"name": "x"}]),
    "the same": ("m:\n  k:\n  - name: x\n  - name: new\n", [{"name": "x"}, {"name": "new"}]),
}  # fmt: skip


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("shape", SEQUENCES)
def test_an_item_is_among_those_that_stand_there(shape: str, newline: str) -> None:
    text, items = SEQUENCES[shape]
    parent = ("l", "[0]") if text.startswith("l:") else ("m",)
    found = ensured(text.replace("\n", newline), parent, [Wanted(("k",), {"name": "new"}, among=True)], [])[0]
    home = found["l"][0] if text.startswith("l:") else found["m"]
    assert home["k"] == (items if {"name": "new"} in items else [{"name": "new"}, *items])
    assert set(home) - {"k", "o"} == set()


@pytest.mark.parametrize("text", ["m:\n  k: {a: b}\n", "a: &a [x]\nm: {k: *a}\n", "m:\n  k: text\n", "l:\n- k:\n"])
def test_what_is_no_list_takes_no_item(text: str) -> None:
    parent = ("l", "[0]") if text.startswith("l:") else ("m",)
    wanted = [Wanted(("k",), {"name": "new"}, among=True)]
    assert entries.ensure(text, manifest(text).resources[0].node, parent, wanted, []) == []


def test_the_spelling_that_is_written_need_not_be_the_first() -> None:
    wanted = Wanted(("old", "k", "newest"), "v", new="k")
    assert ensured("m:\n  o: p\n", ("m",), [wanted], [])[0] == {"m": {"o": "p", "k": "v"}}
    assert ensured("m:\n  old: w\n", ("m",), [wanted], [])[0] == {"m": {"old": "w"}}
    assert ensured("m:\n  newest: x\n  k: y\n  old: w\n", ("m",), [wanted], [])[0] == {"m": {"newest": "x"}}
