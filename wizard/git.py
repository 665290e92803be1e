"""git: which files it tracks, what is staged, and the hook that looks at each commit.

Where there is no git, no repository, or one that git itself does not trust, there is nothing that a commit could
publish. It is started by argument lists only; what git runs by configuration of its own (an fsmonitor) is off.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Collection, Sequence
from pathlib import Path

from wizard import host
from wizard.errors import Problem, RefusedError, UsageError

# What leads git to another repository or index than the one around the tree (git(1), "The Git Repository").
_REDIRECTING = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)
_INDEX = "GIT_INDEX_FILE"  # set by git for each pre-commit hook: the index of this very commit (githooks(5))
_MARK = "vault guard --staged"  # what a hook that guards the tree runs
_ABOUT = "# Refuses a commit whose staged files hold a secret of the tree (matrix-wizard vault guard)."


def tracked(root: Path, paths: Collection[str]) -> frozenset[str]:
    """Return those of *paths* (below the directory *root*, with `/`) that git tracks; none where there is no git."""
    return frozenset(_names(_git(root, "ls-files", "-z"))) & frozenset(paths)


def has_remote(root: Path) -> bool:
    """Tell whether the repository around *root* knows another one to push to."""
    return bool((_git(root, "remote") or b"").strip())


def is_guarded(root: Path) -> bool:
    """Tell whether a hook of the repository around *root* looks at each commit for secrets of a tree."""
    hook = _hook(root)
    return hook is not None and _text(hook) is not None and _MARK in str(_text(hook)) and host.may_run(hook)


def guard(root: Path, program: Sequence[str]) -> Path:
    """Make the pre-commit hook that has *program* look at each commit for secrets of the tree at *root*.

    Return the hook's path; one that guards already stays as it is. RefusedError for another hook, which is never
    overwritten, and for a directory of hooks outside the repository; UsageError where there is no repository."""
    hook, top = _hook(root), _path(root, "--show-toplevel")
    if hook is None or top is None:
        what = "This tree is in no git work tree, so that no commit can publish it."
        raise UsageError(Problem(what, str(root), "Call git init first, if it is to be one."))
    line = shlex.join([*program, *_MARK.split(), "--tree", root.resolve().relative_to(top.resolve()).as_posix()])
    if is_guarded(root):
        return hook
    if _text(hook) is not None or hook.is_symlink():
        what = "There is a pre-commit hook already, which is left as it is."
        raise RefusedError(Problem(what, str(hook), f"Add this line to it: {line} || exit 1"))
    if not any(
        hook.resolve().is_relative_to(each.resolve()) for each in (top, _path(root, "--git-common-dir")) if each
    ):
        what = "The hooks of this repository lie outside it, and others may share them (core.hooksPath)."
        raise RefusedError(Problem(what, str(hook), f"Have its pre-commit hook run: {line} || exit 1"))
    try:
        hook.parent.mkdir(parents=True, exist_ok=True)
        with hook.open("x", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"#!/bin/sh\n{_ABOUT}\nexec {line}\n")
        hook.chmod(0o755)
    except OSError as error:
        raise UsageError(Problem(f"The hook cannot be written: {error.strerror}.", str(hook))) from None
    return hook


def merge_by(root: Path, program: Sequence[str]) -> str:
    """Have git merge the files that ``.gitattributes`` marks by the command *program*, in the repository around *root*.

    Return the command as git will call it (gitattributes(5), "Defining a custom merge driver"). UsageError where there
    is no repository."""
    command = f"{shlex.join(program).replace('%', '%%')} %O %A %B %P"
    name = "what matrix-wizard keeps of a tree"
    if any(_git(root, "config", f"merge.matrix-wizard.{key}", text) is None for key, text in (
        ("name", name), ("driver", command),
    )):  # fmt: skip
        what = "This tree is in no git work tree, so that nothing is merged."
        raise UsageError(Problem(what, str(root), "Call git init first, if it is to be one."))
    return command


def staged(root: Path) -> dict[str, bytes]:
    """Return the files below *root* that the next commit changes or adds, by path, as they are staged.

    Within a hook that is the index of that commit, and the directory is where git runs the hook."""
    inside = host.environment(_INDEX) is not None
    at, clean = (Path(), False) if inside else (root, True)
    top = _path(at, "--show-toplevel", clean=clean)
    if top is None or not root.resolve().is_relative_to(top.resolve()):
        return {}
    below = root.resolve().relative_to(top.resolve()).as_posix()
    start = "" if below == "." else f"{below}/"
    options = ("--cached", "--name-only", "--no-renames", "--no-ext-diff", "--no-relative", "--diff-filter=ACMT", "-z")
    names = [each for each in _names(_git(at, "diff", *options, clean=clean)) if each.startswith(start)]
    blobs = {each: _git(at, "cat-file", "blob", f":{each}", clean=clean) for each in names}
    return {each.removeprefix(start): data for each, data in blobs.items() if data is not None}


def ignoring(text: bytes, paths: Collection[str]) -> bytes:
    """Return the text of a ``.gitignore`` beside the tree's *paths* that names each of them (gitignore(5))."""
    lines = text.decode("utf-8", "surrogateescape").splitlines()
    wanted = ["/" + "".join(f"\\{sign}" if sign in "\\*?[ " else sign for sign in path) for path in sorted(paths)]
    new = [line for line in wanted if line not in lines]
    start = text + (b"\n" if text and not text.endswith(b"\n") else b"")
    return start + "".join(f"{line}\n" for line in new).encode("utf-8", "surrogateescape")


def _hook(root: Path) -> Path | None:
    """Return where git looks for the pre-commit hook, None where there is no repository."""
    found = _path(root, "--git-path", "hooks/pre-commit")
    return None if found is None else root / found


def _path(at: Path, *question: str, clean: bool = True) -> Path | None:
    answer = _git(at, "rev-parse", *question, clean=clean)
    return None if answer is None else at / answer.decode("utf-8", "surrogateescape").removesuffix("\n")


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return None


def _names(listed: bytes | None) -> list[str]:
    return [each.decode("utf-8", "surrogateescape") for each in (listed or b"").split(b"\0") if each]


def _git(at: Path, *words: str, clean: bool = True) -> bytes | None:
    """Return what git prints when it is run in the directory *at*, None where it is not there or fails."""
    command = ["git", "-c", "core.fsmonitor=false", "--no-pager", "--literal-pathspecs", *words]
    environment = host.environment_without(_REDIRECTING if clean else ())
    try:
        done = subprocess.run(
            command,
            cwd=at,
            env={**environment, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
