"""Random stacks of lenses, one within another, taken apart again by other people's parsers."""

from __future__ import annotations

import base64
import json
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from ruamel.yaml import YAML

from wizard.lenses import CannotHold, Edit, View, Whole, apply, at, encoded, inside, render
from wizard.lenses.region import Region
from wizard.lenses.scalar import lens
from wizard.manifests import Document, parse, walk

CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from("\"'\\$%#:\n\t ,[]{}é\U0001f511")
VALUES = st.text(CHARACTERS, max_size=10)
YAML_LAYERS = ["literal", "double", "single", "folded", "flow", "anchored", "base64"]
LAYERS = [*YAML_LAYERS, "json", "yaml"]


def wrap(text: str, layer: str) -> str:
    """The text as the one value ``k`` of a document in that layer; None of it is written by our own code."""
    if layer == "literal":
        return "k: |+\n" + "".join(f"  {line}\n" for line in text.removesuffix("\n").split("\n")) + "z: 1\n"
    if layer == "base64":
        return "k: " + base64.b64encode(text.encode()).decode() + "\nz: 1\n"
    if layer == "json":
        return json.dumps({"k": text, "z": 1}, indent=2) + "\n"
    if layer == "flow":
        return f"{{y: [&x {json.dumps(text)}], k : {json.dumps(text, ensure_ascii=False)}, z: 1}}\n"
    if layer == "anchored":
        return f"k: !!str &x # why\n  {json.dumps(text)}\ny: *x\nz: 1\n"
    style: Any = {"double": '"', "single": "'", "folded": ">", "yaml": None}[layer]
    width = 2**31 if layer == "folded" else 20  # PyYAML folds lines that must not be folded
    return str(yaml.dump({"k": text, "z": "1"}, default_style=style, width=width, allow_unicode=True))


def enter(view: View, layer: str) -> View:
    """The view of ``k`` within the view of a document in that layer."""
    leaves = dict(inside(view, "x.json" if layer == "json" else "x.yaml"))
    found = leaves["~", "k"]
    return View(encoded.lens(found.text), found) if layer == "base64" else found


def unwrap(text: str, layer: str, *, is_pure: bool) -> str:
    """The value ``k`` of a document in that layer, by another parser."""
    if layer == "json":
        return str(json.loads(text)["k"])
    loaded = YAML(typ="safe", pure=True).load(text) if is_pure else yaml.safe_load(text)
    assert str(loaded["z"]) == "1"
    value = loaded["k"]
    assert isinstance(value, str)
    return base64.b64decode(value).decode() if layer == "base64" else value


@settings(max_examples=250, deadline=None)
@given(layers=st.lists(st.sampled_from(LAYERS), min_size=1, max_size=4), one=VALUES, two=VALUES)
def test_a_value_put_through_a_stack_comes_out_at_its_end(layers: list[str], one: str, two: str) -> None:
    text = "a OLD b NEXT c\n"
    for layer in reversed(layers):
        text = wrap(text, layer)
    root = View(Whole(text))
    view = root
    for layer in layers:
        view = enter(view, layer)
    assert view.text == "a OLD b NEXT c\n"
    assert render({view: [Edit(0, len(view.text), view.text)]}) == []
    after = apply(text, render({view: [Edit(2, 5, one), Edit(8, 12, two)]}))
    for is_pure in (False, True):
        inner = after
        for layer in layers:
            inner = unwrap(inner, layer, is_pure=is_pure)
        assert inner == f"a {one} b {two} c\n"


PASSWORDS = st.text(
    st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("'\"\\$%#:@/?&=é\U0001f511"), max_size=12
)


def sourced(text: str) -> str:
    """The variable P of an environment file, as bash has it."""
    script = 'set -a; . /dev/stdin; printf "%s" "$P"'
    return subprocess.run(["bash", "-c", script], input=text.encode(), capture_output=True, check=True).stdout.decode()


def literal(text: str) -> str:
    """A string literal of SQL, as SQLite has it."""
    with closing(sqlite3.connect(":memory:")) as database:
        return str(database.execute(f"select {text}").fetchone()[0])


# What a password stands in, and how other people's code reads it there.
PLACES: dict[str, tuple[str, Callable[[str], str]]] = {
    "json": ('{"a": [1, {"p": "OLD"}]}', lambda text: str(json.loads(text)["a"][1]["p"])),
    "yaml": ("a:\n- p: OLD # why\n", lambda text: str(yaml.safe_load(text)["a"][0]["p"])),
    "env": ("# OLD\nexport B=1\nP='OLD'\n", sourced),
    "sql": ("ALTER ROLE a PASSWORD 'OLD';\n", lambda text: literal(text.split("PASSWORD ")[1].rstrip(";\n"))),
    "conninfo": ("host=db password=OLD user=a", lambda text: str(conninfo_to_dict(text)["password"])),
    "url": ("postgres://a:OLD@db:5432/b?c=d", lambda text: unquote(urlsplit(text).password or "")),
    "conninfo in sql": (
        "CREATE SUBSCRIPTION a CONNECTION 'host=db password=OLD' PUBLICATION b;\n",
        lambda text: str(conninfo_to_dict(literal(text.split("CONNECTION ")[1].split(" PUBLICATION")[0]))["password"]),
    ),
}


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=50, deadline=None)
@given(layers=st.lists(st.sampled_from(LAYERS), max_size=3), new=PASSWORDS)
def test_a_password_put_deep_inside_is_what_its_consumer_reads(place: str, layers: list[str], new: str) -> None:
    inner, read = PLACES[place]
    text = inner
    for layer in reversed(layers):
        text = wrap(text, layer)
    view = View(Whole(text))
    for layer in layers:
        view = enter(view, layer)
    assert view.text in (inner, inner + "\n")  # a literal ends in a line break
    start = inner.rindex("OLD")
    spot = {"json": ("~", "a", "[1]", "p"), "yaml": ("~", "a", "[0]", "p"), "env": ("~", "P")}.get(place)
    if spot:
        view, start, end = dict(inside(view, f"x.{place}"))[spot], 0, 3
    else:
        view, start, end = at(view, start, start + 3)
    try:
        after = apply(text, render({view: [Edit(start, end, new)]}))
    except CannotHold:
        # What a shell and MinIO read alike takes either no single quote, or nothing that double quotes touch.
        assert place == "env"
        assert "'" in new
        assert set(new) & set('"$`\\!')
        return
    for layer in layers:
        after = unwrap(after, layer, is_pure=False)
    assert read(after) == new
    assert after.rstrip("\n").endswith(inner[inner.rindex("OLD") + 3 :].rstrip("\n").lstrip("'\""))


def test_edits_of_two_views_meet_in_one_base64_region() -> None:
    inner = json.dumps({"user": "U", "password": "P"})
    text = "data:\n  config.json: " + base64.b64encode(inner.encode()).decode() + " # why\n"
    (document,) = parse(text)
    assert isinstance(document, Document)
    ((_, node),) = walk(document.root)
    scalar = View(lens(text, node, node.flow, "\n"))
    leaves = dict(inside(View(encoded.lens(scalar.text), scalar), "config.json"))
    edits = render({leaves["~", "user"]: [Edit(0, 1, "é")], leaves["~", "password"]: [Edit(0, 1, 'a"b')]})
    assert len(edits) == 1
    after = yaml.safe_load(apply(text, edits))["data"]["config.json"]
    assert json.loads(base64.b64decode(after)) == {"user": "é", "password": 'a"b'}
    assert apply(text, edits).endswith(" # why\n")


def test_views_of_one_region_are_one_and_overlapping_edits_are_a_bug() -> None:
    text = 'k: "OLD"\n'
    (document,) = parse(text)
    assert isinstance(document, Document)
    ((_, node),) = walk(document.root)
    views = [View(lens(text, node, False, "\n")) for _ in range(2)]
    assert views[0] == views[1]
    with pytest.raises(ValueError, match="overlap"):
        render({views[0]: [Edit(0, 2, "a"), Edit(1, 3, "b")]})


def test_nothing_of_a_text_is_in_a_repr() -> None:
    text = 'k: "sesame"\n'
    (document,) = parse(text)
    assert isinstance(document, Document)
    ((_, node),) = walk(document.root)
    view = View(lens(text, node, False, "\n"))
    assert isinstance(view.lens, Region)
    shown = [
        document,
        node,
        view,
        view.lens,
        Edit(0, 1, "sesame"),
        Whole("sesame"),
        encoded.raw("sesame"),
        view.lens.reading,
    ]
    assert "sesame" not in "".join(map(repr, shown))
