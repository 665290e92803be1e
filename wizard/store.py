"""The tree on disk: read as it stands, and changed all at once or not at all (DESIGN, law 7).

It moves bytes. What they mean, what is secret and what a vault holds is decided elsewhere; it asks nobody anything.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from wizard import files, host
from wizard.errors import Problem, RefusedError, UsageError, WizardError, WriteFailedError
from wizard.vault import IGNORES, LOCK, LOG, VAULT

STATE = ".matrix-wizard"
_IGNORE, _BUSY = f"{STATE}/.gitignore", f"{STATE}/.busy"
_ATTRIBUTES = f"{STATE}/.gitattributes"
_IGNORED = b".busy\n*.mwtmp\nreplaced.age\n"
# Merged by `vault merge` where that is installed as git's merge driver; else each is a conflict, and never mangled.
_MERGED = b"vault.age binary merge=matrix-wizard\nsites.lock merge=matrix-wizard\naudit.log merge=matrix-wizard\n"

_CLOSED_DIRECTORIES = frozenset({".git", "node_modules", STATE})
_ARCHIVES = (".7z", ".bz2", ".gz", ".jar", ".rar", ".tar", ".tgz", ".whl", ".xz", ".zip", ".zst")
_MANIFESTS = (".yaml", ".yml", ".json")  # text, whatever it looks like: UTF-16 is told as what it is
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # what text in that encoding begins with; no binary format of a tree's does
_SNIFFED = 8000  # octets; git's own rule for a binary file is a NUL among the first 8000 (buffer_is_binary)

_MEND = "Everything was put back as it was. Mend the cause and give the same command again."


@dataclass(frozen=True)
class Tree:
    """A tree as it was read: the bytes of each text file by its path below *root* (with `/`), in sorted order."""

    root: Path
    files: Mapping[str, bytes]

    def vault(self) -> bytes | None:
        """Return the vault's bytes as they stand now, None where there is none. Raises RefusedError."""
        return _read(self.root / VAULT)

    def lock(self) -> bytes | None:
        """Return sites.lock, None where there is none. Raises RefusedError.

        A first run that was killed left its vault in place and sites.lock still staged: then that one is read, since
        it names the vault whose key is looked for."""
        lock = self.root / LOCK
        if not lock.exists() and (self.root / VAULT).exists():
            lock = lock.with_name(lock.name + files.STAGED)
        return _read(lock)

    def log(self) -> bytes | None:
        """Return the audit log, None where there is none. Raises RefusedError."""
        return _read(self.root / LOG)

    def ignores(self) -> str:
        """Return the list of what check is to ignore, "" where there is none. Raises RefusedError."""
        return (_read(self.root / IGNORES) or b"").decode("utf-8", "replace")


@dataclass(frozen=True)
class Writing:
    """Everything that one run writes. *files* holds each file's new bytes by path, None to delete it; those in
    *private* lose group's and others' access. A *vault*, *lock* or *log* of None stays as it is; *vault_before* are the
    bytes that the new vault was made from, None where there was none."""

    files: Mapping[str, bytes | None]
    vault: bytes | None = None
    vault_before: bytes | None = None
    lock: bytes | None = None
    log: bytes | None = None
    private: Collection[str] = frozenset()


@dataclass(frozen=True)
class _Step:
    """One file to write or, with *after* None, to delete. *before* None: there must be none."""

    name: str
    target: Path
    before: bytes | None
    after: bytes | None
    private: bool


def open_tree(root: Path) -> Tree:
    """Read the tree at *root*; one that does not exist yet, in a directory that does, is empty.

    Not read: git's, npm's and our own directory, archives, binaries, staged files. A symlink that stays inside is read
    and written as its target. Raises RefusedError for links that lead out and for what cannot be read (all named),
    UsageError where *root* cannot be a directory."""
    if root.exists() and not root.is_dir():
        raise UsageError(Problem("This is not a directory.", str(root), "Name the tree with --tree DIR."))
    if not root.parent.is_dir():
        raise UsageError(Problem(f"There is no directory {root.parent} to make it in.", str(root), "Make that first."))
    root = root.resolve()
    return Tree(root, _contents(root))


def bundled() -> dict[str, bytes]:
    """Return the bundled tree: the bytes of each file by path. In a wheel it is package data, else ``templates/``."""
    package = Path(__file__).parent
    installed = package / "_templates"
    return _contents(installed if installed.is_dir() else package.parent / "templates")


def open_to_all(tree: Tree) -> frozenset[str]:
    """Return the files of *tree* that every user of this machine may read, as far as their own modes tell."""
    return frozenset(path for path in tree.files if _mode(tree.root / path) & 0o004)


def links(tree: Tree) -> frozenset[str]:
    """Return the symlinks of *tree*: what they lead to is met by its own name, and not by theirs."""
    return frozenset(name for path, name in _walk(tree.root, []) if path.is_symlink())


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:  # gone since it was read
        return 0


def refuse_read_only(root: Path) -> None:
    """Raise RefusedError where nothing can be written below *root*, or *root* itself cannot be made."""
    _refuse_unwritable(root, [_Step(name, root / name, None, b"", private=True) for name in (VAULT, "tree")])


def refuse(tree: Tree, writing: Writing) -> None:
    """Raise the RefusedError of `commit`, as far as it can be known without trying."""
    steps = _steps(tree, writing)
    _refuse_unwritable(tree.root, steps)
    _refuse_changed(steps)


def commit(tree: Tree, writing: Writing) -> None:
    """Write the vault, then the tree's files, then sites.lock and the log. What exists keeps its owner and mode.

    Raises RefusedError, nothing written, where something is not writable, where a file or the vault is no longer what
    was read, or where another run is busy; WriteFailedError, all put back, where writing fails. A run that is killed
    leaves every file as before or as after, and the vault no older than any of them."""
    steps = _steps(tree, writing)
    _refuse_unwritable(tree.root, steps)
    undo = _Undo()
    busy = tree.root / _BUSY
    is_new = not busy.parent.exists()
    try:
        with _named(STATE):
            held = _hold_first(busy, undo)
            undo.add(_BUSY, lambda: _release(busy, held))
            _sign(held)
            _remove_leftovers(tree.root)
        _refuse_changed(steps)
        _write(steps, undo)
        _prune(tree.root, steps)
    except BaseException as error:
        if left := undo.run():
            raise _half_done(error, left) from error
        raise
    _release(busy, held)
    if is_new:
        _remove_empty(busy.parent)  # what has no vault needs no place for one


def tidy(tree: Tree) -> int:
    """Remove what a killed run had staged in *tree*, filled files in clear among it; return how many files that were.

    Nothing is touched, and 0 returned, while another run is at work or where this one may not write."""
    count = len(_leftovers(tree.root))
    if not count or (tree.root / STATE).is_symlink():  # which could lead out of the tree
        return 0
    busy = tree.root / _BUSY
    try:
        held = _hold(busy)
    except (OSError, RefusedError):
        return 0
    try:
        _sign(held)
        _remove_leftovers(tree.root)
    except OSError:
        return 0
    finally:
        _release(busy, held)
    return count


class _Undo:
    """What puts everything back, done last first."""

    def __init__(self) -> None:
        self._deeds: list[tuple[str, Callable[[], object]]] = []

    def add(self, name: str, deed: Callable[[], object]) -> None:
        self._deeds.append((name, deed))

    def run(self) -> list[str]:
        """Put back all that can be; return the names of what could not."""
        failed = []
        for name, deed in reversed(self._deeds):
            try:
                deed()
            except OSError:
                failed.append(name)
        return failed


def _contents(root: Path) -> dict[str, bytes]:
    problems: list[Problem] = []
    contents: dict[str, bytes] = {}
    for path, name in _walk(root, problems):
        try:
            if path.is_symlink():
                _inside(root, path, problems)
                target = Path(os.path.realpath(path))  # see _inside
                if not target.is_file() or target.suffix == path.suffix:
                    continue  # a target is met by its own name, where that says as much as the link's
            if path.is_file() and not name.endswith((*_ARCHIVES, files.STAGED)):
                data = _text(path)
                contents |= {} if data is None else {name: data}
        except OSError as error:
            problems.append(_unreadable(error, name))
    if problems:
        raise RefusedError(*problems)
    return dict(sorted(contents.items()))


def _walk(root: Path, problems: list[Problem]) -> Iterator[tuple[Path, str]]:
    """Every file, and every symlink, with its path from *root* on; no directory is entered through one."""

    def note(error: OSError) -> None:
        if Path(error.filename) != root or root.exists():
            problems.append(_unreadable(error, Path(error.filename).relative_to(root).as_posix()))

    for directory, below, names in os.walk(root, onerror=note):
        below[:] = [name for name in below if name not in _CLOSED_DIRECTORIES]
        here = Path(directory)
        above = "" if here == root else f"{here.relative_to(root).as_posix()}/"
        yield from ((here / name, above + name) for name in names)
        yield from ((here / name, above + name) for name in below if (here / name).is_symlink())


def _inside(root: Path, link: Path, problems: list[Problem]) -> None:
    target = Path(os.path.realpath(link))  # does not raise on a loop, as Path.resolve does before Python 3.13
    if not target.is_relative_to(root):
        what = f"The symlink leads out of the tree, to {target}."
        then = "Put the file itself in its place, or name the directory that holds both with --tree DIR."
        problems.append(Problem(what, link.relative_to(root).as_posix(), then))


def _text(path: Path) -> bytes | None:
    with path.open("rb") as file:
        head = file.read(_SNIFFED)
        is_text = b"\0" not in head or path.suffix in _MANIFESTS or head.startswith(_UTF_16)
        return head + file.read() if is_text else None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = _unreadable(error, str(path))
    raise RefusedError(problem)


def _unreadable(error: OSError, name: str) -> Problem:
    return Problem(f"It cannot be read: {_reason(error)}.", name, "Give yourself access to it, or move it elsewhere.")


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _steps(tree: Tree, writing: Writing) -> list[_Step]:
    """All that is written, in the order in which it takes its place."""
    root, steps = tree.root, []
    if writing.vault is not None:
        steps.append(_Step(VAULT, _target(root, VAULT), writing.vault_before, writing.vault, private=True))
    for name, text in ((_IGNORE, _IGNORED), (_ATTRIBUTES, _MERGED)):
        if writing.vault is not None and not (root / name).exists():
            steps.append(_Step(name, _target(root, name), None, text, private=False))
    for name, after in sorted(writing.files.items()):
        steps.append(_Step(name, _target(root, name), tree.files.get(name), after, name in writing.private))
    if writing.lock is not None:
        steps.append(_Step(LOCK, _target(root, LOCK), tree.lock(), writing.lock, private=False))
    if writing.log is not None:
        steps.append(_Step(LOG, _target(root, LOG), tree.log(), writing.log, private=False))
    return [step for step in steps if (step.before, step.after) != (None, None)]


def _target(root: Path, name: str) -> Path:
    """The place of a file of the tree (a link's target); no name or link put there meanwhile may lead out of it."""
    pure = PurePosixPath(name)
    target = Path(os.path.realpath(root / pure))
    if pure.is_absolute() or ".." in pure.parts or not target.is_relative_to(root):
        raise RefusedError(Problem("Writing this would lead out of the tree.", name, "Remove the symlink on its way."))
    return target


def _refuse_unwritable(root: Path, steps: list[_Step]) -> None:
    """As far as can be known before trying; the system counts read-only mounts and immutable files in, for root too."""
    problems = {}
    for step in steps:
        directory = next(parent for parent in step.target.parents if parent.exists())
        for path, needed in ((directory, os.W_OK | os.X_OK), (step.target, os.W_OK)):
            if path.exists() and not os.access(path, needed, effective_ids=os.access in os.supports_effective_ids):
                name = path.relative_to(root).as_posix() if root in path.parents else str(path)
                problems[name] = Problem("It is read-only.", name, "Give yourself write access, then try again.")
    if problems:
        raise RefusedError(*problems.values())


def _refuse_changed(steps: list[_Step]) -> None:
    then = "Nothing was written. Give the same command again to plan with it as it is now."
    changed = [step.name for step in steps if _read(step.target) != step.before]
    if changed:
        raise RefusedError(*(Problem("It was changed while this run was planning.", name, then) for name in changed))


def _hold_first(busy: Path, undo: _Undo) -> int:
    """Take the tree's mutex as ``_hold`` does, in a directory that may have to be made: until the mutex is held another
    first run may take it away again with its own."""
    while True:
        _make_directory(busy.parent, undo, 0o700)
        with contextlib.suppress(FileNotFoundError):
            return _hold(busy)


def _hold(busy: Path) -> int:
    """Take the tree's mutex and return its descriptor. Raises RefusedError naming who has it.

    The kernel's lock on the file ends with its process, so what a killed run leaves behind is simply taken over. The
    text in it is for people, and for a tree that another host shares without sharing locks."""
    while True:
        descriptor = os.open(busy, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            _lock(descriptor, busy)
            # Its last holder may have removed it between the two calls: then the lock is on a name that is gone.
            if busy.exists() and os.path.samestat(os.fstat(descriptor), busy.stat()):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int, busy: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_free = True
    except BlockingIOError:
        is_free = False
    process, _, where = os.pread(descriptor, 512, 0).decode(errors="replace").strip().partition(" ")
    if not is_free:
        what = f"Another run is writing to this tree: process {process or '?'} on {where or host.name()}."
        raise RefusedError(Problem(what, _BUSY, "Wait until it has finished, then give the same command again."))
    if where not in ("", host.name()):
        what = f"A run on the host {where} (process {process}) writes to this tree, or was cut short there."
        raise RefusedError(Problem(what, _BUSY, f"If it is no longer running, remove the file: rm {busy}"))


def _sign(held: int) -> None:
    os.ftruncate(held, 0)
    os.pwrite(held, f"{os.getpid()} {host.name()}\n".encode(), 0)


def _release(busy: Path, descriptor: int) -> None:
    with contextlib.suppress(OSError):  # a file that stays is taken over: only the lock counts
        busy.unlink()
    os.close(descriptor)


def _remove_leftovers(root: Path) -> None:
    """Clear away what a killed run had staged, but for the sites.lock that alone names its vault (see Tree.lock)."""
    lock, staged_lock = root / LOCK, root / (LOCK + files.STAGED)
    if (root / VAULT).exists() and staged_lock.exists() and not lock.exists():
        staged_lock.replace(lock)
    for staged in _leftovers(root):
        staged.unlink()


def _leftovers(root: Path) -> list[Path]:
    """Return what is staged in the tree at *root*, by a run at work or by one that was killed."""
    own = root / STATE
    every = (*(path for path, _ in _walk(root, [])), *(own.iterdir() if own.is_dir() else ()))
    return [path for path in every if path.name.endswith(files.STAGED) and (path.is_symlink() or path.is_file())]


def _write(steps: list[_Step], undo: _Undo) -> None:
    """Everything is staged before the first rename, so that a full disk is met while nothing has changed."""
    staged: dict[str, Path] = {}
    for step in steps:
        if step.after is not None:
            with _named(step.name):
                _make_directory(step.target.parent, undo)
                staged[step.name] = _stage(step, step.after, undo)
    for step in steps:
        with _named(step.name):
            undo.add(step.name, _putting_back(step))
            if step.name == VAULT:
                files.sync_directory(step.target.parent)  # the staged sites.lock, which names this vault, comes first
            _take_place(step, staged.get(step.name))
            if step.name == VAULT:
                files.sync_directory(step.target.parent)
    for directory in sorted({step.target.parent for step in steps}):
        with _named(str(directory)):
            files.sync_directory(directory)


def _prune(root: Path, steps: list[_Step]) -> None:
    """Remove the directories that a deleted file leaves empty: they came with it."""
    for step in steps:
        here = step.target.parent
        while step.after is None and here != root and here.is_dir() and not any(here.iterdir()):
            _remove_empty(here)
            here = here.parent


def _take_place(step: _Step, staged: Path | None) -> None:
    if staged is None:
        step.target.unlink()
    else:
        staged.replace(step.target)


def _stage(step: _Step, data: bytes, undo: _Undo) -> Path:
    like = step.target.stat() if step.target.exists() else None
    staged = files.stage(step.target, data, like, step.private)
    undo.add(step.name, lambda: staged.unlink(missing_ok=True))
    return staged


def _putting_back(step: _Step) -> Callable[[], None]:
    """The deed that restores a target's bytes, owner and mode, if its turn had come."""
    like = step.target.stat() if step.before is not None else None

    def put_back() -> None:
        if step.before is None or like is None:
            step.target.unlink(missing_ok=True)
        elif not step.target.exists() or not os.path.samestat(step.target.stat(), like):
            files.stage(step.target, step.before, like, private=False).replace(step.target)
        files.sync_directory(step.target.parent)

    return put_back


def _make_directory(path: Path, undo: _Undo, mode: int = 0o777) -> None:
    if not path.is_dir():
        _make_directory(path.parent, undo)
        try:
            path.mkdir(mode)
        except FileExistsError:
            if path.is_dir():
                return  # made meanwhile by another run, which takes it away again if it has to
            raise
        undo.add(path.name, lambda: _remove_empty(path))
        files.sync_directory(path.parent)


def _remove_empty(path: Path) -> None:
    with contextlib.suppress(OSError):  # somebody else has put something there meanwhile
        path.rmdir()


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """Turn the system's error into one that names the file and the reason."""
    try:
        yield
    except OSError as error:
        problem = Problem(f"It could not be written: {_reason(error)}.", name, _MEND)
        raise WriteFailedError(problem) from error


def _half_done(error: BaseException, left: list[str]) -> WriteFailedError:
    """The one case in which the disk refuses even the way back."""
    causes = error.problems if isinstance(error, WizardError) else ()
    then = "Mend the disk and give the same command again: the vault knows what was meant to stand there."
    why = [Problem(cause.what, cause.where, then) for cause in causes]
    return WriteFailedError(*why, *(Problem("It could not be put back.", name, then) for name in dict.fromkeys(left)))
