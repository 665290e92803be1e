"""At a terminal: a passphrase is typed twice and never shown, and no cluster is read without a yes to its context."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest
from scripts.apiserver import serving
from scripts.conftest import tls_pair  # noqa: F401 (a fixture)
from scripts.reading import KUBECTL
from scripts.runs import Deployment
from scripts.small import laid_out, secret

from .screens import CTRL_C, Screens

WORDS = "seven words that nobody else has typed"
TREE = secret("coturn-secrets", TURN_PASSWORD="CHANGEME_TURN_PASSWORD")


@pytest.fixture
def small(tmp_path: Path) -> Deployment:
    return laid_out(tmp_path, TREE)


def start(small: Deployment, *argv: str, **environment: str) -> Screens:
    return Screens(small.home, *argv, "--tree", "tree", "--identity", "identity.txt", **environment)  # type: ignore[arg-type]


def test_a_passphrase_is_typed_twice_and_opens_the_backup(small: Deployment) -> None:
    assert small.setup().code == 0
    text = small.show("turn-password")
    before = small.everything()
    screens = start(small, "export", "--backup", "backup.age", "--to-passphrase")
    screens.answer("Passphrase:", f"{WORDS}\r")
    screens.answer("The same again:", "something else\r")
    assert screens.end() == 2
    assert small.everything() == before
    screens = start(small, "export", "--backup", "backup.age", "--to-passphrase")
    screens.answer("Passphrase:", f"{WORDS}\r")
    screens.answer("The same again:", f"{WORDS}\r")
    assert screens.end() == 0
    assert WORDS not in screens.everything
    inside = json.loads(pyrage.passphrase.decrypt((small.home / "backup.age").read_bytes(), WORDS))
    assert "turn-password" in inside["vault"]["values"]
    for path in small.state.iterdir():
        path.unlink()
    screens = start(small, "vault", "restore", "backup.age")
    screens.answer("Passphrase:", f"{WORDS}\r")
    assert screens.end() == 0, screens.shown
    assert WORDS not in screens.everything
    assert small.show("turn-password") == text


def test_a_cluster_is_read_after_a_yes_to_its_context(
    small: Deployment,
    tls_pair: Callable[[list[str]], tuple[str, str]],  # noqa: F811
) -> None:
    path = f"{KUBECTL.parent}{os.pathsep}{os.environ['PATH']}"
    with serving(small.home, tls_pair(["localhost"])) as (server, config):
        server.apply(small.tree)
        server.put("coturn-secrets", "TURN_PASSWORD", "as-it-runs")
        before = small.everything()
        for keys in ("n\r", "\r", CTRL_C):
            screens = start(small, "vault", "adopt", "--live", KUBECONFIG=str(config), PATH=path)
            screens.answer("Read the Secrets of the context prod?", keys)
            assert screens.end() == 130
        assert (server.asked, small.everything()) == ([], before)
        screens = start(small, "vault", "adopt", "--live", KUBECONFIG=str(config), PATH=path)
        screens.answer("Read the Secrets of the context prod?", "y\r")
        assert screens.end() == 0, screens.shown
    assert small.show("turn-password") == "as-it-runs"
    assert "as-it-runs" not in screens.everything


def test_an_export_is_taken_after_a_yes_to_what_is_in_it(small: Deployment) -> None:
    (small.tree / "li.yaml").write_text(secret("synapse-li-secrets", SIGNING_KEY="CHANGEME_SIGNING_KEY"))
    assert small.setup().code == 0
    key = pyrage.x25519.Identity.generate()
    (small.home / "li.txt").write_text(f"{key}\n")
    (small.home / "li.txt").chmod(0o600)
    assert small.run("export", "--for", "li", str(small.home / "li.age"), "--to", str(key.to_public())).code == 0
    (small.home / "li").mkdir()
    (small.home / "li" / "li.yaml").write_text(secret("synapse-li-secrets", SIGNING_KEY="CHANGEME_SIGNING_KEY"))
    argv = ("vault", "import", "li.age", "--tree", "li", "--identity", "li.txt")
    for keys in ("n\r", "\r", CTRL_C):
        screens = Screens(small.home, *argv)
        screens.answer("Take this into the vault?", keys)
        assert screens.end() == 130
        assert not (small.home / "li" / ".matrix-wizard").exists()
    screens = Screens(small.home, *argv)
    screens.answer("Take this into the vault?", "y\r")
    assert screens.end() == 0, screens.shown
    assert "Value taken: signing-key" in screens.everything
    assert (small.home / "li" / ".matrix-wizard" / "vault.age").exists()
