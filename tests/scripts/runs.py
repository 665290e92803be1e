"""One deployment on disk (a tree, its answers, its key) and runs of the program on it, through its real door."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from wizard.cli import main

ROOT = Path(__file__).parents[2]
SOURCES = {
    "bundled": ROOT / "templates",
    "checklist": ROOT / "tests/trees/checklist",
    "dress": ROOT / "tests/trees/dress",
}
STATE = ".matrix-wizard"
MASK = "••••••••"


@dataclass(frozen=True)
class Run:
    """What one run gave: exit code, stdout and stderr."""

    code: int
    out: str = field(repr=False)
    err: str = field(repr=False)

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def data(self) -> Any:
        return json.loads(self.out)


def run(*argv: str) -> Run:
    """Run the program in this process with the arguments *argv*."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(list(argv))
    return Run(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Deployment:
    """A directory with ``tree/``, ``answers/answers.yaml`` (and the files that it names) and ``identity.txt``."""

    home: Path

    @property
    def tree(self) -> Path:
        return self.home / "tree"

    @property
    def answers(self) -> Path:
        return self.home / "answers" / "answers.yaml"

    @property
    def identity(self) -> Path:
        return self.home / "identity.txt"

    @property
    def state(self) -> Path:
        return self.tree / STATE

    @property
    def pins(self) -> Path:
        """What its operator's runs remember of vaults: each deployment is another operator's."""
        return self.home / "data" / "matrix-wizard" / "pins"

    def run(self, verb: str, *argv: str) -> Run:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("XDG_DATA_HOME", str(self.home / "data"))
            return run(verb, *argv, "--tree", str(self.tree), "--identity", str(self.identity))

    def setup(self, *argv: str) -> Run:
        return self.run("setup", "--answers", str(self.answers), "--no-input", "--yes", *argv)

    def plan(self, *argv: str) -> Run:
        return self.run("plan", "--answers", str(self.answers), *argv)

    def blank(self, *argv: str) -> Run:
        return self.run("blank", "--no-input", "--yes", *argv)

    def show(self, name: str) -> str:
        shown = self.run("show", name)
        assert shown.code == 0, shown.err
        return shown.out.removesuffix("\n")

    def values(self) -> dict[str, str]:
        """Return every value that ``show`` knows, revealed."""
        listed = self.run("show", "--json")
        assert listed.code == 0, listed.err
        return {each["name"]: self.show(each["name"]) for each in listed.data["values"]}

    def masked_names(self) -> set[str]:
        return {each["name"] for each in self.run("show", "--json").data["values"] if each["text"] == MASK}

    def everything(self) -> dict[str, bytes]:
        """Return the bytes of every file below the tree, the wizard's own files too, in the order of their paths."""
        files = (path for path in sorted(self.tree.rglob("*")) if path.is_file())
        return {path.relative_to(self.tree).as_posix(): path.read_bytes() for path in files}

    def files(self) -> dict[str, bytes]:
        """Return the bytes of the tree's own files."""
        return {path: data for path, data in self.everything().items() if not path.startswith(STATE)}

    def times(self) -> dict[str, int]:
        return {path: (self.tree / path).stat().st_mtime_ns for path in self.everything()}

    def copy(self, home: Path) -> Deployment:
        """Copy it to *home*, where it is as if it had stood there from the beginning."""
        copy = Deployment(Path(shutil.copytree(self.home, home)))
        if copy.pins.exists():
            copy.pins.write_text(copy.pins.read_text().replace(str(self.tree.resolve()), str(copy.tree.resolve())))
        return copy

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace *old*, which must stand in the file once or more, by *new*."""
        file = self.tree / path
        data = file.read_bytes()
        assert old.encode() in data, f"{old!r} is not in {path}"
        file.write_bytes(data.replace(old.encode(), new.encode()))


def originals(name: str) -> dict[str, bytes]:
    """Return the bytes of the files of one of the three trees."""
    source = SOURCES[name]
    return {path.relative_to(source).as_posix(): path.read_bytes() for path in source.rglob("*") if path.is_file()}
