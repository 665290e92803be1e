"""The tree on disk: what is read of one, and that a change of it is whole, private and the operator's to undo."""

import fcntl
import os
import resource
import stat
import subprocess
from pathlib import Path

import pytest

from wizard import files, store
from wizard.errors import RefusedError, UsageError, WizardError, WriteFailedError
from wizard.store import Tree, Writing, commit, open_tree

BUSY = ".matrix-wizard/.busy"


def grow(root: Path, contents: dict[str, bytes]) -> Path:
    for name, data in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refused(tree: Tree, writing: Writing) -> dict[str, str]:
    with pytest.raises(RefusedError) as caught:
        commit(tree, writing)
    assert all(problem.next for problem in caught.value.problems)
    return {problem.where: problem.what for problem in caught.value.problems}


def test_text_files_are_read_in_order_and_nothing_else(tmp_path: Path) -> None:
    wanted = {"b/z.yaml": b"\xef\xbb\xbfkind: X\r\n", "a.yaml": b"", ".hidden/notes": b"\xff\xfe", "b-1": b"1"}
    ignored = {".git/config": b"x", "b/node_modules/x.js": b"x", ".matrix-wizard/sites.lock": b"x", "c.tgz": b"x"}
    ignored |= {"logo": b"\x89PNG\0", "a.yaml.mwtmp": b"x"}
    tree = open_tree(grow(tmp_path, wanted | ignored))
    assert list(tree.files) == sorted(wanted)
    assert dict(tree.files) == wanted
    os.mkfifo(tmp_path / "pipe")
    assert open_tree(tmp_path).files == tree.files


def test_a_tree_that_is_not_there_yet_is_empty_and_one_that_cannot_be_is_refused(tmp_path: Path) -> None:
    assert open_tree(tmp_path / "deployment").files == {}
    (tmp_path / "file").touch()
    for root in (tmp_path / "no" / "deployment", tmp_path / "file"):
        with pytest.raises(UsageError):
            open_tree(root)


def test_a_link_inside_is_its_target_a_loop_ends_and_one_that_leads_out_is_named(tmp_path: Path) -> None:
    root = grow(tmp_path / "tree", {"real/a.yaml": b"a"})
    outside = grow(tmp_path, {"secret.yaml": b"x", "etc/y.yaml": b"y"})
    (root / "link.yaml").symlink_to("real/a.yaml")
    (root / "real" / "up").symlink_to("..")
    (root / "self").symlink_to("self")
    (root / "dangling").symlink_to("nothing")
    tree = open_tree(root)
    assert dict(tree.files) == {"real/a.yaml": b"a"}
    commit(tree, Writing({"real/a.yaml": b"b"}))
    assert (root / "link.yaml").is_symlink()
    assert (root / "link.yaml").read_bytes() == b"b"

    (root / "out.yaml").symlink_to(outside / "secret.yaml")
    (root / "real" / "etc").symlink_to(outside / "etc")
    with pytest.raises(RefusedError) as caught:
        open_tree(root)
    found = {problem.where: problem.what for problem in caught.value.problems}
    assert found.keys() == {"out.yaml", "real/etc"}
    assert str(outside / "secret.yaml") in found["out.yaml"]
    assert str(outside / "etc") in found["real/etc"]


def test_a_commit_writes_all_of_it_and_keeps_modes_and_owners(tmp_path: Path) -> None:
    root = grow(tmp_path, {"a.sh": b"1", "b.yaml": b"1", "gone.yaml": b"1", "same.yaml": b"1"})
    (root / "a.sh").chmod(0o755)
    (root / "b.yaml").chmod(0o664)
    os.chown(root / "b.yaml", *((12345, 54321) if os.geteuid() == 0 else (-1, -1)))
    owner = (root / "b.yaml").stat()
    files_ = {"a.sh": b"2", "b.yaml": b"2", "gone.yaml": None, "new/deep/c.yaml": b"2", "new/secret.yaml": b"2"}
    commit(open_tree(root), Writing(files_, vault=b"v", lock=b"l", private={"b.yaml", "new/secret.yaml"}))
    assert dict(open_tree(root).files) == {name: data for name, data in files_.items() if data} | {"same.yaml": b"1"}
    assert (open_tree(root).vault(), open_tree(root).lock()) == (b"v", b"l")
    umask = os.umask(0)
    os.umask(umask)
    assert mode(root / "a.sh") == 0o755
    assert mode(root / "b.yaml") == 0o600
    assert mode(root / "new/deep/c.yaml") == 0o666 & ~umask
    assert mode(root / "new/secret.yaml") == 0o600
    assert mode(root / ".matrix-wizard") == 0o700
    assert mode(root / ".matrix-wizard/vault.age") == 0o600
    now = (root / "b.yaml").stat()
    assert (now.st_uid, now.st_gid) == (owner.st_uid, owner.st_gid)
    assert not list(root.rglob("*.mwtmp")) + list(root.rglob(".busy"))


def test_git_sees_the_vault_and_the_lock_but_no_staged_file(tmp_path: Path) -> None:
    root = grow(tmp_path, {"a.yaml": b"1"})
    commit(open_tree(root), Writing({}, vault=b"v", lock=b"l"))
    grow(root, {BUSY: b"", ".matrix-wizard/vault.age.mwtmp": b""})
    subprocess.run(["git", "init", "-q", root], check=True)
    listing = subprocess.run(
        ["git", "-C", root, "ls-files", "-o", "--exclude-standard"], capture_output=True, check=True
    )
    seen = listing.stdout.decode().split()
    assert {".matrix-wizard/vault.age", ".matrix-wizard/sites.lock"} < set(seen)
    assert not [name for name in seen if name.endswith((".mwtmp", ".busy"))]


def test_what_changed_since_it_was_read_is_refused_and_left_alone(tmp_path: Path) -> None:
    root = grow(tmp_path, {"a.yaml": b"1", "b.yaml": b"1"})
    tree = open_tree(root)
    grow(root, {"a.yaml": b"by hand", "new.yaml": b"theirs"})
    told = refused(tree, Writing({"a.yaml": b"2", "b.yaml": b"2", "new.yaml": b"2"}, vault=b"v"))
    assert told.keys() == {"a.yaml", "new.yaml"}
    assert dict(open_tree(root).files) == {"a.yaml": b"by hand", "b.yaml": b"1", "new.yaml": b"theirs"}
    assert not (root / ".matrix-wizard").exists()


def test_a_vault_that_another_run_wrote_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    tree = open_tree(tmp_path)
    commit(tree, Writing({}, vault=b"theirs", lock=b"l"))
    assert refused(tree, Writing({}, vault=b"ours")).keys() == {".matrix-wizard/vault.age"}
    assert tree.vault() == b"theirs"
    commit(tree, Writing({}, vault=b"ours", vault_before=b"theirs"))
    assert tree.vault() == b"ours"


def test_no_name_and_no_link_made_meanwhile_leads_a_write_out(tmp_path: Path) -> None:
    root, outside = grow(tmp_path / "tree", {"d/a.yaml": b"1"}), tmp_path / "outside"
    outside.mkdir()
    tree = open_tree(root)
    (root / "d" / "a.yaml").unlink()
    (root / "d").rmdir()
    (root / "d").symlink_to(outside)
    for name in ("d/a.yaml", "../outside/x", str(outside / "x")):
        assert refused(tree, Writing({name: b"2"})).keys() == {name}
    (root / ".matrix-wizard").symlink_to(outside)
    assert refused(tree, Writing({}, vault=b"v"))
    assert not list(outside.iterdir())


def test_another_run_at_work_is_named_and_one_that_died_is_not_in_the_way(tmp_path: Path) -> None:
    tree = open_tree(grow(tmp_path, {"a.yaml": b"1", BUSY: b"4711 " + os.uname().nodename.encode()}))
    with (tmp_path / BUSY).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "process 4711" in refused(tree, Writing({"a.yaml": b"2"}))[BUSY]
        assert tree.files["a.yaml"] == (tmp_path / "a.yaml").read_bytes()
    commit(tree, Writing({"a.yaml": b"2"}))
    assert (tmp_path / "a.yaml").read_bytes() == b"2"
    (tmp_path / BUSY).write_text("4711 another-host\n")
    assert "another-host" in refused(open_tree(tmp_path), Writing({"a.yaml": b"3"}))[BUSY]


@pytest.mark.parametrize("round_", range(12))
def test_of_many_runs_at_once_each_is_whole_or_refused(tmp_path: Path, round_: int) -> None:
    """All are the first on their tree, and begin together: how they meet is another thing in each round."""
    root, names = grow(tmp_path, {f"{n}.yaml": b"%d" % round_ for n in range(5)}), [f"{n}.yaml" for n in range(5)]
    children = []
    gate, opens = os.pipe()
    for number in range(101, 109):
        if not (child := os.fork()):
            os.close(opens)
            os.read(gate, 1)
            try:
                commit(open_tree(root), Writing(dict.fromkeys(names, b"%d" % number)))
            except RefusedError:
                os._exit(3)
            except BaseException:
                os._exit(5)
            os._exit(0)
        children.append(child)
    os.close(opens)
    codes = {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children}
    os.close(gate)
    assert 0 in codes
    assert codes <= {0, 3}
    assert len(set(open_tree(root).files.values())) == 1


def as_nobody(deed) -> int:  # type: ignore[no-untyped-def]
    """Run *deed* in a child without root's rights, and return its exit code."""
    if not (child := os.fork()):
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            deed()
        except WizardError as error:
            os._exit(error.exit_code)
        except BaseException:
            os._exit(5)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def let_anybody_in(directory: Path) -> None:
    """Open what pytest made for its owner alone: a test's directory and those above it, however many they are."""
    for each in (directory, *directory.parents):
        if not each.stat().st_mode & 0o001:
            each.chmod(0o755)


def test_a_tree_that_is_not_writable_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    let_anybody_in(tmp_path)
    root = grow(tmp_path / "tree", {"a.yaml": b"1", "d/b.yaml": b"1"})
    paths = (root, root / "d", root / "a.yaml", root / "d/b.yaml")
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, 65534, 65534)
    tree = open_tree(root)
    for closed in paths[1:]:
        before = mode(closed)
        closed.chmod(0o555)
        assert as_nobody(lambda: commit(tree, Writing({"a.yaml": b"2", "d/b.yaml": b"2"}, vault=b"v"))) == 3
        assert dict(open_tree(root).files) == {"a.yaml": b"1", "d/b.yaml": b"1"}
        assert not (root / ".matrix-wizard").exists()
        closed.chmod(before)
    assert as_nobody(lambda: commit(tree, Writing({"a.yaml": b"2", "d/b.yaml": b"2"}, vault=b"v"))) == 0


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    let_anybody_in(tmp_path)
    grow(tmp_path, {"a.yaml": b"1"})
    (tmp_path / "a.yaml").chmod(0)
    assert as_nobody(lambda: open_tree(tmp_path)) == 3


def test_a_file_too_large_for_the_system_puts_everything_back(tmp_path: Path) -> None:
    root = grow(tmp_path, {"a.yaml": b"1", "b.yaml": b"1"})
    tree, limits = open_tree(root), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(WriteFailedError) as caught:
            commit(tree, Writing({"a.yaml": b"2", "b.yaml": b"x" * 5000, "n/c.yaml": b"2"}, vault=b"v", lock=b"l"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.exit_code == 4
    assert [problem.where for problem in caught.value.problems] == ["b.yaml"]
    assert sorted(path.name for path in root.rglob("*")) == ["a.yaml", "b.yaml"]
    assert dict(open_tree(root).files) == {"a.yaml": b"1", "b.yaml": b"1"}


def test_the_bundled_tree_is_read_as_it_lies_there() -> None:
    templates = Path(store.__file__).parent.parent / "templates"
    assert store.bundled()["README.md"] == (templates / "README.md").read_bytes()


def test_private_files_are_private_and_never_half_there(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    files.create_private(path, b"1")
    with pytest.raises(FileExistsError):
        files.create_private(path, b"2")
    assert path.read_bytes() == b"1"
    path.chmod(0o644)
    assert not files.is_owner_only(path)
    files.write_private(path, b"2")
    assert (path.read_bytes(), files.is_owner_only(path)) == (b"2", True)
    assert list(tmp_path.iterdir()) == [path]
