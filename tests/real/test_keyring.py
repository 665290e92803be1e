"""A real Secret Service: gnome-keyring under a D-Bus session of its own (FACTS 8). Debian: gnome-keyring, dbus."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from wizard import keystore

ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def software(needs: Callable[..., None]) -> None:
    needs("dbus-run-session", "gnome-keyring-daemon")


def session(home: Path, script: str, unlock: str = "printf '\\n' | gnome-keyring-daemon --unlock") -> str:
    """Run a shell line that opens the keyring, then Python code, in a new session; returns what it prints.

    The newline is the keyring's password: with empty input no collection is made (FACTS 8)."""
    (home / "run").mkdir(parents=True, exist_ok=True)
    (home / "run").chmod(0o700)
    (home / "script.py").write_text(textwrap.dedent(script))
    places = {"HOME": "", "XDG_DATA_HOME": "data", "XDG_RUNTIME_DIR": "run", "XDG_CONFIG_HOME": "config"}
    environment = {name: str(home / place) for name, place in places.items()} | {"PATH": os.environ["PATH"]}
    environment["PYTHONPATH"] = str(Path(keystore.__file__).parent.parent)
    line = f'{unlock} --components=secrets >/dev/null && exec "$0" "$1"'
    command = ["dbus-run-session", "--", "sh", "-c", line, sys.executable, str(home / "script.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
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
