"""A real Secret Service: gnome-keyring under a D-Bus session of its own (FACTS 8). Debian: gnome-keyring, dbus."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from wizard import keystore

ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def software(needs: Callable[..., None]) -> None:
    needs("dbus-run-session", "gnome-keyring-daemon")


def session(
    home: Path,
    script: str,
    unlock: str = "printf '\\n' | gnome-keyring-daemon --unlock",
    bus: Sequence[str] = ("dbus-run-session", "--"),
) -> str:
    """Run a shell line that opens the keyring, then Python code, in a new session; returns what it prints.

    The newline is the keyring's password: with empty input no collection is made (FACTS 8)."""
    (home / "run").mkdir(parents=True, exist_ok=True)
    (home / "run").chmod(0o700)
    (home / "script.py").write_text(textwrap.dedent(script))
    places = {"HOME": "", "XDG_DATA_HOME": "data", "XDG_RUNTIME_DIR": "run", "XDG_CONFIG_HOME": "config"}
    environment = {name: str(home / place) for name, place in places.items()} | {"PATH": os.environ["PATH"]}
    environment["PYTHONPATH"] = str(Path(keystore.__file__).parent.parent)
    line = f'{unlock} --components=secrets >/dev/null && exec "$0" "$1"'
    command = [*bus, "sh", "-c", line, sys.executable, str(home / "script.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_key_is_kept_and_found_by_a_later_run_and_nothing_else_is_left(tmp_path: Path) -> None:
    made = session(
        tmp_path,
        f"""
        from wizard import keystore
        identity = keystore.create("{ID}", interactive=False)
        print(identity.public, identity.where)
        """,
    )
    found = session(
        tmp_path,
        f"""
        import contextlib, secretstorage
        from wizard import keystore
        identity = keystore.load("{ID}")
        print(identity.public, identity.where)
        with contextlib.closing(secretstorage.dbus_init()) as bus:
            items = secretstorage.search_items(bus, {{"service": "matrix-wizard"}})
            names = [item.get_attributes()["username"] for item in items]
        assert names == ["{ID}"], names
        """,
    )
    assert made == found
    assert made.startswith("age1")
    assert made.endswith(keystore.KEYRING)
    assert not (tmp_path / "data" / "matrix-wizard").exists()


@pytest.mark.parametrize("unlock", ["printf 'another' | gnome-keyring-daemon --unlock", "true"])
def test_a_locked_keyring_and_none_at_all_are_said_and_not_waited_for(tmp_path: Path, unlock: str) -> None:
    session(tmp_path, f"from wizard import keystore; keystore.create('{ID}', interactive=False)")
    told = session(
        tmp_path,
        f"""
        from wizard import keystore
        from wizard.errors import UsageError
        for deed in (lambda: keystore.load("{ID}"), lambda: keystore.create("{ID[::-1]}", interactive=False)):
            try:
                deed()
            except UsageError as error:
                print(error.problems[0].what)
        print(keystore.create("{ID[::-1]}", interactive=True).where)
        """,
        unlock,
    )
    *reasons, where = told.splitlines()
    assert len(reasons) == 2
    assert all("is locked" in line or "could not be opened" in line or "has none" in line for line in reasons), reasons
    assert where.startswith(str(tmp_path / "data"))


def test_a_new_key_is_kept_beside_the_former_ones(tmp_path: Path) -> None:
    told = session(
        tmp_path,
        f"""
        from wizard import keystore, sealing
        from wizard.vault import Recipient, Vault
        first = keystore.create("{ID}", interactive=False)
        second = keystore.renew(first, "{ID}", interactive=False)
        third = keystore.renew(None, "{ID}", interactive=False)  # with a recovery key, where the keyring has one still
        found = keystore.load("{ID}")
        assert found == third, "the newest stands last"
        assert found.publics[:2] == second.publics and found.publics[0] == first.public
        for public in found.publics:
            assert sealing.unseal(sealing.seal(Vault("{ID}", (Recipient(public),))), *found.secrets).id == "{ID}"
        print(len(set(found.publics)), found.where)
        """,
    )
    assert told == f"3 {keystore.KEYRING}"


def test_the_program_keeps_its_key_and_what_it_remembers_of_the_vault(tmp_path: Path) -> None:
    """The whole run, its rekey, and the rolled-back vault that is refused; nothing has to be named."""
    told = session(
        tmp_path,
        """
        import contextlib, io, os, pathlib
        from wizard.cli import main
        os.chdir(os.environ["XDG_DATA_HOME"])
        tree = pathlib.Path("tree")
        tree.mkdir()
        (tree / "turn.yaml").write_text(
            "kind: Secret\\nmetadata: {name: turn, namespace: matrix}\\nstringData: {secret: CHANGEME_TURN_SECRET}\\n")
        pathlib.Path("a.yaml").write_text("domains: {base: chat-corp.net}\\n")
        def run(*words):
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                return main([*words, "--tree", "tree"]), out.getvalue()
        code, text = run("setup", "--answers", "a.yaml", "--no-input", "--yes")
        assert code == 0 and "the keyring" in text, text
        assert "cannot be remembered" not in text, text
        first = (tree / ".matrix-wizard/vault.age").read_bytes()
        code, value = run("show", "turn-secret")
        assert code == 0 and "first time" not in value, value
        code, text = run("vault", "rekey", "-y")
        assert code == 0, text
        assert run("show", "turn-secret") == (0, value)
        (tree / ".matrix-wizard/vault.age").write_bytes(first)
        code, text = run("show", "turn-secret")
        assert code == 3 and "sealed otherwise" in text, text
        print("kept")
        """,
    )
    assert told == "kept"
    assert [path.name for path in (tmp_path / "data/matrix-wizard").iterdir()] == ["pins"]


def test_a_locked_keyring_says_that_it_can_be_unlocked_and_a_machine_without_says_so(tmp_path: Path) -> None:
    script = f"""
    from wizard import keystore
    from wizard.errors import UsageError
    for deed in (lambda: keystore.load("{ID}"), lambda: keystore.renew(None, "{ID[::-1]}", interactive=False)):
        try:
            deed()
        except UsageError as error:
            print(error.problems[0].what, error.problems[0].next)
    """
    session(tmp_path, f"from wizard import keystore; keystore.create('{ID}', interactive=False)")
    locked, renewed = session(tmp_path, script, "printf 'another' | gnome-keyring-daemon --unlock").splitlines()
    assert "the keyring is locked" in locked
    assert "Unlock it" in locked
    assert "--identity FILE" in locked
    assert "is locked. Unlock it" in renewed
    assert "--new-identity FILE" in renewed
    none, renewed = session(tmp_path, script, ": headless; true", bus=()).splitlines()
    assert "this system has no keyring" in none
    assert "--identity FILE" in none
    assert "Unlock it" not in none + renewed
