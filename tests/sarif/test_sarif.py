"""SARIF as code scanning takes it in: valid by its own schema, places from the sources' top, no value in it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from scripts.runs import Run, run

from wizard import rules

SCHEMA = json.loads(Path(__file__).with_name("sarif-2.1.0.json").read_text("utf-8"))
FAULTY = """\
kind: Secret
apiVersion: v1
metadata: {name: db, namespace: shop}
stringData:
  password: minioadmin
  token: ''
  host: db.example.com  # matrix-wizard: ignore placeholder-left the sandbox's own
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with a tree in a directory of it, whose name has a blank."""
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    (tmp_path / "k8s/my app").mkdir(parents=True)
    (tmp_path / "k8s/my app/db.yaml").write_text(FAULTY)
    return tmp_path


def log(*argv: str, code: int = 1) -> dict[str, Any]:
    """Return the one run of a log that the schema accepts."""
    done: Run = run("check", "--sarif", *argv)
    assert done.code == code, done.err
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert [error.message for error in validator.iter_errors(done.data)] == []
    [made] = done.data["runs"]
    return dict(made)


def uri(result: dict[str, Any]) -> str:
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
    return f"{place['artifactLocation']['uri']}:{place['region']['startLine']}:{place['region']['startColumn']}"


@pytest.mark.usefixtures("repository")
def test_results_lead_to_their_lines_from_the_top_of_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    made = log("--tree", "k8s")
    told = {each["ruleId"]: each for each in made["results"]}
    assert uri(told["weak-default"]) == "k8s/my%20app/db.yaml:5:13"
    assert (told["weak-default"]["level"], told["secret-empty"]["level"]) == ("error", "warning")
    monkeypatch.chdir("k8s/my app")
    assert [uri(each) for each in log("--tree", "..")["results"]] == [uri(each) for each in made["results"]]


@pytest.mark.usefixtures("repository")
def test_each_result_has_its_rule_and_the_rule_its_help() -> None:
    made = log("--tree", "k8s")
    listed = made["tool"]["driver"]["rules"]
    assert [each["id"] for each in listed] == [*rules.BY_ID]
    for result in made["results"]:
        assert listed[result["ruleIndex"]]["id"] == result["ruleId"]
    for each in listed:
        assert each["help"]["text"].startswith(rules.BY_ID[each["id"]].why)
        assert "helpUri" not in each


@pytest.mark.usefixtures("repository")
def test_what_is_ignored_is_suppressed_with_its_reason(tmp_path: Path) -> None:
    told = {each["ruleId"]: each["suppressions"] for each in log("--tree", "k8s")["results"]}
    assert told["placeholder-left"] == [
        {"kind": "inSource", "status": "accepted", "justification": "the sandbox's own"}
    ]
    assert told["weak-default"] == []
    (tmp_path / "k8s/.matrix-wizard").mkdir()
    (tmp_path / "k8s/.matrix-wizard/ignore").write_text("weak-default my* never deployed\n")
    told = {each["ruleId"]: each["suppressions"] for each in log("--tree", "k8s", code=0)["results"]}
    assert told["weak-default"] == [{"kind": "external", "status": "accepted", "justification": "never deployed"}]
    assert run("check", "--tree", "k8s", "--write-baseline", "known.json").code == 0
    known = {
        each["ruleId"]: each["suppressions"]
        for each in log("--tree", "k8s", "--baseline", "known.json", code=0)["results"]
    }
    assert known["secret-empty"][0]["justification"] == "It stands in the baseline known.json."


def test_fingerprints_stay_when_lines_move_and_do_not_tell_the_value(repository: Path) -> None:
    file = repository / "k8s/my app/db.yaml"

    def prints() -> list[str]:
        return sorted(
            each["partialFingerprints"]["primaryLocationLineHash"] for each in log("--tree", "k8s")["results"]
        )

    before = prints()
    file.write_text("# moved\n\n" + FAULTY.replace("minioadmin", "postgres"))
    assert prints() == before
    file.write_text(FAULTY + "  other-password: minioadmin\n")
    assert len(set(prints()) - set(before)) == 1
    file.write_text(f"{FAULTY}---\n{FAULTY}")
    twice = prints()
    assert len(set(twice)) == len(twice), "two of a kind are two results"


@pytest.mark.usefixtures("repository")
def test_a_threshold_holds_here_too() -> None:
    told = [each["ruleId"] for each in log("--tree", "k8s", "--severity", "error")["results"]]
    assert "secret-empty" not in told
    assert "weak-default" in told
    assert run("check", "--tree", "k8s", "--sarif", "--json").code == 2
