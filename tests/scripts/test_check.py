"""check and explain as they are asked and as they answer, through the program's own door."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pexpect
import pytest

from wizard import rules

from .runs import Run, run

WEAK = """\
kind: Secret
apiVersion: v1
metadata: {name: db, namespace: shop}
stringData:
  password: minioadmin
  host: db.example.com
"""
BROKEN = "kind: Secret\nstringData: [\n"
EMPTY = "kind: Secret\napiVersion: v1\nmetadata: {name: s}\nstringData:\n  password: ''\n"

Tree = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    def made(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / "tree" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "tree"

    return made


def check(root: Path, *argv: str) -> Run:
    return run("check", "--tree", str(root), *argv)


def test_people_are_told_by_groups_with_what_is_shared_told_once(tree: Tree) -> None:
    done = check(tree({"a.yaml": WEAK, "b.yaml": WEAK, "c.yaml": EMPTY, "d.yaml": BROKEN, "e.yaml": WEAK}))
    lines = done.out.splitlines()
    titles = [line for line in lines if line in rules.TITLES.values()]
    assert titles == [rules.TITLES["left"], rules.TITLES["well formed"]]
    weak = [line for line in lines if "[weak-default]" in line]
    assert [line.partition(" ")[0] for line in weak] == ["a.yaml:5:13:", "b.yaml:5:13:", "e.yaml:5:13:"]
    assert done.out.count(f"    why: {rules.BY_ID['weak-default'].why}") == 1
    assert done.out.count("    fix: Put a placeholder there, and run: ") == 3, "another stands between each two"
    assert lines[-1] == "not ready: 7 errors, 1 warning."
    assert done.code == 1


def test_the_findings_of_machines_are_those_of_people_in_the_order_of_places(tree: Tree) -> None:
    root = tree({"b/a.yaml": WEAK, "a.yaml": EMPTY, "c.yaml": BROKEN})
    found = check(root, "--json").data
    assert found["schema"] == 1
    assert (found["ready"], found["errors"], found["warnings"]) == (False, 3, 1)
    assert {tuple(each) for each in found["findings"]} == {
        ("id", "severity", "file", "line", "column", "message", "fix")
    }
    places = [(each["file"], each["line"], each["column"]) for each in found["findings"]]
    assert places == sorted(places)
    told = re.findall(r"^(\S+):(\d+):(\d+): (\w+) \[([\w-]+)\] (.*)$", check(root).out, re.MULTILINE)
    assert sorted(told) == sorted(
        (each["file"], str(each["line"]), str(each["column"]), each["severity"], each["id"], each["message"])
        for each in found["findings"]
    )


def test_a_threshold_says_what_is_shown_and_what_fails(tree: Tree) -> None:
    root = tree({"a.yaml": EMPTY})
    assert check(root).code == 0
    assert "ready: 0 errors, 1 warning." in check(root).out
    assert check(root, "--json").data["ready"] is True
    strict = check(root, "--strict", "--json")
    assert (strict.code, strict.data["ready"]) == (1, False)
    errors = check(root, "--severity", "error")
    assert (errors.code, "secret-empty" in errors.out) == (0, False)
    assert errors.out.endswith("ready: 0 errors, 1 warning.\n")
    assert check(root, "--severity", "error", "--json").data["findings"] == []
    refused = check(root, "--strict", "--severity", "error")
    assert refused.code == 2
    assert "--strict" in refused.err


def test_quiet_leaves_the_findings_alone(tree: Tree) -> None:
    done = check(tree({"a.yaml": WEAK}), "--quiet")
    assert all(re.match(r"a\.yaml:\d+:\d+: error \[", line) for line in done.out.splitlines())
    assert len(done.out.splitlines()) == 2


def test_one_broken_document_is_one_finding_and_the_rest_is_checked(tree: Tree) -> None:
    found = check(tree({"a.yaml": f"{WEAK}---\nkind: [\n---\n{EMPTY}"}), "--json").data["findings"]
    assert [(each["id"], each["line"]) for each in found] == [
        ("weak-default", 5),
        ("placeholder-left", 6),
        ("unparseable", 9),
        ("secret-empty", 14),
    ]


def test_a_tree_that_does_not_exist_is_named(tmp_path: Path) -> None:
    done = check(tmp_path / "no-such")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"{tmp_path}/no-such: There is no tree at {tmp_path}/no-such.\n    Name it with --tree")


def test_a_terminal_of_80_columns_without_colours_or_letters_of_any_language(tree: Tree) -> None:
    """What a terminal shows: no line is cut, and under LC_ALL=C each character is ASCII."""
    root = tree({"a.yaml": WEAK, "li/ingress.yaml": _LI})
    environment = {**os.environ, "LC_ALL": "C", "NO_COLOR": "1", "COLUMNS": "80"}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "wizard", "check", "--tree", "tree"],
        env=environment,
        cwd=root.parent,
        dimensions=(40, 80),
    )
    child.expect(pexpect.EOF)
    shown = child.before.decode("ascii").splitlines()
    assert max(map(len, shown)) <= 80
    assert "\x1b" not in "".join(shown)
    assert "fix: " in "".join(shown)


_LI = """\
kind: Ingress
apiVersion: networking.k8s.io/v1
metadata: {name: synapse-li, namespace: matrix-li, labels: {matrix-instance: li}}
spec:
  ingressClassName: nginx
  rules: [{host: matrix-li.chat-corp.net}]
"""


def test_every_rule_is_explained() -> None:
    listed = run("explain")
    assert listed.code == 0
    for rule in rules.RULES:
        assert f"  {rule.id} " in listed.out
        told = run("explain", rule.id)
        assert told.code == 0
        assert told.out.startswith(f"{rule.id}: {rule.title}\n")
        parts = (rule.severity, rules.TITLES[rule.group], rule.why, rule.story, f"Source: {rule.source}")
        for part in parts:  # a command in it is told as it can be typed here
            assert all(words in told.out for words in re.split("matrix-wizard", part)), rule.id
    assert [each["id"] for each in run("explain", "--json").data["rules"]] == list(rules.BY_ID)
    [one] = run("explain", "li-open", "--json").data["rules"]
    assert one["story"] == rules.BY_ID["li-open"].story


def test_an_unknown_rule_is_told_with_what_may_be_meant() -> None:
    done = run("explain", "placeholders-left")
    assert (done.code, done.out) == (2, "")
    assert done.err == "There is no rule called placeholders-left.\n    Did you mean placeholder-left?\n"
    assert re.search(r"To see them all: \S+ explain\n$", run("explain", "zzz").err)


def test_explain_reads_no_tree(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wizard", "explain", "li-open", "--json"],
        check=True, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert json.loads(done.stdout)["rules"][0]["id"] == "li-open"
    assert list(tmp_path.iterdir()) == []


IGNORING = """\
kind: Secret
apiVersion: v1
metadata: {name: db, namespace: shop}
stringData:
  # matrix-wizard: ignore weak-default gone each night
  # matrix-wizard: ignore secret-empty of no use here
  password: minioadmin
  token: ''  # matrix-wizard: ignore secret-empty nobody asks for it
  other-password: postgres
  api-token: ''
"""


def test_a_comment_ignores_its_line_or_the_next_and_nothing_else(tree: Tree) -> None:
    found = check(tree({"a.yaml": IGNORING}), "--json").data
    assert [(each["id"], each["line"]) for each in found["findings"]] == [
        ("ignore-unused", 6),
        ("weak-default", 9),
        ("secret-empty", 10),
    ]
    assert [(each["id"], each["line"], each["reason"], each["where"]) for each in found["ignored"]] == [
        ("weak-default", 7, "gone each night", "a.yaml:5:3"),
        ("secret-empty", 8, "nobody asks for it", "a.yaml:8:14"),
    ]


def test_what_is_ignored_is_counted_and_shown_with_its_reason_when_asked_for(tree: Tree) -> None:
    root = tree({"a.yaml": IGNORING, ".matrix-wizard/ignore": "# why\n\nweak-default  *.yaml  never  deployed\n"})
    done = check(root)
    assert done.code == 0
    assert done.out.endswith("ready: 0 errors, 2 warnings, 3 ignored.\n")
    assert "never" not in done.out
    assert "Errors are ignored (the reasons: --show-ignored): weak-default\n" in done.out
    shown = check(root, "--show-ignored").out
    assert "a.yaml:9:19: error [weak-default]" in shown
    assert "    ignored by .matrix-wizard/ignore:3:1: never  deployed\n" in shown


def test_a_line_ends_at_a_line_feed_and_at_no_other_separator(tree: Tree) -> None:
    text = f'{WEAK}  note: "a\u2028b\u0085c"\n  # matrix-wizard: ignore weak-default known\n  password: password1\n'
    found = check(tree({"a.yaml": text}), "--json").data
    [ignored] = found["ignored"]
    assert ignored["line"] == text.split("\n").index("  password: password1") + 1
    assert ignored["where"] == f"a.yaml:{ignored['line'] - 1}:3"


@pytest.mark.parametrize("rule", ["audit-log", "vault-lost", "vault-damaged"])
def test_what_is_wrong_with_the_vault_can_not_be_ignored(tree: Tree, rule: str) -> None:
    done = check(tree({"a.yaml": WEAK, ".matrix-wizard/ignore": f"{rule} * we know\n"}))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f".matrix-wizard/ignore:1:1: {rule} can not be ignored.")


def test_a_list_ignores_files_by_their_paths_and_prose_ignores_nothing(tree: Tree) -> None:
    files = {"apps/x/a.yaml": WEAK, "b.yaml": WEAK, "README.md": "Write # matrix-wizard: ignore RULE why\n"}
    root = tree({**files, ".matrix-wizard/ignore": "weak-default apps/* x\nplaceholder-left *a.yaml y\nli-open * z\n"})
    found = check(root, "--json").data
    assert {each["file"] for each in found["ignored"]} == {"apps/x/a.yaml"}
    assert [each["id"] for each in found["findings"] if each["file"] == "b.yaml"] == [
        "weak-default",
        "placeholder-left",
    ]
    [unused] = [each for each in found["findings"] if each["id"] == "ignore-unused"]
    assert (unused["file"], unused["line"]) == (".matrix-wizard/ignore", 3)


def test_every_wrong_ignore_is_told_at_once_with_what_to_write(tree: Tree) -> None:
    wrong = WEAK.replace("minioadmin", "minioadmin  # matrix-wizard: ignore weak-defualt sandbox")
    wrong += "  # matrix-wizard: ignore weak-default\n  # matrix-wizard: ignore\n"
    done = check(tree({"a.yaml": wrong, ".matrix-wizard/ignore": "audit-log * mine\nli-open\n"}))
    assert (done.code, done.out) == (2, "")
    assert re.sub(r"\S+ explain", "matrix-wizard explain", done.err).splitlines() == [
        "a.yaml:5:25: There is no rule called weak-defualt.",
        "    Did you mean weak-default?",
        "a.yaml:7:3: This ignore of weak-default gives no reason.",
        "    Write: # matrix-wizard: ignore weak-default REASON",
        "a.yaml:8:3: This ignore names no rule.",
        "    Write: # matrix-wizard: ignore RULE REASON",
        ".matrix-wizard/ignore:1:1: audit-log can not be ignored.",
        "    What it means: matrix-wizard explain audit-log",
        ".matrix-wizard/ignore:2:1: This ignore of li-open gives no reason.",
        "    Write: li-open PATH REASON",
        "5 problems, all shown.",
    ]


def test_a_baseline_lets_what_was_there_pass_and_nothing_more(tree: Tree, tmp_path: Path) -> None:
    root, known = tree({"a.yaml": WEAK, "b.yaml": EMPTY}), str(tmp_path / "known.json")
    assert check(root).code == 1
    assert check(root, "--write-baseline", known).code == 0
    assert "minioadmin" not in Path(known).read_text()
    tree({"a.yaml": f"# moved\n{WEAK}"})
    again = check(root, "--baseline", known, "--strict")
    assert (again.code, again.out) == (0, "ready: 0 errors, 0 warnings, 3 in the baseline.\n")
    tree({"a.yaml": f"{WEAK}---\n{WEAK}"})
    more = check(root, "--baseline", known, "--json")
    assert more.code == 1
    assert [each["id"] for each in more.data["findings"]] == ["weak-default", "placeholder-left"], (
        "as many as there were"
    )
    assert len(more.data["baseline"]["known"]) == 3


def test_a_new_fault_is_not_taken_for_one_that_was_mended_when_only_a_digit_parts_them(
    tree: Tree, tmp_path: Path
) -> None:
    root, known = tree({"a.yaml": "kind: Secret\nstringData: {db1_password: password1}\n"}), str(tmp_path / "k.json")
    assert check(root, "--write-baseline", known).code == 0
    assert check(root, "--baseline", known).code == 0
    tree({"a.yaml": "kind: Secret\nstringData: {db2_password: password1}\n"})
    assert check(root, "--baseline", known).code == 1


def test_what_a_baseline_has_and_the_tree_no_more_is_told(tree: Tree, tmp_path: Path) -> None:
    root, known = tree({"a.yaml": WEAK, "b.yaml": EMPTY}), str(tmp_path / "known.json")
    check(root, "--write-baseline", known)
    tree({"a.yaml": "kind: Secret\n"})
    done = check(root, "--baseline", known)
    assert done.code == 0
    assert "The baseline has 2 findings that are there no more:\n  a.yaml: [placeholder-left]" in done.out
    gone = check(root, "--baseline", known, "--json").data["baseline"]["gone"]
    assert [(each["id"], each["count"]) for each in gone] == [("placeholder-left", 1), ("weak-default", 1)]
    check(root, "--write-baseline", known)
    assert "no more" not in check(root, "--baseline", known).out, "a baseline is written over a baseline"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "known.json:1:2: This is no baseline: it is not JSON"),
        ('{"schema": 3, "findings": []}', "known.json: This is no baseline of check, or one of another version."),
        ('{"schema": 2, "findings": [{"id": "a"}]}', "known.json: This is no baseline of check"),
        ("[]", "known.json: This is no baseline of check"),
        ("[" * 100_000, "known.json: This is no baseline of check"),
        (None, "known.json: There is no such baseline."),
    ],
    ids=["not JSON", "a later one", "an entry", "a list", "a deep one", "missing"],
)
def test_what_is_no_baseline_is_told_and_never_overwritten(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, told: str
) -> None:
    tree({"a.yaml": WEAK})
    monkeypatch.chdir(tmp_path)
    if text is not None:
        Path("known.json").write_text(text)
    done = check(Path("tree"), "--baseline", "known.json")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(told)
    if text is not None:
        assert check(Path("tree"), "--write-baseline", "known.json").code == 2
        assert Path("known.json").read_text() == text
    assert check(Path("tree"), "--write-baseline", "no/such/dir.json").code == 2
    assert check(Path("tree"), "--write-baseline", "a.json", "--baseline", "b.json").code == 2
