"""Edits of YAML scalars in every shape they take, read back by PyYAML and by ruamel's own pure parser."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from wizard.lenses import CannotHold, Edit, View, apply, render
from wizard.lenses.scalar import lens
from wizard.manifests import Document, Scalar, parse, walk

SHAPES = {
    "plain": "a: 1\nk: OLD\nz: 2\n",
    "plain with text around": "k: xOLDy # a comment\nz: 2\n",
    "plain, no final newline": "z: 2\nk: OLD",
    "plain, trailing blanks": "k: OLD   \nz: 2\n",
    "plain in a flow mapping": "a: {k: [x, OLD, y], k2: b}\nk: OLD\n",
    "plain over lines": "k: one\n  two OLD\n\n  three\nz: 2\n",
    "plain over lines at a line's start": "k: one\n  OLD two\nz: 2\n",
    "plain with anchor and tag": "k: &a !!str OLD\nz: *a\n",
    "plain behind a commented tag": "k: !!str # why\n  OLD\nz: 2\n",
    "plain in a nested sequence": "k:\n  - a\n  - OLD\nz: 2\n",
    "single": "k: 'OLD'\nz: 2\n",
    "single with text around": "k: 'it''s OLD '' '\nz: 2\n",
    "single folded": "k: 'one  \n\n   OLD\n   two'\nz: 2\n",
    "double": 'k: "OLD"\nz: 2\n',
    "double with escapes": 'k: "\\u00e9\\t\\x41OLD\\n\\"\\\\"\nz: 2\n',
    "double folded": 'k: "one\n  OLD\n\n  two OLD "\nz: 2\n',
    "double with escaped breaks": 'k: "one \\\n   \\ OLD\\\n  two"\nz: 2\n',
    "double with anchor": 'k: &x "OLD"\nz: *x\n',
    "double in a flow sequence": 'k: ["a", "OLD"]\nz: 2\n',
    "literal": "k: |\n  one\n  OLD\n  two\nz: 2\n",
    "literal with a comment in its header": "k: |- # why\n    # no comment\n    aOLDb\n\n\nz: 2\n",
    "literal kept": "k: |+\n  OLD\n\n\nz: 2\n",
    "literal with an indicator": "k: |2\n    one\n  OLD\n   two\nz: 2\n",
    "literal with blank lines": "k: |\n\n  one\n \n\n    OLD\n  two\n   \n",
    "literal without final newline": "z: 2\nk: |\n  one\n  OLD",
    "literal in a sequence": "z: 2\nk:\n- |-\n one OLD\n",
    "literal with anchor": "k: &x |\n  OLD\nz: *x\n",
    "folded": "k: >\n  one\n  OLD two\n\n  three\n    more\n  less\nz: 2\n",
    "folded stripped": "k: >-\n  one OLD\nz: 2\n",
}
AWKWARD = [
    "",
    " ",
    "a: b",
    "a #b",
    "#a",
    "- a",
    "null",
    "12",
    "true",
    "0x1F",
    "y",
    "'",
    '"',
    "\\",
    "a\nb",
    "\n",
    "a\n",
    "\ta",
    " a",
    "a ",
    "{",
    "}",
    "a,b",
    "[",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`",
    "$x",
    "%20",
    "é",
    "\U0001f600",
    "\x07",
    "\u2028",
    "\x85",
    "\ufeff",
    "---",
    "...",
    "\n---\n",
    "?",
    ":",
    "-",
    "=",
    "<<",
    "2020-01-01",
    "1:30",
    "\r",
    "a\r\nb",
]
CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from("\"'\\$%#:\n\t ,[]{}&*!|>@`-?=é\U0001f511")
VALUES = st.sampled_from(AWKWARD) | st.text(CHARACTERS, max_size=12)


def site(text: str, newline: str) -> tuple[View, Scalar]:
    """The view and the node of the first scalar that holds the old text."""
    (document,) = parse(text)
    assert isinstance(document, Document)
    node = next(leaf for _, leaf in walk(document.root) if "OLD" in leaf.value)
    return View(lens(text, node, node.flow, newline)), node


def loaded(text: str) -> list[Any]:
    """What PyYAML and ruamel's pure parser make of the text: types resolved, and as bare texts."""
    resolved = yaml.safe_load(text)
    bare = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 (makes texts only)
    return [resolved, bare, YAML(typ="safe", pure=True).load(io.StringIO(text))]


def replaced(value: Any, old: str, new: str) -> Any:
    """The loaded value with the text *old* become *new*, wherever an alias repeats it."""
    if isinstance(value, dict):
        return {key: replaced(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, old, new) for item in value]
    return new if value == old else value


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_scalar_decodes_and_a_put_of_the_same_changes_nothing(shape: str, newline: str) -> None:
    text = SHAPES[shape].replace("\n", newline)
    view, node = site(text, newline)
    assert view.text == node.value
    for start in range(len(node.value) + 1):
        for end in range(start, len(node.value) + 1):
            assert render({view: [Edit(start, end, node.value[start:end])]}) == []


@pytest.mark.parametrize("shape", SHAPES)
def test_a_word_is_taken_everywhere(shape: str) -> None:
    view, node = site(SHAPES[shape], "\n")
    at = node.value.index("OLD")
    after = apply(SHAPES[shape], render({view: [Edit(at, at + 3, "NewWord1")]}))
    # No quoting and no layout changes for a word that needs none.
    assert after == SHAPES[shape].replace("OLD", "NewWord1", 1)


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=40, deadline=None)
@given(new=VALUES, newline=st.sampled_from(["\n", "\r\n"]), data=st.data())
def test_the_new_text_is_read_back_by_other_parsers(shape: str, new: str, newline: str, data: st.DataObject) -> None:
    text = SHAPES[shape].replace("\n", newline)
    view, node = site(text, newline)
    at = node.value.index("OLD")
    start = data.draw(st.just(at) | st.integers(0, len(node.value)))
    end = data.draw(st.just(max(at + 3, start)) | st.integers(start, len(node.value)))
    after = apply(text, render({view: [Edit(start, end, new)]}))
    wanted = apply(node.value, [Edit(start, end, new)])
    for before, now in zip(loaded(text), loaded(after), strict=True):
        first = replaced(before, node.value, wanted)
        if "[x, OLD" in text:
            first["k"] = "OLD"
        assert now == first
    assert after.startswith(text[: node.start])
    assert after.endswith(text[node.end :])


LITERALS = ["k: |\n  one\n\n  two OLD\n    three\n\nz: 2\n", "k: |\n  OLD\n  two\n  three\nz: 2\n"]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_several_edits_of_a_literal_are_made_together(data: st.DataObject) -> None:
    newline = data.draw(st.sampled_from(["\n", "\r\n"]))
    text = data.draw(st.sampled_from(LITERALS)).replace("\n", newline)
    view, node = site(text, newline)
    points = sorted(data.draw(st.lists(st.integers(0, len(node.value)), min_size=4, max_size=4)))
    lines = st.text(st.sampled_from("ab :\n#'"), max_size=6)
    edits = [Edit(points[0], points[1], data.draw(lines)), Edit(points[2], points[3], data.draw(lines))]
    wanted = apply(node.value, edits)
    after = apply(text, render({view: edits}))
    for now in loaded(after):
        assert now["k"] == wanted
        assert str(now["z"]) == "2"


def test_a_line_is_taken_out_of_a_literal_with_its_indentation() -> None:
    for text in LITERALS:
        view, node = site(text, "\n")
        lines = node.value.splitlines(keepends=True)
        for i, line in enumerate(lines):
            start = len("".join(lines[:i]))
            after = apply(text, render({view: [Edit(start, start + len(line), "")]}))
            assert yaml.safe_load(after) == {"k": "".join(lines[:i] + lines[i + 1 :]), "z": 2}
            assert after.count("\n") == text.count("\n") - 1


def test_blanks_beside_a_fold_are_escaped() -> None:
    text = 'k: "one\n  OLD\n  two"\n'
    after = apply(text, render({site(text, "\n")[0]: [Edit(4, 7, " a ")]}))
    assert after == 'k: "one\n  \\u0020a\\u0020\n  two"\n'
    assert yaml.safe_load(after) == {"k": "one  a  two"}


@pytest.mark.parametrize(
    ("text", "new", "after"),
    [
        ("k: | # why\n  OLD\n\nz: 1\n", "a\nb", "k: |- # why\n  a\n  b\n\nz: 1\n"),
        ("k: |- # why\n  OLD\nz: 1\n", "a\n", "k: | # why\n  a\nz: 1\n"),
        ("k: |-\n  OLD\n\nz: 1\n", "a\n\n", "k: |+\n  a\n\nz: 1\n"),
        ("k: |+\n  OLD\n\n\nz: 1\n", "a", "k: |-\n  a\n\n\nz: 1\n"),
        ("k:\n- |2\n   OLD\n", "a", "k:\n- |2-\n  a\n"),
        ("z: 1\nk: |-\n  OLD", "a\nb", "z: 1\nk: |-\n  a\n  b"),
        ("k: >- # why\n  one\n  OLD\n\nz: 1\n", "a\nb", "k: |- # why\n  a\n  b\n\nz: 1\n"),
        ("k: | # why\n  OLD\n\nz: 1\n", "  a\n", 'k: "  a\\n" # why\n\nz: 1\n'),
        ("k: |\n  OLD\n  two\nz: 1\n", "a\x07b\n", 'k: "a\\u0007b\\n"\nz: 1\n'),
        ("k: &x !!str |-\n  OLD\nz: *x\n", "", "k: &x !!str |-\n  \nz: *x\n"),
        ("--- |\n OLD\n", "\n", '--- "\\n"\n'),
        ("k: |\r\n  OLD\r\nz: 1\r\n", "a\nb", "k: |-\r\n  a\r\n  b\r\nz: 1\r\n"),
    ],
)
def test_a_block_scalar_takes_every_text(text: str, new: str, after: str) -> None:
    view, node = site(text, "\r\n" if "\r" in text else "\n")
    assert apply(text, render({view: [Edit(0, len(node.value), new)]})) == after
    for before, now in zip(loaded(text), loaded(after), strict=True):
        assert now == replaced(before, node.value, new)


@pytest.mark.parametrize("old", ["12", "-1.5e3", "true", "null"])
@pytest.mark.parametrize("new", ["<<", "yes", "0x1F", "a-b", "2020-01-01", "~", "007", "8", "false", "1e5"])
def test_json_stays_json(old: str, new: str) -> None:
    text = f'{{"a": [{old}], "b": {{"c":{old}}}}}'
    (document,) = parse(text)
    assert isinstance(document, Document)
    for _, node in walk(document.root):
        after = apply(text, lens(text, node, node.flow, "\n").put([Edit(0, len(old), new)]))
        read = [json.loads(after)["a"][0], json.loads(after)["b"]["c"]]
        read.remove(json.loads(old))
        # A word may take a word's place, and a number a number's; all else is a text.
        assert read == [json_word(new) if is_number(json_word(new)) == is_number(json.loads(old)) else new]


def json_word(text: str) -> object:
    """What *text* is in JSON: a word or number of it, else a string."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def is_number(value: object) -> bool | None:
    """Whether a value of JSON is a number, or else a boolean; None for all others."""
    return not isinstance(value, bool) if isinstance(value, bool | int | float) else None


def test_literal_lines_keep_the_newlines_of_the_file() -> None:
    view, node = site("k: |\r\n  OLD\r\n", "\r\n")
    after = apply("k: |\r\n  OLD\r\n", render({view: [Edit(0, 3, "one\n\ntwo")]}))
    assert after == "k: |\r\n  one\r\n\r\n  two\r\n"
    assert node.value == "OLD\n"


@pytest.mark.parametrize(
    ("text", "new", "after"),
    [
        ("port: 587\n", "25", "port: 25\n"),
        ("flag: true # x\n", "false", "flag: false # x\n"),
        ("k: word\n", "25", 'k: "25"\n'),
        ("k:\n", "v", "k: v\n"),
        ("k: # why\n", "25", 'k: "25" # why\n'),
        ("k:\r\nz: 1\r\n", "a: b", 'k: "a: b"\r\nz: 1\r\n'),
        ("k: !!str\nz: 1\n", "v", "k: !!str v\nz: 1\n"),
        ("- a\n-\n- b\n", "v", "- a\n- v\n- b\n"),
        ("{a: , b: c}\n", "v,w", '{a: "v,w" , b: c}\n'),
        ("k: | # why\nz: 1\n", "v\n", 'k: "v\\n" # why\nz: 1\n'),
        ("k: ~\n", "v", "k: v\n"),
        ("k: 'w'\n", "it's", "k: 'it''s'\n"),
        ("k: 'w'\n", "a\tb\n", 'k: "a\\tb\\n"\n'),
        ("k: w # why\n", "a: b", 'k: "a: b" # why\n'),
        ("k: w\n", "a:b#c'd", "k: a:b#c'd\n"),
    ],
)
def test_values_of_other_types_and_absent_ones(text: str, new: str, after: str) -> None:
    (document,) = parse(text)
    assert isinstance(document, Document)
    leaves = [leaf for _, leaf in walk(document.root)]
    node = next((leaf for leaf in leaves if leaf.value == ""), leaves[0])
    view = View(lens(text, node, node.flow, "\r\n" if "\r" in text else "\n"))
    assert apply(text, render({view: [Edit(0, len(node.value), new)]})) == after


@pytest.mark.parametrize("text", ["{a, b}\n", "? a\n? b\n: c\n"])
def test_an_absent_value_without_a_colon_is_refused(text: str) -> None:
    (document,) = parse(text)
    assert isinstance(document, Document)
    node = next(leaf for _, leaf in walk(document.root) if leaf.value == "")
    with pytest.raises(CannotHold):
        lens(text, node, node.flow, "\n")


def test_a_tag_that_parsers_read_differently_is_refused() -> None:
    """libyaml takes ``! "12"`` for a number, the specification for a text."""
    text = "k: ! OLD\n"
    (document,) = parse(text)
    assert isinstance(document, Document)
    ((_, node),) = walk(document.root)
    with pytest.raises(CannotHold, match="tag !"):
        lens(text, node, node.flow, "\n")


FORMS = """
1e5 1e+5 1.5e3 12:30 1:2:3.5 017 08 0o17 123_456 1__2 0x1F 0b1 .5 5. +1 -1 -0 1_000.5 .inf -.INF .NaN 2020-01-01
2001-12-14t21:59:43.10-05:00 y Y n yes No ON off TRUE null ~ Null = << 0x1p-2 1E400 1,000 12e03 685_230.15 0o 0x 1.
+.5 _1 1_ a1 b-c 10.0.0.1 10.0.0.0/8 1.2.3 v1 12a 1e5x 0xG 12:ab 2020-13 12-34 e5 1-2 a_b true1 Inf nan infinity 1d
5m 100Mi"""
PLAIN_FORMS = FORMS.split()


def test_what_is_left_plain_is_a_string_to_every_parser(tmp_path: Path) -> None:
    """kubectl, PyYAML and ruamel read each form that we leave plain as the text that was meant (FACTS 3)."""
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n"
    text += "".join(f"  k{i}: word{i}\n" for i in range(len(PLAIN_FORMS)))
    (document,) = parse(text)
    assert isinstance(document, Document)
    leaves = [leaf for path, leaf in walk(document.root) if path[0] == "data"]
    edits = [
        edit
        for leaf, form in zip(leaves, PLAIN_FORMS, strict=True)
        for edit in lens(text, leaf, False, "\n").put([Edit(0, len(leaf.value), form)])
    ]
    after = apply(text, edits)
    manifest = tmp_path / "x.yaml"
    manifest.write_text(after)
    command = ["kubectl", "annotate", "--local", "-o", "json", "-f", str(manifest), "a=b"]
    kubectl = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    for read in [*loaded(after), kubectl]:
        assert read["data"] == {f"k{i}": form for i, form in enumerate(PLAIN_FORMS)}
    assert any(f": {form}\n" in after for form in PLAIN_FORMS)
