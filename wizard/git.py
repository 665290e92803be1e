"""git: which files it tracks, what is staged, the hook that looks at each commit, and every object that it keeps.

Where there is no git, no repository, or one that git itself does not trust, there is nothing that a commit could
publish. It is started by argument lists only; what git runs by configuration of its own (an fsmonitor) is off.
"""

from __future__ import annotations

import hashlib
import shlex
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
DRIVER = "matrix-wizard"  # what merges the files that .gitattributes marks
_INDEX = "GIT_INDEX_FILE"  # set by git for each pre-commit hook: the index of this very commit (githooks(5))
_CALL = ["vault", "guard", "--staged", "--tree"]  # what a line of a hook calls, for the tree that follows
_STOP = " || exit 1"
_AS_THEY_ARE = "--no-replace-objects"
_START = "#!/bin/sh\n# Refuses a commit whose staged files hold a secret of the tree (matrix-wizard vault guard).\n"


def tracked(root: Path, paths: Collection[str]) -> frozenset[str]:
    """Return those of *paths* (below the directory *root*, with `/`) that git tracks; none where there is no git."""
    return frozenset(_names(_git(root, "ls-files", "-z"))) & frozenset(paths)


def has(root: Path, files: Mapping[str, bytes]) -> frozenset[str]:
    """Return those of *files* (by their paths below the directory *root*) that git tracks with those very bytes.

    What a filter encrypts (git-crypt) is another object, and so is what was filled in since it was added."""
    rows = (row.partition("\t") for row in _names(_git(root, "ls-files", "-s", "-z")))
    ids = {path: head.split(" ")[1] for head, _, path in rows}
    return frozenset(path for path, data in files.items() if path in ids and ids[path] == _id(data, len(ids[path])))


def _id(data: bytes, digits: int) -> str:
    """Return the id of a blob (git-hash-object(1)), by SHA-256 where ids have 64 *digits*, by SHA-1 else."""
    hashed = hashlib.new("sha256" if digits == 64 else "sha1", usedforsecurity=False)
    hashed.update(b"blob %d\0" % len(data) + data)
    return hashed.hexdigest()


def unmerged(root: Path, paths: Collection[str]) -> frozenset[str]:
    """Return those of *paths* (below the directory *root*, with `/`) that git has not finished merging."""
    rows = _names(_git(root, "ls-files", "-u", "-z", "--", *paths))
    return frozenset(row.partition("\t")[2] for row in rows)


def has_remote(root: Path) -> bool:
    """Tell whether the repository around *root* knows another one to push to."""
    return bool((_git(root, "remote") or b"").strip())


def is_guarded(root: Path) -> bool:
    """Tell whether the hook of the repository around *root* looks at each commit for secrets of this very tree.

    Known are lines as ``guard`` words them, whatever program they start with; another tree's line says nothing."""
    hook, below = _hook(root), from_top(root)
    return hook is not None and host.may_run(hook) and below in set(_guarded(_text(hook) or ""))


def guard(root: Path, program: Sequence[str]) -> Path:
    """Make the pre-commit hook that has *program* look at each commit for secrets of the tree at *root*.

    Return the hook's path; one that guards the tree already stays as it is, and one that was made for other trees gets
    a line more. RefusedError for another hook, which is never overwritten, and for a directory of hooks outside the
    repository; UsageError where there is no repository."""
    hook, below = _hook(root), from_top(root)
    if hook is None or below is None:
        what = "This tree is in no git work tree, so that no commit can publish it."
        raise UsageError(Problem(what, str(root), "Call git init first, if it is to be one."))
    line = shlex.join([*program, *_CALL, below])
    if is_guarded(root):
        return hook
    is_there, own = _text(hook) is not None or hook.is_symlink(), _own(hook)
    if is_there and own is None:
        what = "There is a pre-commit hook already, which is left as it is."
        raise RefusedError(Problem(what, str(hook), f"Add this line to it, above any exec or exit: {line}{_STOP}"))
    around = (_path(root, "--show-toplevel"), _path(root, "--git-common-dir"))
    if not any(hook.resolve().is_relative_to(each.resolve()) for each in around if each):
        what = "The hooks of this repository lie outside it, and others may share them (core.hooksPath)."
        raise RefusedError(Problem(what, str(hook), f"Have its pre-commit hook run: {line}{_STOP}"))
    text = _START + "".join(f"{each}{_STOP}\n" for each in dict.fromkeys((*(own or ()), line)))
    try:
        hook.parent.mkdir(parents=True, exist_ok=True)
        _write(hook, text, is_there=is_there)
    except OSError as error:
        raise UsageError(Problem(f"The hook cannot be written: {error.strerror}.", str(hook))) from None
    return hook


def merge_by(root: Path, program: Sequence[str]) -> str:
    """Have git merge the files that ``.gitattributes`` marks by the command *program*, in the repository around *root*.

    Return the command as git will call it (gitattributes(5), "Defining a custom merge driver"). UsageError where there
    is no repository."""
    command = f"{shlex.join(program).replace('%', '%%')} %O %A %B %P"
    name = "what matrix-wizard keeps of a tree"
    if any(_git(root, "config", f"merge.{DRIVER}.{key}", text) is None for key, text in (
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


@dataclass(frozen=True)
class Object:
    """One object that git keeps: its id, its kind ("blob", "commit" or "tag"), and its content with its header."""

    id: str
    kind: str
    data: bytes = field(repr=False)


def is_repository(root: Path) -> bool:
    """Tell whether git finds, and trusts, a repository around *root*."""
    return _git(root, "rev-parse", "--git-dir") is not None


def objects(root: Path) -> Iterator[Object]:
    """Yield every object but the trees of the repository around *root*: those of all branches, tags, stashes and
    reflogs, what is staged, and what nothing leads to any more.

    Nothing is fetched that a partial clone lacks."""
    with subprocess.Popen(
        _command(_AS_THEY_ARE, "cat-file", "--batch", "--batch-all-objects", "--unordered", "--buffer"),
        cwd=root,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=1 << 20,
    ) as running:
        while running.stdout is not None and (head := running.stdout.readline()):
            name, kind, *size = head.decode().split()
            if not size:
                continue  # "… missing": it is listed and damaged
            data = running.stdout.read(int(size[0]) + 1)[:-1]
            if kind != "tree":
                yield Object(name, kind, data)


def parents(commit: bytes) -> tuple[str, ...]:
    """Return the ids of the parents that the content of a commit names."""
    header = commit.partition(b"\n\n")[0].split(b"\n")
    return tuple(line[7:].decode() for line in header if line.startswith(b"parent "))


def brought(root: Path, blobs: Collection[str], commits: Mapping[str, tuple[str, ...]]) -> dict[tuple[str, str], str]:
    """Return which of *commits* first put each of *blobs* at each of its paths (from the top), earliest first.

    *commits* are given with their parents."""
    found: dict[tuple[str, str], str] = {}
    asked = "".join(f"{each}\n" for each in _parents_first(commits)).encode()
    words = (_AS_THEY_ARE, "diff-tree", "--stdin", "-c", "-r", "--root", "-z", "--raw", "--no-abbrev", "--no-renames")
    told = iter(_names(_git(root, *words, given=asked)))
    commit = ""
    for each in told:
        if not each.startswith(":"):
            commit = each
            continue
        path, blob = next(told), each.split(" ")[-2]  # of a merge, too, the id before the status is what came of it
        if blob in blobs:
            found.setdefault((blob, path), commit)
    return found


def in_reach(root: Path) -> frozenset[str]:
    """Return the commits that a branch, a tag or the newest stash leads to."""
    return frozenset((_git(root, _AS_THEY_ARE, "rev-list", "--all") or b"").decode().split())


def checked_out(root: Path) -> frozenset[tuple[str, str]]:
    """Return the blobs of the commit that is checked out, each with its path from the top."""
    rows = (row.partition("\t") for row in _names(_git(root, "ls-tree", "-r", "-z", "--full-tree", "HEAD")))
    return frozenset((head.split(" ")[2], path) for head, _, path in rows)


def indexed(root: Path) -> frozenset[tuple[str, str]]:
    """Return the blobs of the index, what is staged among them, each with its path from the top."""
    top = _path(root, "--show-toplevel")
    rows = (row.partition("\t") for row in _names(_git(top, "ls-files", "-s", "-z") if top else None))
    return frozenset((head.split(" ")[1], path) for head, _, path in rows)


def _parents_first(commits: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return *commits* in an order in which none comes before a parent of its own."""
    done: dict[str, None] = {}
    for start in commits:
        waiting = [start]
        while waiting:
            before = [each for each in commits[waiting[-1]] if each in commits and each not in done]
            if before and waiting[-1] not in done:
                waiting += before
            else:
                done[waiting.pop()] = None
    return [*done]


def _hook(root: Path) -> Path | None:
    """Return where git looks for the pre-commit hook, None where there is no repository."""
    found = _path(root, "--git-path", "hooks/pre-commit")
    return None if found is None else root / found


def from_top(root: Path) -> str | None:
    """Return the directory *root* as seen from the top of its work tree, where git runs hooks; None outside of one."""
    top = _path(root, "--show-toplevel")
    if top is None or not root.resolve().is_relative_to(top.resolve()):
        return None
    return root.resolve().relative_to(top.resolve()).as_posix()


def _guarded(text: str) -> Iterator[str]:
    """Yield the trees that a hook guards: by lines that stop the commit, or by its last, whose exit code is its own."""
    commands = [line for line in text.split("\n") if _words(line)]
    for line in commands:
        call = line.rstrip().removesuffix(_STOP)
        words = _words(call)
        if words[-5:-1] == _CALL and (call != line.rstrip() or line is commands[-1]):
            yield words[-1]
        if line.startswith(("exec ", "exit")):  # what comes after is not run
            return


def _own(hook: Path) -> list[str] | None:
    """Return what a hook that ``guard`` made calls, without what is around each call; None for another's hook."""
    text = _text(hook) or ""
    if hook.is_symlink() or not text.startswith(_START):
        return None
    lines = [line for line in text.removeprefix(_START).split("\n") if line]
    calls = [line.removeprefix("exec ").removesuffix(_STOP) for line in lines]  # a hook for one tree was an exec
    return calls if all(_words(call)[-5:-1] == _CALL for call in calls) else None


def _words(line: str) -> list[str]:
    """Return the words of a line of shell, none for a comment and for a part of something longer."""
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return []


def _write(hook: Path, text: str, *, is_there: bool) -> None:
    """Write a hook whole, and over none but the one that *is_there*. Raises OSError."""
    new = hook.with_name(f"{hook.name}.matrix-wizard") if is_there else hook
    if is_there:
        new.unlink(missing_ok=True)  # left by a run that was killed
    with new.open("x", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    new.chmod(0o755)
    new.replace(hook)


def _path(at: Path, *question: str, clean: bool = True) -> Path | None:
    answer = _git(at, "rev-parse", *question, clean=clean)
    return None if answer is None else at / answer.decode("utf-8", "surrogateescape").removesuffix("\n")


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", errors="surrogateescape")
    except OSError:
        return None


def _names(listed: bytes | None) -> list[str]:
    return [each.decode("utf-8", "surrogateescape") for each in (listed or b"").split(b"\0") if each]


def _git(at: Path, *words: str, clean: bool = True, given: bytes | None = None) -> bytes | None:
    """Return what git prints when it is run in the directory *at* and *given* a text; None where it is not there or
    fails."""
    try:
        done = subprocess.run(
            _command(*words),
            cwd=at,
            env=_environment(clean=clean),
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _command(*words: str) -> list[str]:
    return ["git", "-c", "core.fsmonitor=false", "--no-pager", "--literal-pathspecs", *words]


def _environment(*, clean: bool = True) -> dict[str, str]:
    kept = host.environment_without(_REDIRECTING if clean else ())
    return {**kept, "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}
