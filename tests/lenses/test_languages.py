"""Languages of configuration files and scripts: what is written is found again, and read back by who consumes it.

Redis, HAProxy and coturn read it back in tests/real; here they prove the laws.
"""

from __future__ import annotations

import base64
import configparser
import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from wizard.lenses import SCRIPT, CannotHold, Edit, View, Whole, apply, inside, render

from .writing import put, put_at, written

ANY = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    | st.sampled_from("\"'\\$%#:;\n\t ,=@/?&+`!~*(){}[]<>|^-é\xa0\U0001f511"),
    max_size=12,
)
PRINTED = st.text(
    st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("\"'\\$`!#;% é\xa0\U0001f511"), max_size=12
)


# --- which language


@pytest.mark.parametrize(
    ("name", "text", "new", "after"),
    [
        ("redis.conf", "requirepass OLD\n", "a b", 'requirepass "a b"\n'),
        ("redis-li.conf", "masterauth 'OLD'\n", "it's", "masterauth 'it\\'s'\n"),
        ("sentinel.conf", "sentinel auth-pass main OLD\n", "a b", 'sentinel auth-pass main "a b"\n'),
        ("users.acl", "user a on >OLD ~*\n", "a'b\"", "user a on >a'b\" ~*\n"),
        ("HAProxy.cfg", "userlist u\n  user a insecure-password OLD\n", "a #b", None),
        ("turnserver.conf", "static-auth-secret=OLD\n", " a#b", 'static-auth-secret=" a#b"\n'),
        ("coturn.conf", "static-auth-secret=OLD\n", "a#b", "static-auth-secret=a#b\n"),
        ("grafana.ini", "[a]\npassword = OLD\n", "a b", "[a]\npassword = a b\n"),
        ("my.cnf", "[client]\npassword=OLD\n", "a b", "[client]\npassword=a b\n"),
        ("setup.sh", "export A=OLD\n", "a b", "export A='a b'\n"),
        ("setup.bash", "export A=OLD\n", "it's", 'export A="it\'s"\n'),
        ("entrypoint", "#!/usr/bin/env bash\nA=OLD\n", "a b", "#!/usr/bin/env bash\nA='a b'\n"),
        (SCRIPT, "exec redis-server --requirepass OLD", "a b", "exec redis-server --requirepass 'a b'"),
    ],
)
def test_the_name_tells_the_language(name: str, text: str, new: str, after: str | None) -> None:
    assert written(text, new, name) == (after or text.replace("OLD", "a\\ \\#b"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("settings", "requirepass OLD\n"),
        ("nginx.conf", "set $a OLD;\n"),
        ("run.py", "#!/usr/bin/python3\nA='OLD'\n"),
        ("redis.conf", "# requirepass OLD\n"),
        ("redis.conf", "OLD yes\n"),
        ("haproxy.cfg", "  server a b:1 # OLD\n"),
        ("haproxy.cfg", "  http-request set-header X OLD\n"),
        ("haproxy.cfg", "  tcp-check send AUTH\\ OLD\\r\\n\n"),
        ("haproxy.cfg", '  user a password "$OLD"\n'),
        ("turnserver.conf", "redis-userdb=host=a password=OLD\n"),
        ("turnserver.conf", "# static-auth-secret=OLD\n"),
        ("a.ini", "; a = OLD\n"),
        ("a.ini", "a = one\n  b = OLD\n"),
        ("a.ini", "a = OLD ; why\n"),
    ],
)
def test_what_has_no_known_quoting_takes_only_what_nobody_touches(name: str, text: str) -> None:
    assert put(text, "safe1", name) == text.replace("OLD", "safe1")
    for new in ("a b", "a$b", "a'b", "a#b"):
        with pytest.raises(CannotHold):
            put(text, new, name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("haproxy.cfg", "  acl ours src OLD\n"),
        ("haproxy.cfg", "  tcp-request connection reject unless { src OLD }\n"),
        ("haproxy.cfg", "  acl ours req.hdr_ip(x-forwarded-for) OLD\n"),
        ("redis.conf", "bind OLD\n"),
        ("setup.sh", "for each in OLD; do echo; done\n"),
    ],
)
def test_a_list_of_addresses_stays_several_words(name: str, text: str) -> None:
    after = put(text, "10.0.0.0/8 2001:db8::/32", name)
    assert after == text.replace("OLD", "10.0.0.0/8 2001:db8::/32")
    start = text.index("OLD")
    assert put_at(after, (start, start + 24), "10.0.0.1", name) == text.replace("OLD", "10.0.0.1")


def test_addresses_elsewhere_are_one_text() -> None:
    assert put("A=OLD cmd\n", "10.0.0.1 10.0.0.2", "a.sh") == "A='10.0.0.1 10.0.0.2' cmd\n"
    assert put("requirepass OLD\n", "10.0.0.1 10.0.0.2", "redis.conf") == 'requirepass "10.0.0.1 10.0.0.2"\n'


# --- the laws

LINES = {
    "redis.conf": ["requirepass OLD", 'requirepass "OLD"', "requirepass 'OLD'  ", "user a on >OLD ~* +@all",
                   'user a on ">OLD" ~*', "user a on >'x-OLD'", "a b\r\nmasterauth OLD\r", 'user a "on" >"OLD" x'],
    "users.acl": ["user a on >OLD ~*", "user a >x-OLD +@all"],
    "haproxy.cfg": ["  user a insecure-password OLD", '  user a insecure-password "x-OLD"', "user a password 'OLD' x",
                    "  stats auth admin:OLD", '  stats auth "admin:OLD" ', "  user a insecure-password x'y'OLD\"z\""],
    "turnserver.conf": ["static-auth-secret=OLD", 'static-auth-secret = "OLD"', 'cli-password="x OLD y"  ',
                        "user=turn:OLD", "static-auth-secret=x OLD"],
    "a.ini": ["a = OLD", 'a="OLD"', "a: 'x-OLD'", 'a = """OLD"""', "a = `OLD`", "a = x OLD y"],
    "a.sh": ["p OLD", "p 'OLD' x", 'p "OLD"', "X=OLD", "X='OLD' p", "p --x=OLD;", "p user:OLD | p", "p \"user:OLD\""],
}  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(new=ANY, data=st.data())
def test_what_is_written_is_found_again_and_all_else_stays(new: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(LINES)))
    text = "one two\n" + data.draw(st.sampled_from(LINES[name])) + "\nlast line\n"
    with suppress(CannotHold):  # which it may be is for the tests below
        written(text, new, name)


@settings(max_examples=200, deadline=None)
@given(new=ANY)
def test_redis_and_haproxy_take_every_character(new: str) -> None:
    for name in ("redis.conf", "haproxy.cfg"):
        for line in LINES[name][:2]:
            written(f"{line}\n", new, name)


@settings(max_examples=200, deadline=None)
@given(new=PRINTED)
def test_what_no_quoting_carries_is_refused_and_nothing_else(new: str) -> None:
    is_plain = not any(character in new for character in " \xa0")
    for name, line, holds in (
        ("redis.conf", "requirepass 'OLD'", not new.endswith("\\")),
        ("users.acl", "user a on >OLD ~*", is_plain),
        ("turnserver.conf", "static-auth-secret=OLD", True),
        ("a.sh", "X=OLD", True),
        ("a.sh", "X='OLD'", True),
        ("a.sh", 'p "user:OLD" x', True),
    ):
        try:
            written(f"{line}\n", new, name)
        except CannotHold:
            assert not holds, line
        else:
            assert holds, line


@pytest.mark.parametrize(
    ("name", "text", "new"),
    [
        ("users.acl", "user a on >OLD\n", "a b"),
        ("users.acl", "user a on >OLD\n", "a\nb"),
        ("redis.conf", "user a on x-OLD-y\n", "a b"),
        ("redis.conf", "requirepass 'OLD'\n", "a\\"),
        ("redis.conf", "requirepass OLD\n", "a\0b"),
        ("haproxy.cfg", "user a password OLD\n", "a\0b"),
        ("turnserver.conf", "static-auth-secret=OLD\n", "a\nb"),
        ("turnserver.conf", "static-auth-secret=OLD\n", "x" * 1005),
        ("turnserver.conf", "user=a:OLD\n", "0x12"),
        ("a.ini", "a = OLD\n", "a%b"),
        ("a.ini", "a = OLD\n", " a"),
        ("a.ini", 'a = "OLD"\n', "a;b"),
        ("a.ini", 'a = """OLD"""\n', "%(b)s"),
        ("a.ini", "a = `OLD`\n", "${HOME}"),
        ("a.sh", "X=OLD\n", "a\nb"),
    ],
)
def test_a_refusal_says_why_and_shows_nothing(name: str, text: str, new: str) -> None:
    with pytest.raises(CannotHold) as refused:
        put(text, new, name)
    assert new not in refused.value.reason
    assert put(text, "safe1", name) == text.replace("OLD", "safe1")


def test_the_longest_line_that_coturn_reads() -> None:
    assert len(put("static-auth-secret=OLD\n", "é" * 502, "turnserver.conf").encode()) == 1024
    with pytest.raises(CannotHold):
        put("static-auth-secret=OLD\n", "é" * 503, "turnserver.conf")


@pytest.mark.parametrize(("part", "after"), [("40b", "u:a%safe1"), ("u:a%40b", "safe1"), ("b@h", "u:a%40safe1")])
def test_a_span_that_cuts_a_quoting_or_crosses_it_is_free_text(part: str, after: str) -> None:
    text = "postgres://u:a%40b@h/db"
    start = text.index(part)
    written_text = put_at(text, (start, start + len(part)), "safe1", "")
    assert written_text == f"postgres://{after}{'' if '@' in part else '@h'}/db"


def test_a_connection_string_within_a_value_of_coturn() -> None:
    new = 'it\'s $d "e" \\'
    userdb = put('psql-userdb="host=h password=OLD"\n', new, "turnserver.conf")
    assert conninfo_to_dict(userdb.removeprefix('psql-userdb="').removesuffix('"\n')) == {"host": "h", "password": new}


# --- INI files


def go_ini(text: str) -> str:
    """The value of ``a`` as go-ini reads it with Grafana's options."""
    value = text.partition("a")[2].lstrip().lstrip("=:").strip()
    for quote in ('"""', "`"):
        if value.startswith(quote):
            return value[len(quote) : value.index(quote, len(quote))]
    value = value.split("#")[0].split(";")[0].strip()
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if is_quoted else value


@settings(max_examples=300, deadline=None)
@given(new=PRINTED, line=st.sampled_from(LINES["a.ini"]))
def test_ini_values_are_the_same_to_every_reader(new: str, line: str) -> None:
    text = f"[s]\nb = 1\n{line}\nc = 2\n"
    try:
        after = written(text, new, "a.ini")
    except CannotHold:
        assert set(new) - set("abcXYZ019._~:/@,+=-") or not new or line == "a = `OLD`"
        return
    wanted = line[1:].lstrip(" =:").replace("OLD", new)
    for interpolation in (None, configparser.BasicInterpolation(), configparser.ExtendedInterpolation()):
        if interpolation is not None and line in ('a = """OLD"""', "a = `OLD`"):
            continue  # these quotes are of another reader
        parser = configparser.ConfigParser(interpolation=interpolation)
        parser.read_string(after)
        assert dict(parser["s"]) == {"a": wanted.strip(), "b": "1", "c": "2"}
    assert go_ini(after.splitlines()[2]) == line[1:].lstrip(" =:").strip("'\"`").replace("OLD", new)


# --- logins to registries


@settings(max_examples=100, deadline=None)
@given(new=ANY, is_encoded=st.booleans(), other=st.sampled_from(["", "é:x", "no colon"]))
def test_a_registry_login_is_reached_in_its_base64(new: str, is_encoded: bool, other: str) -> None:
    login = "robot:CHANGEME"
    auth = base64.b64encode(login.encode()).decode() if is_encoded else login
    data = {"auths": {"r.net": {"auth": auth, "password": "CHANGEME"}, "b": {"auth": other}}, "auth": "x:y"}
    text = json.dumps(data)
    leaves = dict(inside(View(Whole(text)), ".dockerconfigjson"))
    view = leaves["~", "auths", "r.net", "auth"]
    assert view.text == login
    assert render({view: [Edit(0, 0, "")]}) == []
    assert leaves["~", "auth"].text == "x:y"
    after = json.loads(
        apply(text, render({view: [Edit(6, 14, new)], leaves["~", "auths", "r.net", "password"]: [Edit(0, 8, new)]}))
    )
    assert (
        base64.b64decode(after["auths"]["r.net"].pop("auth")).decode() == f"robot:{new}" if new != "CHANGEME" else True
    )
    assert after["auths"]["r.net"] == {"password": new}
    assert (after["auths"]["b"], after["auth"]) == ({"auth": other}, "x:y")
