"""Values in shell scripts, read back by bash and by dash."""

from __future__ import annotations

import subprocess
from urllib.parse import unquote

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from wizard.lenses import SCRIPT, CannotHold, is_script
from wizard.manifests import Document, parse, walk

from .writing import put

PRINTED = st.text(
    st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("\"'\\$`!#;% é\xa0\U0001f511"), max_size=12
)


def run_shell(shell: str, script: str) -> str:
    done = subprocess.run([shell], input=script.encode(), capture_output=True, check=True, env={"HOME": "/nowhere"})
    assert done.stderr == b""
    return done.stdout.decode()


# Each prints the texts of its words; OLD is the value's place.
COMMANDS = [
    "p OLD", "p 'OLD'", 'p "OLD"', "p x OLD y", "p --x=OLD", "p user:OLD", "p 'user:OLD'", 'X=OLD; p "$X"',
    'X=\'OLD\' Y=1; p "$X"', 'export X="OLD"; p "$X"', "p \\\n  OLD", "if p OLD; then p OLD2; fi", "(p OLD)",
    "{ p OLD; }", "p OLD # it's", "p OLD;p a", "p OLD&&p b", 'p "$(printf %s \'OLD\')"', 'p "$(printf %s OLD)x"',
    'p $(printf \'%s\' "a$(p)") OLD', "case x in x) p OLD;; esac", 'p "${HOME}" OLD', "p ${HOME:-a} OLD",
    "p $((1 + (2))) OLD", "p $# OLD", "p `printf a` OLD", "p OLD >/dev/stdout", "p <<'E' OLD\nit's\nE",
    'p <<E OLD\n"\nE', "cat <<-'E' >/dev/null\n\t'\n\tE\np OLD", "f() { p OLD; }; f", "p 'a\nb' OLD",
    'p "a\nb" "OLD"', 'p "it\'s" OLD', 'p \'"\' OLD', "p \\' OLD", "p a#' OLD ' # '", 'p "\\"" OLD',
    "for x in 1; do p OLD; done", "! p OLD", "p OLD | cat", 'p a\'b\'"OLD"', "p OLD'b'",
]  # fmt: skip
NOISE = [
    "# it's", ': "\'"', ': \'"\'', ': \\"', 'cat <<E >/dev/null\nit\'s "\nE', ": ${X:-a}", ': `: "a"`', ": $(: ')')",
    ":;", ': "$(: "\'")"', "X=a", ": a#b'c'", ": $((2 * (3 + 4)))", "if :; then :; fi",
]  # fmt: skip
PRELUDE = "p() { for each; do printf '%s\\n' \"$each\"; done; }\n"


# Not made smaller where it fails: each attempt would start two shells.
@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(st.tuples(PRINTED, st.sampled_from(COMMANDS), st.sampled_from(NOISE)), min_size=12, max_size=24))
def test_shells_take_each_value_as_it_is(drawn: list[tuple[str, str, str]]) -> None:
    """Every value at once in one script: what it prints is what it printed before, with the values in it."""
    before, after = [PRELUDE], [PRELUDE]
    values: dict[str, str] = {}
    for number, (new, command, noise) in enumerate(drawn):
        marker = f"OLD{number}Q"
        line = command.replace("OLD2", "other").replace("OLD", marker)
        assume("\n\n" not in new)
        text = f"{noise}\n{line}\n"
        try:
            changed = put(text, new, "a.sh", marker)
        except CannotHold:
            assert line.startswith(("p a", f"p {marker}'b'"))  # more than the value stands in its word
            changed = put(text, "safe1", "a.sh", marker)
        before.append(text)
        after.append(changed)
        values[marker] = new if changed != put(text, "safe1", "a.sh", marker) else "safe1"
    scripts = "".join([*before, ":"]), "".join([*after, ":"])
    for shell in ("bash", "dash"):
        wanted = run_shell(shell, scripts[0])
        for marker, new in values.items():
            wanted = wanted.replace(marker, new)
        assert run_shell(shell, scripts[1]) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "sh -c 'X=OLD'", "bash -ec OLD", "eval OLD", "echo OLD", "echo 'OLD'", "sed s/a/OLD/", "trap OLD EXIT",
        "printf OLD", "ssh a OLD", "printf '%s\\n' a; printf 'OLD'", "cat <<E\nOLD\nE", "cat <<'E'\n'OLD'\nE",
        "# 'OLD'", "x=`p OLD`", "p $'OLD'", 'p "${X:-OLD}"', "p $((OLD))", "p a*OLD", 'p "$X/OLD"',
        "curl -d 'a=OLD' b", 'p \'{"a":"OLD"}\'', 'p "Bearer OLD"', "grep OLD a", "X=OLD*", "p 'OLD",
        'p "$(case a in b) p OLD;; esac)"', "p ${X:-'a}'} OLD", "(( OLD ))", "cat <<E\np 'OLD'", "su -c OLD",
        "X+=(a)$OLD", "p \"$(case a in b) p \" 'OLD' \";; esac)\"",
    ],
)  # fmt: skip
def test_what_a_shell_reads_otherwise_takes_only_what_nobody_touches(text: str) -> None:
    assert put(text, "safe1", "a.sh") == text.replace("OLD", "safe1")
    for new in ("$(id)", "a b", "`id`", "a'b", "a\\nb", 'a"b'):
        with pytest.raises(CannotHold):
            put(text, new, "a.sh")


def test_the_kubelet_finds_nothing_to_expand() -> None:
    for text in ("p OLD", "p 'OLD'", 'p "OLD"'):
        for new in ("a$$b", "$(HOME)", "a$(HOME)", "it's $$(HOME)", "$", "$$", "(a"):
            after = put(text, new, SCRIPT)
            assert "$$" not in after
            assert "$(" not in after
            assert run_shell("dash", f'p() {{ printf %s "$1"; }}\n{after}\n') == new


def test_what_stands_within_a_word_is_quoted_twice() -> None:
    new = 'it\'s a/b@c $d "e" \\'
    sql = put("psql -c \"ALTER ROLE a PASSWORD 'OLD'\"\n", new, "a.sh")
    assert run_shell("bash", sql.replace("psql -c", "printf %s")) == f"ALTER ROLE a PASSWORD '{new}'".replace(
        "it's", "it''s"
    )
    url = run_shell("dash", put('printf %s "postgres://a:OLD@h/db"\n', new, "a.sh"))
    assert unquote(url) == f"postgres://a:{new}@h/db"
    info = run_shell("dash", put('printf %s "host=h password=OLD user=a"\n', new, "a.sh"))
    assert conninfo_to_dict(info) == {"host": "h", "password": new, "user": "a"}


def test_here_documents_are_what_they_were_before() -> None:
    text = "psql <<EOF\nALTER ROLE a PASSWORD 'OLD';\nEOF\ncurl postgres://a:URL@h <<EOF\nb://c:URL2@d\nEOF\n"
    assert "PASSWORD 'safe1'" in put(text, "safe1", "a.sh")
    assert "a:a%40b@h" in put(text, "a@b", "a.sh", "URL@".removesuffix("@"))
    assert "c:a%40b@d" in put(text, "a@b", "a.sh", "URL2")
    with pytest.raises(CannotHold):
        put(text, "it's", "a.sh")


def test_a_containers_script_is_known_by_the_shell_before_it() -> None:
    text = """
containers:
- name: a
  command: [sh, -ec]
  args: ["A=1", b]
- name: b
  command: [/bin/bash, -c, "B=1"]
- name: c
  command: [redis-server, "--requirepass", c]
- name: d
  args: [sh, script]
- name: e
  command: [psql, -c, "e"]
command: top
"""
    (document,) = parse(text)
    assert isinstance(document, Document)
    scripts = [leaf.value for path, leaf in walk(document.root) if is_script(document.root, path)]
    assert scripts == ["A=1", "B=1"]
