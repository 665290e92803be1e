"""Where manifests' nodes stand: every offset is checked by what another parser makes of the text that stands there."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from wizard.manifests import Alias, Broken, Document, Mapping, Node, Scalar, Sequence, get, line_and_column, parse, walk

SHAPES = {
    "block": "a: 1\nb:\n  - x\n  - y: z\n    w: |\n      one\n      two\n\nc: >-\n  folded\n  text\n",
    "flow": '{"a": [1, {b: c}, "d"], e: }\n',
    "json": '{\n\t"a": "\\u00e9\\n", "b": [true, null, 1.5e3]\n}',
    "quoted": "a: 'it''s'\nb: \"x\\n\n  y\"\nc: plain\n  over\n\n  lines\n",
    "properties": "a: &x !!str 'q'\nb: *x\nc: !t {d: &y e}\n",
    "explicit": "? a\n: b\n? - c\n: d\n",
    "absent": "a:\nb: ~\nc: ''\nd:\n",
    "astral": "\U0001f511é: \U0001f600 \U0001f601\nb: '\U0001f602' # \U0001f603\nc: d\n",
    "no final newline": "a: b\nc: d",
    "tabs": "a:\t b\t\nc:\t'd'\n",
    "comments": "# one\n\na: b # two\n# three\nc: d\n# four",
}


def composed(text: str) -> Any:
    """The nodes of the only document by PyYAML and a later libyaml."""
    return yaml.compose(text, Loader=yaml.CSafeLoader)


def same(node: Node, other: Any, text: str) -> None:
    """Assert that our nodes are PyYAML's, at the same places."""
    if isinstance(node, Alias):
        assert text[node.start : node.end] == f"*{node.name}"
        return
    if isinstance(node, Mapping):
        assert len(node.entries) == len(other.value)
        for (key, value), (other_key, other_value) in zip(node.entries, other.value, strict=True):
            same(key, other_key, text)
            same(value, other_value, text)
    elif isinstance(node, Sequence):
        assert len(node.items) == len(other.value)
        for item, other_item in zip(node.items, other.value, strict=True):
            same(item, other_item, text)
    else:
        assert node.value == other.value
        assert node.style == (other.style or "")
    if node.tag is None and node.anchor is None and not (isinstance(node, Scalar) and not node.value):
        assert node.start == other.start_mark.index
        assert line_and_column(text, node.start) == (other.start_mark.line + 1, other.start_mark.column + 1)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("before", ["", "x: \U0001f511 # é\n---\n", "a: [\n---\n", "# c\n--- # c\n# d\n---\n"])
@pytest.mark.parametrize("shape", SHAPES)
def test_nodes_stand_where_another_parser_finds_them(shape: str, before: str, newline: str) -> None:
    own, before = SHAPES[shape].replace("\n", newline), before.replace("\n", newline)
    found = parse(before + own)
    last = found[-1]
    assert isinstance(last, Document)
    assert len(found) == 1 + ("x:" in before or "[" in before)
    # Blanks and blank lines in the place of what stands before keep the other parser's offsets and lines.
    blanked = "".join(c if c in "\r\n" else " " for c in before)
    same(last.root, composed(blanked + own), before + own)


@pytest.mark.parametrize("before", ["", "# c\n\n", "x: 1\n...\n", "---\nx: [\n... # c\n\n# d\n"])
def test_directives_belong_to_the_document_behind_them(before: str) -> None:
    own = "%TAG !e! tag:e,2000:\n# c\n---\na: !e!x b\n"
    document = parse(before + own + "---\nc: d\n")[-2]
    assert isinstance(document, Document)
    node = get(document.root, ("a",))
    assert isinstance(node, Scalar)
    assert node.tag == "tag:e,2000:x"
    assert (before + own)[node.start : node.end] == "!e!x b"


def test_a_document_with_directives_ends_at_the_next_one() -> None:
    first, last = parse("%YAML 1.1\n--- a\n---\nb: [\n")
    assert isinstance(first, Document)
    assert isinstance(last, Broken)


def test_percent_signs_of_a_text_are_no_directives() -> None:
    text = "a: |\n  x\n  %y\n---\nb: >\n  %z\n"
    first, second = parse(text)
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert second.start == text.index("---")


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.integers() | st.none() | st.booleans(),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text("ab[~\\:# é", max_size=3), inner, max_size=4)
        ),
        max_leaves=12,
    ),
    st.booleans(),
    st.sampled_from([None, "'", '"', "|", ">"]),
)
def test_every_value_is_walked_and_found_again_by_its_path(data: Any, is_flow: bool, style: Any) -> None:
    text = yaml.dump(data, default_flow_style=is_flow, default_style=style, allow_unicode=True, width=30)
    for document in parse(text):
        assert isinstance(document, Document)
        for path, scalar in walk(document.root):
            assert get(document.root, path) is scalar
        values = [scalar.value for _, scalar in walk(document.root)]
        assert values == list(leaves(yaml.load(text, Loader=yaml.BaseLoader)))  # noqa: S506 (makes texts only)


def leaves(data: Any) -> Any:
    """The texts of loaded data in order."""
    if isinstance(data, dict | list):
        for item in data.values() if isinstance(data, dict) else data:
            yield from leaves(item)
    else:
        yield data


def test_the_steps_of_a_path() -> None:
    text = "a:\n- name: x\n  v: 1\n- name: y\n  v: 2\nb: [p, q]\n'[k': 1\n'~': 2\n'\\': 3\nc: [{name: x}, {name: x}]\n"
    (document,) = parse(text)
    assert isinstance(document, Document)
    assert [path for path, _ in walk(document.root)] == [
        ("a", "[name=x]", "name"),
        ("a", "[name=x]", "v"),
        ("a", "[name=y]", "name"),
        ("a", "[name=y]", "v"),
        ("b", "[0]"),
        ("b", "[1]"),
        ("\\[k",),
        ("\\~",),
        ("\\\\",),
        ("c", "[0]", "name"),
        ("c", "[1]", "name"),
    ]
    assert get(document.root, ("a", "[name=z]")) is None


def test_a_document_knows_its_name() -> None:
    text = (
        "---\n# only a comment\n---\nkind: Secret\nmetadata: {name: s, namespace: m, labels: {app: x}}\n---\n- 1\n...\n"
    )
    first, second = parse(text)
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert (first.ref, first.labels, first.index) == ("Secret/m/s", {"app": "x"}, 0)
    assert (second.ref, second.labels, second.index) == ("//", {}, 1)
    assert text[first.start : first.end].startswith("---\nkind")
    assert text[second.start : second.end] == "---\n- 1\n...\n"


@pytest.mark.parametrize(
    ("bad", "line", "column"),
    [
        ("k: [sesame\nb: 2\n", 2, 2),
        ("k: 'sesame\n", 2, 1),
        ("k: sesame: x\n", 1, 10),
        ("k: !sesame!x y\n", 1, 4),
        ('k: "\\sesame"\n', 1, 5),
        ("k: \x07sesame\n", 1, 4),
        ("é: \U0001f511\x00sesame\n", 1, 5),
        ("k: @sesame\n", 1, 4),
        ("k: |\n\tsesame\n", 2, 1),
    ],
)
def test_a_broken_document_names_its_place_and_nothing_of_its_text(bad: str, line: int, column: int) -> None:
    good, broken, last = parse(f"a: 1\n---\n{bad}---\nb: 2\n")
    assert isinstance(good, Document)
    assert isinstance(broken, Broken)
    assert isinstance(last, Document)
    assert (broken.line - 2, broken.column, broken.index) == (line, column, 1)
    assert broken.reason
    assert "sesame" not in broken.reason
    assert get(last.root, ("b",)) is not None


def test_a_text_that_is_no_unicode_is_broken() -> None:
    (broken,) = parse("k: v\nl: \ud83d")
    assert isinstance(broken, Broken)
    assert (broken.line, broken.column) == (2, 4)


@given(st.text("ab:-[]{}#&*!|>'\"%@`,? \t\r\n\\.~\x00\x85\u2028é\U0001f511", max_size=40))
@settings(max_examples=400, deadline=None)
def test_no_text_is_a_bug(text: str) -> None:
    for found in parse(text):
        assert 0 <= found.start <= found.end <= len(text)
        if isinstance(found, Document):
            for _, scalar in walk(found.root):
                assert found.start <= scalar.start <= scalar.end <= found.end


def test_what_libyaml_refuses_is_read_by_the_pure_parser() -> None:
    text = "a: 1\n---\n\U0001f511: {image: nginx:1.2, u: , v: w}\nb:\n"
    document = parse(text)[1]
    assert isinstance(document, Document)
    image = get(document.root, ("\U0001f511", "image"))
    assert isinstance(image, Scalar)
    assert text[image.start : image.end] == image.value == "nginx:1.2"
    assert image.flow
    assert line_and_column(text, image.start) == (3, 12)


def test_of_duplicate_keys_all_are_kept_and_the_last_counts() -> None:
    (document,) = parse("a: 1\na: 2\n")
    assert isinstance(document, Document)
    assert [scalar.value for _, scalar in walk(document.root)] == ["1", "2"]
    found = get(document.root, ("a",))
    assert isinstance(found, Scalar)
    assert found.value == "2"


BODIES = ["a: 1", "- b\n- {c: [d]}", "k: |\n  x\n\n", "'q'", "# c", "", "one\n...\n--- two", "f: *x\n...\n# c"]
DIRECTIVES = ["...\n%YAML 1.1", "...\n# c\n%TAG !e! tag:e,2000:\n", "--- # c", ""]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(BODIES), st.sampled_from(DIRECTIVES)), max_size=6))
def test_a_broken_document_changes_nothing_of_the_others(documents: list[tuple[str, str]]) -> None:
    """A whole file is read in one go, one with a broken document part by part: nodes and places are the same."""
    text = "\n---\n".join(f"{body}\n{after}".strip("\n") for body, after in documents)
    alone = parse(f"{text}\n---\nz: 1\n")
    *beside, last = parse(f"{text}\n---\nz: [\n")
    assert isinstance(last, Broken)
    assert alone[:-1] == beside
