"""Lenses of embedded formats, each read back by the program or library that consumes it."""

from __future__ import annotations

import base64
import json
import sqlite3
import subprocess
from contextlib import closing
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from wizard.lenses import (
    CannotHold,
    Edit,
    View,
    Whole,
    apply,
    at,
    conninfo,
    encoded,
    environment,
    inside,
    jsontext,
    pem_spans,
    render,
)
from wizard.lenses import text as free

CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from("\"'\\$%#:\n\t ,=@/?&+`!~é\U0001f511")
VALUES = st.text(CHARACTERS, max_size=12)
PRINTED = st.text(
    st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("'\"\\$`!é\U0001f511"), max_size=10
)


@settings(max_examples=100, deadline=None)
@given(before=VALUES, new=VALUES, after=VALUES, is_ascii=st.booleans())
def test_json_strings_are_read_back_by_json(before: str, new: str, after: str, is_ascii: bool) -> None:
    data = {"a": [{"name": "x", "v": before + "OLD" + after}, {"name": "y", "v": "OLD"}], "n": 1.50, "OLD": None}
    text = json.dumps(data, ensure_ascii=is_ascii, indent=1)
    assume("OLD" not in before)
    leaves = dict(jsontext.strings(text))
    region = leaves["a", "[name=x]", "v"]
    assert region.text == before + "OLD" + after
    assert region.put([Edit(0, len(region.text), region.text)]) == []
    edits = region.put([Edit(len(before), len(before) + 3, new)])
    data["a"][0]["v"] = before + new + after  # type: ignore[index]
    assert json.loads(apply(text, edits)) == data
    assert "1.5" in apply(text, edits)


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", '["\t"]', "[" * 100_000, '{"a": 1} x', "[01]"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(CannotHold):
        jsontext.strings(text)


def minio(text: str) -> dict[str, str]:
    """MinIO's reading of an environment file, after its rules in FACTS 3."""
    found = {}
    for line in text.split("\n"):
        trimmed = line.strip().removeprefix("export ").strip()
        if trimmed and not trimmed.startswith("#"):
            key, _, value = trimmed.partition("=")
            if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
                value = value[1:-1]
            found[key] = value
    return found


@settings(max_examples=60, deadline=None)
@given(new=PRINTED, shape=st.sampled_from(["A={}\n", "A='{}'\n", 'export A="{}"', "  export  A={}"]))
def test_environment_values_are_the_same_to_bash_and_minio(new: str, shape: str) -> None:
    text = "# OLD\nB=1\n" + shape.format("xOLD") + ""
    region = dict(environment.values(text))["A"]
    assert region.text == "xOLD"
    try:
        after = apply(text, region.put([Edit(0, 4, new)]))
    except CannotHold:
        assert "'" in new
        assert set(new) & set('"$`\\!')
        return
    script = 'set -a; . /dev/stdin; printf "%s" "$A"'
    sourced = subprocess.run(["bash", "-c", script], input=after.encode(), capture_output=True, check=True, env={})
    assert sourced.stdout.decode() == new
    assert sourced.stderr == b""
    assert minio(after)["A"] == new
    assert minio(after)["B"] == "1"


@pytest.mark.parametrize("new", ["a\nb", "a\x07", 'it\'s "$x"'])
def test_environment_values_that_no_quoting_carries_are_refused(new: str) -> None:
    with pytest.raises(CannotHold):
        environment.values("A=b\n")[0][1].put([Edit(0, 1, new)])


def test_an_environment_value_read_in_two_ways_takes_only_what_nobody_touches() -> None:
    text = 'A=CHANGEME # why\nB="$OLD"\n'
    region = dict(environment.values(text))["A"]
    assert apply(text, region.put([Edit(0, 8, "safe1")])) == 'A=safe1 # why\nB="$OLD"\n'
    with pytest.raises(CannotHold):
        region.put([Edit(0, 8, "a b")])


@settings(max_examples=100, deadline=None)
@given(
    new=VALUES, shape=st.sampled_from(["password=xOLD user=a", "user=a password = 'xOLD'", "password=a\\'xOLD\nhost=b"])
)
def test_conninfo_values_are_read_back_by_libpq(new: str, shape: str) -> None:
    text = f"host=db port=5432 {shape}" if "host=b" not in shape else shape
    assume("\0" not in new)
    old = conninfo_to_dict(text)
    region = dict(conninfo.values(text))["password"]
    assert region.text == old["password"]
    at_old = region.text.index("OLD")
    after = apply(text, region.put([Edit(at_old, at_old + 3, new)]))
    assert conninfo_to_dict(after) == {**old, "password": region.text.replace("OLD", new)}


@settings(max_examples=100, deadline=None)
@example(new="a/b@c:d?e#f%&=+ ", old="OLDx")
@example(new="a/b@c:d?e#f%&=+ ", old="OLD&")
@given(new=VALUES, old=st.sampled_from(["OLDx", "OLD&", "OLD#"]))
def test_url_parts_are_read_back_by_urllib(new: str, old: str) -> None:
    text = "see postgres://us%C3%A9r:OLDx@db:5432/name/n%20OLD?opt=OLD&b=OLD#f and more"
    start = text.index(old)
    view, first, last = at(View(Whole(text)), start, start + 3)
    after = apply(text, render({view: [Edit(first, last, new)]}))
    url = urlsplit(after.removeprefix("see ").removesuffix(" and more"))
    query = parse_qs(url.query, keep_blank_values=True)
    wanted = {"OLDx": "OLDx", "OLD&": "OLD", "OLD#": "OLD", old: new + old[3:].strip("&#")}
    assert unquote(url.username or "") == "usér"
    assert unquote(url.password or "") == wanted["OLDx"]
    assert unquote(url.path) == "/name/n OLD"
    assert query == {"opt": [wanted["OLD&"]], "b": [wanted["OLD#"]]}


SQL = "-- it's\nALTER ROLE synapse PASSWORD 'OLD' VALID UNTIL 'x';\nSELECT E'it\\'s', \"a'b\", 'OLD2';\n"


def sql_string(literal: str) -> str:
    """A string literal as SQLite reads it: it shares PostgreSQL's rule for them."""
    with closing(sqlite3.connect(":memory:")) as database:
        return str(database.execute(f"select {literal}").fetchone()[0])


@settings(max_examples=60, deadline=None)
@given(new=VALUES)
def test_sql_strings_are_read_back_by_a_database(new: str) -> None:
    assume("\0" not in new)
    start = SQL.index("OLD")
    view, first, last = at(View(Whole(SQL)), start, start + 3)
    after = apply(SQL, render({view: [Edit(first, last, new)]}))
    assert sql_string(after.partition("PASSWORD ")[2].partition(" VALID")[0]) == new
    assert after.startswith(SQL[:start])
    assert after.endswith(SQL[start + 3 :])


@settings(max_examples=60, deadline=None)
@given(new=VALUES)
def test_a_conninfo_in_an_sql_string_is_read_back_by_both(new: str) -> None:
    assume("\0" not in new)
    text = "CREATE SUBSCRIPTION s CONNECTION 'host=db password=OLD user=a' PUBLICATION p;"
    start = text.index("OLD")
    view, first, last = at(View(Whole(text)), start, start + 3)
    after = apply(text, render({view: [Edit(first, last, new)]}))
    literal = after.removeprefix("CREATE SUBSCRIPTION s CONNECTION ").removesuffix(" PUBLICATION p;")
    assert conninfo_to_dict(sql_string(literal)) == {"host": "db", "password": new, "user": "a"}


def test_quotes_of_a_script_are_no_sql_strings() -> None:
    text = "export PGPASSWORD='OLD'\npsql <<EOF\nALTER ROLE a PASSWORD 'OLD';\nEOF\n"
    start = text.index("OLD")
    shell = at(View(Whole(text)), start, start + 3)
    announced = at(View(Whole(text)), text.rindex("OLD"), text.rindex("OLD") + 3)
    for view, first, last in (shell, announced):
        assert "safe1" in apply(text, render({view: [Edit(first, last, "safe1")]}))
        with pytest.raises(CannotHold):
            render({view: [Edit(first, last, "it's $x")]})


def test_a_dollar_sign_does_not_end_a_dollar_quoted_body() -> None:
    text = "DO $$ BEGIN EXECUTE format('ALTER ROLE a PASSWORD %L', 'OLD'); END $$;"
    start = text.index("OLD")
    view, first, last = at(View(Whole(text)), start, start + 3)
    assert "'a''b'" in apply(text, render({view: [Edit(first, last, "a'b")]}))
    with pytest.raises(CannotHold):
        render({view: [Edit(first, last, "a$b")]})


@settings(max_examples=100, deadline=None)
@given(before=VALUES, new=VALUES, after=VALUES, width=st.sampled_from([0, 4, 76]))
def test_base64_keeps_its_wrapping_and_is_decoded_by_the_library(before: str, new: str, after: str, width: int) -> None:
    text = before + "OLD" + after
    code = base64.b64encode(text.encode()).decode()
    outer = "\n".join(code[i : i + width] for i in range(0, len(code), width)) + "\n" if width else code
    lens = encoded.lens(outer)
    assert lens.text == text
    assert lens.put([Edit(0, len(text), text)]) == []
    edits = [Edit(len(before), len(before) + 3, new), Edit(len(text), len(text), "!")]
    now = apply(outer, lens.put(edits))
    assert len(lens.put(edits)) == 1
    assert base64.b64decode(now).decode() == before + new + after + "!"
    assert now.endswith("\n") == outer.endswith("\n")
    if outer.strip("\n").count("\n"):
        assert max(map(len, now.split("\n"))) == width
    assert encoded.lens(now).text == before + new + after + "!"


@pytest.mark.parametrize("text", ["CHANGEME!", "YQ", "/w==", "YR==", "é", "Y Q=="])
def test_what_is_no_base64_of_text_is_refused(text: str) -> None:
    with pytest.raises(CannotHold):
        encoded.lens(text)


@given(new=VALUES)
def test_raw_text_under_data_becomes_base64(new: str) -> None:
    now = apply("x CHANGEME", encoded.raw("x CHANGEME").put([Edit(2, 10, new)]))
    assert base64.b64decode(now).decode() in ("x " + new, now)


@pytest.mark.parametrize(
    "new", ["a b", "a#b", "a\nb", "a'b", 'a"b', "$a", "a\\b", "a;b", "a%b", "é", "10.0.0.0/8 a", " 10.0.0.1"]
)
def test_free_text_takes_nothing_that_a_format_around_it_may_read(new: str) -> None:
    with pytest.raises(CannotHold) as refused:
        free.lens("requirepass CHANGEME").put([Edit(12, 20, new)])
    assert new not in refused.value.reason


@pytest.mark.parametrize("new", ["aB9._~:/@,+=-", "10.0.0.0/8 2001:db8::/32", ""])
def test_free_text_takes_words_and_address_ranges(new: str) -> None:
    assert apply("a CHANGEME b", free.lens("a CHANGEME b").put([Edit(2, 10, new)])) == f"a {new} b"


def test_pem_armour_is_found_with_prose_inside_and_indented() -> None:
    text = (
        "x\n  -----BEGIN RSA PRIVATE KEY-----\n  put it here\n  -----END RSA PRIVATE KEY-----\n"
        "-----BEGIN A-----\n-----END B-----\n"
    )
    (armour,) = pem_spans(text)
    assert armour.label == "RSA PRIVATE KEY"
    assert text[armour.start : armour.end].startswith("-----BEGIN RSA")
    assert text[armour.start : armour.end].endswith("END RSA PRIVATE KEY-----")


@pytest.mark.parametrize(
    ("name", "text", "paths"),
    [
        (
            "homeserver.yaml",
            "a: 1\nb:\n  - name: x\n    v: OLD\n",
            [("~", "a"), ("~", "b", "[name=x]", "name"), ("~", "b", "[name=x]", "v")],
        ),
        ("a.yml", "a: 1\n---\nb: 2\n", [("~", "a"), ("~1", "b")]),
        ("config.json", '{"a": {"b": "OLD"}, "n": 1}', [("~", "a", "b")]),
        (".dockerconfigjson", '{"auths": {"[x": {"auth": "OLD"}}}', [("~", "auths", "\\[x", "auth")]),
        ("config.env", "export A=b\nnot one\nC='d'\n", [("~", "A"), ("~", "C")]),
        ("settings", "a: b\nc: d\n", [("~", "a"), ("~", "c")]),
        ("settings", "A=b\n# x\nC=d\n", [("~", "A"), ("~", "C")]),
        ("settings", "one line: only", []),
        ("setup.sql", "a: b\nc: d\n", []),
        ("redis.conf", "requirepass OLD\n", []),
        ("broken.yaml", "a: [\n", []),
        ("broken.json", "{", []),
    ],
)
def test_the_leaves_inside_a_text(name: str, text: str, paths: list[tuple[str, ...]]) -> None:
    root = View(Whole(text))
    leaves = inside(root, name)
    assert [path for path, _ in leaves] == paths
    for _, view in leaves:
        if view.text == "OLD":
            assert "new1" in apply(text, render({view: [Edit(0, 3, "new1")]}))
