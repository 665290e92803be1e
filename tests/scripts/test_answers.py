"""``answers`` gives back the answers of the runs before as a file, and that file gives the same again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from wizard import commands
from wizard.answers import Answers

from .conftest import RANGES, Filled, new_deployment
from .runs import Deployment, run
from .small import MINIMUM, SMTP, LayOut, secret, succeed
from .test_masking import leaks, secrets
from .test_output import command, options, shell


def test_the_same_again_changes_no_byte(full: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment, before = full.deployment, full.deployment.everything()
    monkeypatch.chdir(deployment.answers.parent)
    assert deployment.run("answers", "--out", "again.yaml").text == ""
    assert Path("again.yaml").stat().st_mode & 0o777 == 0o600
    again = deployment.run("setup", "--answers", "again.yaml", "--no-input", "--yes")
    assert again.code == 0, again.err
    assert "No byte was changed" in again.out
    assert deployment.everything() == before


def test_a_tree_elsewhere_gets_the_same_answers(full: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The paths of {file:} count from where the command was given."""
    monkeypatch.chdir(full.deployment.answers.parent)
    sheet = tmp_path / "sheet.yaml"
    assert full.deployment.run("answers", "--out", str(sheet)).code == 0
    new = new_deployment(tmp_path / "new", full.deployment.answers.parent, full.tree, "")
    done = new.run("setup", "--answers", str(sheet), "--no-input", "--yes")
    assert done.code == 0, done.err
    values = new.values()
    assert values.keys() == full.values.keys()
    assert {name for name in values if values[name] != full.values[name]} <= full.hidden
    assert values["li-allowed-cidrs"] == full.values["li-allowed-cidrs"]
    written = tmp_path / "again.yaml"
    assert new.run("answers", "--out", str(written)).code == 0
    assert written.read_text("utf-8") == sheet.read_text("utf-8")


def test_no_secret_is_in_the_file(full: Filled) -> None:
    shown = full.deployment.run("answers")
    assert shown.code == 0, shown.err
    kept = [(name, piece) for name, piece in secrets(full) if name != "li-allowed-cidrs"]  # an answer, not a secret
    assert leaks(shown, kept) == []
    assert yaml.safe_load(shown.out)["lawful_intercept"]["allowed_cidrs"] == RANGES


def test_it_writes_nothing_else_and_leaves_a_file_that_exists(one: Filled) -> None:
    before, times = one.deployment.everything(), one.deployment.times()
    old = one.deployment.home / "old.yaml"
    old.write_text("theirs\n")
    refused = one.deployment.run("answers", "--out", str(old))
    assert (refused.code, refused.out) == (2, "")
    assert str(old) in refused.err
    assert old.read_text() == "theirs\n"
    assert one.deployment.run("answers", "--json").out == one.deployment.run("answers").out
    assert (one.deployment.everything(), one.deployment.times()) == (before, times)


def test_without_a_vault_there_are_no_answers(empty: Callable[..., Deployment], tmp_path: Path) -> None:
    fresh = empty("checklist").run("answers")
    assert (fresh.code, fresh.out) == (2, "")
    assert "nothing was filled in here yet" in fresh.err
    assert run("answers", "--tree", str(tmp_path / "none")).code == 2


def test_a_secret_that_was_typed_is_kept_by_the_vault_alone(lay_out: LayOut, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the interview records it: without a source, so that the file has only a comment for it."""
    tree = secret("synapse-secrets", SMTP_PASSWORD="CHANGEME_SMTP_PASSWORD", GRAFANA="CHANGEME_GRAFANA_ADMIN_PASSWORD")
    deployment = lay_out(
        tree, f"{MINIMUM}{SMTP}placeholders: {{CHANGEME_GRAFANA_ADMIN_PASSWORD: {{file: given.txt}}}}\n"
    )
    succeed(deployment.setup())
    out = deployment.answers.with_name("again.yaml")
    monkeypatch.chdir(out.parent)
    assert deployment.run("answers", "--out", "again.yaml").code == 0
    text = out.read_text("utf-8")
    assert '  password: {file: "given.txt"}' in text
    text = text.replace('password: {file: "given.txt"}', "# password: {env: SMTP_PASSWORD}")
    text = text.replace('  "CHANGEME_GRAFANA', '  # "CHANGEME_GRAFANA')
    out.write_text(text.replace("\nplaceholders:", "\n# placeholders:"), "utf-8")
    before = deployment.everything()
    assert "No byte was changed" in deployment.run("setup", "--answers", str(out), "--no-input", "--yes").out
    assert deployment.everything() == before


def test_paths_count_from_where_the_new_file_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, away, home = tmp_path / "here", tmp_path / "away", tmp_path / "home"
    for directory in (here, away, home):
        directory.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(home))
    wanted = {
        "key.txt": {away: "../here/key.txt", here: "key.txt"},
        "~/key.txt": dict.fromkeys((away, here), str(home / "key.txt")),
        "~no-such-user/key.txt": dict.fromkeys((away, here), "~no-such-user/key.txt"),
        "./~key.txt": {away: "../here/~key.txt", here: "./~key.txt"},
        "/etc/key.txt": dict.fromkeys((away, here), "/etc/key.txt"),
    }
    for path, places in wanted.items():
        given = Answers().with_answer("livekit.api_key", None, ("file", path))
        for directory, stands in places.items():
            out = directory / "answers.yaml"
            commands.write_answers(given, out)
            assert yaml.safe_load(out.read_text("utf-8")) == {"livekit": {"api_key": {"file": stands}}}
            out.unlink()


MAIL = secret("synapse-secrets", SMTP_PASSWORD="CHANGEME_SMTP_PASSWORD")


@pytest.mark.parametrize("name", ["given.txt", "~given.txt", "../key files/given.txt"])
@pytest.mark.parametrize("here", [".", "answers", "tree", "elsewhere"])
def test_a_file_that_an_answer_came_from_is_found_again_from_anywhere(
    lay_out: LayOut, name: str, here: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when tree and answers were moved together: the vault goes with them."""
    smtp = SMTP.replace("given.txt", f'"{name}"')
    deployment = lay_out(MAIL, f"{MINIMUM}{smtp}")
    place = deployment.answers.parent / name
    place.parent.mkdir(exist_ok=True)
    place.write_text("hunter-of-mail")
    (deployment.home / "elsewhere").mkdir()
    monkeypatch.chdir(deployment.home / here)
    succeed(deployment.setup())
    before = deployment.everything()
    for out in (Path("again.yaml"), deployment.answers.with_name("again.yaml")):
        assert deployment.run("answers", "--out", str(out)).code == 0
        again = deployment.run("setup", "--answers", str(out), "--no-input", "--yes")
        assert "No byte was changed" in again.out, again.err
        out.unlink()
    Path("shown.yaml").write_text(deployment.run("answers").out, "utf-8")
    assert "No byte was changed" in deployment.run("setup", "--answers", "shown.yaml", "--no-input", "--yes").out
    Path("shown.yaml").unlink()
    assert deployment.everything() == before

    monkeypatch.chdir(tmp_path)
    moved = Deployment(deployment.home.rename(tmp_path / "moved"))
    found = yaml.safe_load(moved.run("answers").out)["smtp"]["password"]["file"]
    assert Path(found).read_text() == "hunter-of-mail"


def test_a_terminal_that_cannot_show_an_answer_is_told_where_to_write_it(lay_out: LayOut) -> None:
    deployment = lay_out(secret("coturn-secrets", TURN_SECRET="CHANGEME", GRAFANA="CHANGEME_GRAFANA_TITLE"),
                         f"{MINIMUM}placeholders: {{CHANGEME_GRAFANA_TITLE: {{value: \u2713 title}}}}\n")  # fmt: skip
    succeed(deployment.setup())
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    refused = shell(command("answers", *options(deployment)), **plain)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--out FILE" in refused.stderr
    shown = shell(command("answers", *options(deployment)), PYTHONUTF8="1")
    assert yaml.safe_load(shown.stdout)["placeholders"] == {"CHANGEME_GRAFANA_TITLE": {"value": "\u2713 title"}}
