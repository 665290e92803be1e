"""Tests on real software: skipped with the reason where it is missing, failed where CI=true installs all of it."""

import os
import shutil
from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def needs() -> Callable[..., None]:
    """Call it with the names of the programs that a test runs."""

    def check(*programs: str) -> None:
        if missing := [name for name in programs if shutil.which(name) is None]:
            reason = f"{' and '.join(missing)} not installed"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)

    return check
