"""A tree in a git work tree: what a commit would publish is told, and a guard refuses it. Real git, real commits."""

from __future__ import annotations

import base64
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Filled
from .runs import Deployment, Run, run
from .small import MINIMUM as SMALL
from .small import SMTP, LayOut, config, secret, succeed

MAIL = "email:\n  smtp_host: CHANGEME_SMTP_HOST\n  smtp_pass: CHANGEME_SMTP_PASSWORD"
TREE = {
    "main.yaml": secret("synapse-secrets", REDIS_PASSWORD="CHANGEME_REDIS_PASSWORD", TURN="CHANGEME_TURN_SECRET"),
    "deep/redis.yaml": secret("redis-secret", password="CHANGEME_REDIS_PASSWORD"),
    "mail.yaml": config(
        "synapse-config", "email:\n  smtp_host: CHANGEME_SMTP_HOST\n  smtp_pass: CHANGEME_SMTP_PASSWORD"
    ),
    "open.yaml": config("web", "host: matrix.example.com"),
}
EXPOSED = {
    "deep/redis.yaml": ["redis-password"],
    "mail.yaml": ["smtp-password"],
    "main.yaml": ["redis-password", "turn-secret"],
}
WAYS_OUT = (".gitignore", "git rm --cached", "vault guard", "--allow-tracked")


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run git as it comes, and with a name."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A. Person")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "person@chat-corp.net")


def git(at: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=at, capture_output=True, text=True, check=check)


@pytest.fixture
def tracked(lay_out: LayOut) -> Deployment:
    """Return a tree whose manifests are committed; the repository has a remote."""
    deployment = lay_out(TREE, SMALL + SMTP)
    begin(deployment, remote=True)
    return deployment


def begin(deployment: Deployment, *, remote: bool) -> None:
    git(deployment.home, "init", "-q")
    git(deployment.home, "add", "tree")
    git(deployment.home, "commit", "-qm", "The tree")
    if remote:
        git(deployment.home, "remote", "add", "origin", "https://git.chat-corp.net/tree.git")


def commit(deployment: Deployment, *words: str) -> subprocess.CompletedProcess[str]:
    git(deployment.home, "add", "-A", "tree")
    return git(deployment.home, "commit", "-m", "More", *words, check=False)


def in_clear(deployment: Deployment) -> dict[str, list[str]]:
    """Return by file which secrets stand in it, as a reader would see who knows them all."""
    secrets = {name: deployment.show(name) for name in deployment.masked_names() if "cidrs" not in name}
    texts = {name: max(text.splitlines()[:2], key=len).strip().encode() for name, text in secrets.items()}
    found: dict[str, list[str]] = {}
    for path, data in deployment.files().items():
        whole = data + b"".join(base64.b64decode(word) for word in data.split() if is_base64(word))
        names = [name for name, text in sorted(texts.items()) if text in whole]
        found |= {path: names} if names else {}
    return found


def is_base64(word: bytes) -> bool:
    try:
        return len(word) > 8 and bool(base64.b64decode(word, validate=True))
    except ValueError:
        return False


def test_without_a_question_files_that_git_tracks_are_filled_only_when_that_is_allowed(tracked: Deployment) -> None:
    before = tracked.everything()
    refused = tracked.setup()
    assert (refused.code, tracked.everything()) == (3, before)
    assert "publish 3 secrets" in refused.err
    assert all(way in refused.err for way in WAYS_OUT)
    assert not tracked.identity.exists()
    planned = tracked.plan("--json")
    assert (planned.code, planned.data["exposed"]) == (0, EXPOSED)
    listed = ", ".join(f"{tracked.tree}/{path}" for path in ("deep/redis.yaml", "mail.yaml", "main.yaml"))
    assert f"publish 3 secrets: git tracks {listed}." in tracked.plan().out
    allowed = tracked.setup("--allow-tracked")
    assert allowed.code == 0, allowed.err
    assert in_clear(tracked) == EXPOSED
    assert "publish 3 secrets" in tracked.setup().out


def test_without_a_remote_it_is_only_told(lay_out: LayOut) -> None:
    deployment = lay_out(TREE, SMALL + SMTP)
    begin(deployment, remote=False)
    done = deployment.setup()
    assert done.code == 0, done.err
    assert "publish 3 secrets" in done.err


def untracked(deployment: Deployment) -> None:
    git(deployment.home, "init", "-q")
    git(deployment.home, "remote", "add", "origin", "https://git.chat-corp.net/tree.git")


def ignored(deployment: Deployment) -> None:
    begin(deployment, remote=True)
    (deployment.tree / ".gitignore").write_text("/*\n!.gitignore\n")
    git(deployment.home, "rm", "-rq", "--cached", "tree")


@pytest.mark.parametrize("arrange", [lambda _: None, untracked, ignored], ids=["no-git", "untracked", "ignored"])
def test_nothing_is_said_where_no_commit_would_publish_anything(
    lay_out: LayOut, arrange: Callable[[Deployment], None]
) -> None:
    deployment = lay_out(TREE, SMALL + SMTP)
    arrange(deployment)
    done = deployment.setup("--json")
    assert done.code == 0, done.err
    assert done.data["exposed"] == {}
    assert "publish" not in done.err


def test_without_the_git_program_there_is_no_repository(tracked: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tracked.home))
    assert tracked.setup().code == 0
    guard = tracked.run("vault", "guard")
    assert (guard.code, "no git work tree" in guard.err) == (2, True)


def test_variables_that_lead_git_elsewhere_hide_nothing(tracked: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tracked.home / "other"
    other.mkdir()
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    refused = tracked.setup()
    assert (refused.code, "publish 3 secrets" in refused.err) == (3, True)


def test_git_is_not_made_to_run_what_a_repository_names(tracked: Deployment) -> None:
    script = tracked.home / "run-me"
    script.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(tracked.home / 'ran'))}\n")
    script.chmod(0o755)
    for setting in ("core.fsmonitor", "diff.external", "core.pager"):
        git(tracked.home, "config", setting, str(script))
    tracked.setup()
    succeed(tracked.run("vault", "guard"))
    succeed(tracked.run("vault", "guard", "--staged"))
    assert not (tracked.home / "ran").exists()


@pytest.fixture
def guarded(tracked: Deployment) -> Deployment:
    """Return the tree with a guard in place, filled."""
    done = tracked.run("vault", "guard")
    assert done.code == 0, done.err
    done = tracked.setup()
    assert done.code == 0, done.err
    assert "publish" not in done.err
    return tracked


def test_the_guard_refuses_a_commit_with_a_secret_and_lets_a_blank_one_pass(guarded: Deployment) -> None:
    refused = commit(guarded)
    assert refused.returncode == 1
    for place in ("main.yaml:5:", "main.yaml:6:", "deep/redis.yaml:5:", "mail.yaml:14:"):
        assert f"\ntree/{place}" in f"\n{refused.stderr}"
    assert "open.yaml" not in refused.stderr
    assert not any(text in refused.stdout + refused.stderr for text in guarded.values().values() if len(text) > 12)
    assert git(guarded.home, "log", "--oneline").stdout.count("\n") == 1
    assert guarded.blank().code == 0
    passed = commit(guarded)
    assert passed.returncode == 0, passed.stderr
    assert "vault.age" in git(guarded.home, "show", "--stat", "--name-only").stdout
    assert commit(guarded, "--allow-empty").returncode == 0


@pytest.mark.parametrize("words", [("-a",), ("tree/main.yaml",), ("--only", "tree/deep/redis.yaml")], ids="_".join)
def test_the_guard_looks_at_what_this_commit_takes(guarded: Deployment, words: tuple[str, ...]) -> None:
    """With paths git commits from an index of its own, which only the hook's environment names."""
    refused = git(guarded.home, "commit", "-m", "More", *words, check=False)
    assert refused.returncode == 1
    assert "in clear" in refused.stderr
    passed = git(guarded.home, "commit", "-m", "More", "tree/open.yaml", check=False)
    assert passed.returncode == 0, passed.stderr


def test_the_guard_looks_at_the_staged_bytes_and_not_at_the_files(guarded: Deployment) -> None:
    git(guarded.home, "add", "tree")
    assert guarded.blank().code == 0
    assert git(guarded.home, "commit", "-m", "More", check=False).returncode == 1
    git(guarded.home, "add", "tree")
    assert guarded.setup().code == 0
    assert git(guarded.home, "commit", "-m", "More", check=False).returncode == 0


def test_the_guard_works_from_below_and_in_a_second_work_tree(guarded: Deployment) -> None:
    git(guarded.home, "add", "tree")
    refused = git(guarded.tree / "deep", "commit", "-m", "More", check=False)
    assert refused.returncode == 1
    told = refused.stderr.splitlines()
    assert any(line.startswith("redis.yaml:5:") for line in told)
    assert any(line.startswith("../main.yaml:5:") for line in told), "as git names it from there"
    assert refused.stderr.count("Take every secret out: ") == 1
    assert any(line.endswith(" blank --tree ..") for line in told)
    second = guarded.home / "second"
    git(guarded.home, "worktree", "add", "-q", "-b", "second", str(second))
    for path, data in guarded.everything().items():
        (second / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (second / "tree" / path).write_bytes(data)
    git(second, "add", "tree")
    refused = git(second, "commit", "-m", "More", check=False)
    assert (refused.returncode, "redis.yaml:5" in refused.stderr) == (1, True)


def test_a_filled_object_in_another_file_is_found(guarded: Deployment) -> None:
    (guarded.tree / "moved.yaml").write_bytes((guarded.tree / "deep" / "redis.yaml").read_bytes())
    git(guarded.home, "add", "tree/moved.yaml")
    refused = git(guarded.home, "commit", "-m", "More", check=False)
    assert (refused.returncode, "moved.yaml:5" in refused.stderr) == (1, True)


def test_a_document_that_does_not_parse_passes_only_without_places(guarded: Deployment) -> None:
    file = guarded.tree / "main.yaml"
    file.write_bytes(file.read_bytes() + b"  - x: [\n")
    git(guarded.home, "add", "tree/main.yaml")
    refused = git(guarded.home, "commit", "-m", "More", check=False)
    assert (refused.returncode, "not valid YAML" in refused.stderr) == (1, True)
    git(guarded.home, "reset", "-q")
    (guarded.tree / "other.yaml").write_text("a: [\n")
    git(guarded.home, "add", "tree/other.yaml")
    assert git(guarded.home, "commit", "-m", "More", check=False).returncode == 0


def test_of_every_tree_the_guard_finds_each_file_with_a_secret_and_nothing_once_blank(filled: Filled) -> None:
    """Found by reading the files with all secrets in hand, which the guard has not."""
    deployment = filled.deployment
    begin(deployment, remote=False)
    git(deployment.home, "rm", "-rq", "--cached", "tree")
    git(deployment.home, "commit", "-qm", "Nothing")
    git(deployment.home, "add", "-A", "tree")
    found = deployment.run("vault", "guard", "--staged", "--json")
    assert found.code == 1, found.err
    places = {each["where"].split(":")[0].removeprefix(f"{deployment.tree}/") for each in found.data["staged"]}
    assert places >= in_clear(deployment).keys()
    assert deployment.blank().code == 0
    git(deployment.home, "add", "-A", "tree")
    clean = deployment.run("vault", "guard", "--staged", "--json")
    assert (clean.code, [each["where"] for each in clean.data["staged"]]) == (0, [])


def test_a_hook_that_is_there_is_left_alone_and_the_line_to_add_guards_as_well(tracked: Deployment) -> None:
    hook = tracked.home / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho mine\n")
    hook.chmod(0o755)
    refused = tracked.run("vault", "guard")
    assert (refused.code, hook.read_text()) == (3, "#!/bin/sh\necho mine\n")
    line = refused.err.partition("Add this line to it, above any exec or exit: ")[2].strip()
    hook.write_text(f"#!/bin/sh\n{line}\necho mine\n")
    assert tracked.setup().code == 0  # guarded now
    stopped = commit(tracked)
    assert (stopped.returncode, "in clear" in stopped.stderr, "mine" in stopped.stderr) == (1, True, False)
    assert tracked.blank().code == 0
    passed = commit(tracked)
    assert (passed.returncode, "mine" in passed.stdout + passed.stderr) == (0, True)
    hook.chmod(0o644)  # git runs no hook that may not be executed
    refused = tracked.setup()
    assert (refused.code, "publish 3 secrets" in refused.err) == (3, True)


def test_hooks_are_made_where_git_looks_for_them_but_not_outside(tracked: Deployment, tmp_path: Path) -> None:
    git(tracked.home, "config", "core.hooksPath", str(tmp_path / "everybody"))
    refused = tracked.run("vault", "guard")
    assert (refused.code, (tmp_path / "everybody").exists()) == (3, False)
    git(tracked.home, "config", "core.hooksPath", ".hooks")
    succeed(tracked.run("vault", "guard"))
    succeed(tracked.run("vault", "guard"))  # there already
    assert list((tracked.home / ".hooks").iterdir()) == [tracked.home / ".hooks" / "pre-commit"]
    succeed(tracked.setup())
    assert commit(tracked).returncode == 1


def test_a_dangling_link_for_a_hook_is_not_written_through(tracked: Deployment, tmp_path: Path) -> None:
    hook = tracked.home / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.symlink_to(tmp_path / "elsewhere")
    assert tracked.run("vault", "guard").code == 3
    assert not (tmp_path / "elsewhere").exists()


def test_where_nothing_was_filled_in_the_guard_lets_everything_pass(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "main.yaml").write_text(TREE["main.yaml"])
    git(tmp_path, "add", "main.yaml")
    assert run("vault", "guard", "--staged", "--tree", str(tmp_path)).code == 0


@pytest.fixture
def two(guarded: Deployment) -> Deployment:
    """Return a second tree in the repository of the guarded one, not filled yet; the first is blank and committed."""
    succeed(guarded.blank())
    second = guarded.home / "staging's tree"
    for path, text in TREE.items():
        (second / path).parent.mkdir(parents=True, exist_ok=True)
        (second / path).write_text(text)
    git(guarded.home, "add", "tree", second.name)
    git(guarded.home, "commit", "-qm", "Two trees")
    return guarded


def of_second(two: Deployment, *argv: str) -> Run:
    named = ("--tree", str(two.home / "staging's tree"), "--identity", str(two.home / "second.txt"))
    return run(*argv, *named)


def set_up_second(two: Deployment, *argv: str) -> Run:
    return of_second(two, "setup", "--answers", str(two.answers), "--no-input", "--yes", *argv)


def commit_all(two: Deployment) -> subprocess.CompletedProcess[str]:
    git(two.home, "add", "-A", "tree", "staging's tree")
    return git(two.home, "commit", "--allow-empty", "-m", "More", check=False)


def test_the_guard_of_one_tree_is_none_of_another(two: Deployment) -> None:
    refused = set_up_second(two)
    assert (refused.code, "publish 3 secrets" in refused.err) == (3, True)
    succeed(set_up_second(two, "--allow-tracked"))
    assert commit_all(two).returncode == 0, "nobody has guarded it"


def test_a_second_tree_is_guarded_by_the_same_hook_and_the_first_one_still_is(two: Deployment) -> None:
    succeed(of_second(two, "vault", "guard"))
    succeed(of_second(two, "vault", "guard"))  # there already
    succeed(set_up_second(two))
    refused = commit_all(two)
    assert (refused.returncode, "in clear" in refused.stderr) == (1, True)
    succeed(of_second(two, "blank", "--yes"))
    passed = commit_all(two)
    assert passed.returncode == 0, passed.stderr
    succeed(two.setup())
    refused = commit_all(two)
    assert (refused.returncode, "in clear" in refused.stderr) == (1, True)
    assert sorted(each.name for each in hook_of(two).parent.glob("pre-commit*")) == [
        "pre-commit",
        "pre-commit.sample",
    ]


def hook_of(deployment: Deployment) -> Path:
    return deployment.home / ".git" / "hooks" / "pre-commit"


def test_a_hook_that_was_made_for_one_tree_only_takes_up_a_second(two: Deployment) -> None:
    """Such a hook hands its process over to the first call: a line after that would never run."""
    hook = hook_of(two)
    *start, line = hook.read_text().splitlines()
    hook.write_text("\n".join([*start, f"exec {line.removesuffix(' || exit 1')}", ""]))
    assert two.run("vault", "guard").code == 0
    assert hook.read_text().splitlines()[-1].startswith("exec "), "the tree is guarded, and the hook left as it is"
    succeed(of_second(two, "vault", "guard"))
    succeed(two.setup())
    assert commit_all(two).returncode == 1
    succeed(two.blank())
    succeed(set_up_second(two))
    assert commit_all(two).returncode == 1
    succeed(of_second(two, "blank", "--yes"))
    assert commit_all(two).returncode == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda line: f"# {line}\ntrue\n",
        lambda line: f"exec true\n{line}\n",
        lambda line: f"exit 0\n{line}\n",
        lambda line: f"{line.removesuffix(' || exit 1')}\ntrue\n",
    ],
    ids=["comment", "after-exec", "after-exit", "its-code-is-lost"],
)
def test_a_line_that_stops_no_commit_is_no_guard(tracked: Deployment, change: Callable[[str], str]) -> None:
    succeed(tracked.run("vault", "guard"))
    hook = hook_of(tracked)
    hook.write_text(f"#!/bin/sh\n{change(hook.read_text().splitlines()[-1])}")
    before = hook.read_text()
    assert tracked.setup().code == 3
    succeed(tracked.setup("--allow-tracked"))
    assert (tracked.run("vault", "guard").code, hook.read_text()) == (3, before)
    assert commit(tracked).returncode == 0, "git agrees that this hook stops nothing"


def test_a_hook_of_ours_with_something_of_somebody_else_in_it_is_left_alone(two: Deployment) -> None:
    hook = hook_of(two)
    hook.write_text(f"{hook.read_text()}echo mine\n")
    before = hook.read_text()
    refused = of_second(two, "vault", "guard")
    assert (refused.code, hook.read_text()) == (3, before)
    assert "Add this line to it" in refused.err
    assert two.run("vault", "guard").code == 0


def test_a_guarded_tree_that_was_moved_stops_the_commit_until_its_new_place_is_guarded(guarded: Deployment) -> None:
    moved = guarded.home / "moved"
    guarded.tree.rename(moved)
    git(guarded.home, "add", "-A", "tree", "moved")
    refused = git(guarded.home, "commit", "-m", "Moved", check=False)
    assert refused.returncode == 1
    assert "The guarded tree tree is not there" in refused.stderr
    assert "vault guard --tree DIR" in refused.stderr
    assert not any(text in refused.stderr for text in ("in clear", "Traceback"))
    succeed(run("vault", "guard", "--tree", str(moved)))
    hook = Path(git(guarded.home, "rev-parse", "--git-path", "hooks/pre-commit").stdout.strip())
    lines = (guarded.home / hook).read_text().splitlines()
    (guarded.home / hook).write_text("\n".join(line for line in lines if "--tree tree " not in line) + "\n")
    refused = git(guarded.home, "commit", "-m", "Moved", check=False)
    assert (refused.returncode, "in clear" in refused.stderr) == (1, True)
    succeed(run("blank", "--yes", "--tree", str(moved), "--identity", str(guarded.identity)))
    git(guarded.home, "add", "-A", "moved")
    passed = git(guarded.home, "commit", "-m", "Moved", check=False)
    assert passed.returncode == 0, passed.stderr


def test_a_guarded_tree_whose_manifests_alone_were_moved_stops_the_commit(guarded: Deployment) -> None:
    (guarded.home / "moved").mkdir()
    for path in ("main.yaml", "mail.yaml", "open.yaml", "deep"):
        (guarded.tree / path).rename(guarded.home / "moved" / path)
    git(guarded.home, "add", "-A", "tree", "moved")
    refused = git(guarded.home, "commit", "-m", "Moved", check=False)
    assert (refused.returncode, "is not there" in refused.stderr) == (1, True)


def test_a_module_of_the_programs_name_in_the_repository_is_not_run(guarded: Deployment) -> None:
    (guarded.home / "wizard").mkdir()
    (guarded.home / "wizard" / "__init__.py").write_text("raise SystemExit(0)\n")
    refused = commit(guarded)
    assert (refused.returncode, "in clear" in refused.stderr) == (1, True)
