"""The two trees, made once for each process that tests."""

from __future__ import annotations

import os
import random

import pytest

from mutants.bases import Base, by_hand, provisioned


@pytest.fixture(scope="session")
def provisioned_tree(tmp_path_factory: pytest.TempPathFactory) -> Base:
    """Return the bundled tree as setup fills it."""
    return provisioned(tmp_path_factory.mktemp("provisioned"))


@pytest.fixture(scope="session")
def seed() -> int:
    """Return what the values of the tree that is filled by hand are made from."""
    return int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))


@pytest.fixture(scope="session")
def tree_by_hand(seed: int) -> Base:
    """Return the bundled tree as a person fills it."""
    return by_hand(seed)


@pytest.fixture(autouse=True)
def told(request: pytest.FixtureRequest) -> None:
    """Print the seed, which is shown with a test that fails."""
    if "tree_by_hand" in request.fixturenames:
        print("seed:", request.getfixturevalue("seed"))
