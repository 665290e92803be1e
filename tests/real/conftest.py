"""Tests on real software: skipped with the reason where it is missing, failed where CI=true installs all of it."""

import functools
import os
import shutil
from collections.abc import Callable

import pytest

from .filled import Fill, Filled, fill, rotate


def absent(reason: str) -> None:
    """End a test whose software is not there: as failed where CI installs all of it, else as skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def needs() -> Callable[..., None]:
    """Call it with the names of the programs that a test runs."""

    def check(*programs: str) -> None:
        if missing := [name for name in programs if shutil.which(name) is None]:
            absent(f"{' and '.join(missing)} not installed")

    return check


@pytest.fixture(scope="session")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Fill:
    """Return what fills a tree with everything, once in this process; nobody may change it.

    "rotated" is the bundled tree after its secrets were renewed.
    """

    @functools.cache
    def make(name: str) -> Filled:
        home = tmp_path_factory.mktemp(f"filled-{name}")
        return rotate(fill(home, "bundled")) if name == "rotated" else fill(home, name)

    return make


@pytest.fixture
def bundled(filled_once: Fill) -> Filled:
    """The bundled tree, filled with everything."""
    return filled_once("bundled")


@pytest.fixture(params=["bundled", "rotated", "dress"])
def dressed(request: pytest.FixtureRequest, filled_once: Fill) -> Filled:
    """The bundled tree, first and after a rotation, and the same secrets in another dress, filled with everything."""
    return filled_once(request.param)
