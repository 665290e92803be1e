"""``python -m bench``: one table of what matrix-wizard costs against the least that the same work can cost.

Ours and its floor take turns, after one run of each that is not counted. Every number is a median, with the quartiles
behind it. Nothing is asserted: docs/bench.md says what the ratios should be.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Any

import _ruamel_yaml as libyaml  # type: ignore[import-not-found]  # the compiled half of ruamel.yaml
import pyrage

from bench.pressing import Field
from wizard import check as checking
from wizard import manifests, placeholders
from wizard.cli import app
from wizard.resources import SUFFIXES
from wizard.structure import Tree
from wizard.survey import survey
from wizard.vault import VAULT

ROOT = Path(__file__).parents[1]
FLOORS = Path(__file__).parent / "floors"
WIZARD = Path(sys.executable).with_name("matrix-wizard")
TEMPLATES = ROOT / "templates"
# The name of each tree that is set up, and what is copied to its place before: nothing makes a new tree.
TREES = {"new tree": None, "checklist's tree": ROOT / "tests" / "trees" / "checklist"}
NO_PASSWORDS = {"signing-key", "key-vault-rsa-key", "li-admin-htpasswd"}  # all other values in the vault are passwords

ANSWERS = """\
domains: {base: chat-corp.net}
lawful_intercept: {allowed_cidrs: [10.40.16.0/24]}
tls: {mode: letsencrypt, email: ops@chat-corp.net}
"""
# Repeated, it is one long document, as `kubectl get -o yaml` prints a namespace.
ITEM = """\
- apiVersion: v1
  kind: ConfigMap
  metadata:
    name: config-{0}
    namespace: matrix
    labels: {{app: "app-{0}", matrix.instance: main}}
  data:
    plain: value {0}
    quoted: "first\\tsecond {0}"
    config.yaml: |
      server_name: matrix.example.com
      listeners:
        - port: {0}
"""

SECRET = """\
apiVersion: v1
kind: Secret
metadata: {{name: "s{0}", namespace: matrix}}
stringData: {{password: CHANGEME, word: "{1}"}}
"""

Run = Callable[[], float]


@dataclass(frozen=True)
class Case:
    """One row of the table: what is measured, how often, and one run of ours and of its floor, both in seconds."""

    name: str
    runs: int
    ours: Run
    floor: Run


@dataclass(frozen=True)
class Programs:
    """The program and its floors as processes of their own, and the directory in which they work."""

    scratch: Path
    numbers: Iterator[int] = field(default_factory=count)

    def wizard(self, *words: object) -> float:
        return self._run(WIZARD, *words)

    def floor(self, name: str, *words: object) -> float:
        return self._run(sys.executable, FLOORS / f"{name}.py", *words)

    def setup(self, tree: Path) -> float:
        answers, key = self.scratch / "answers.yaml", tree.with_suffix(".key")
        answers.write_text(ANSWERS)
        return self.wizard("setup", "--answers", answers, "--no-input", "--yes", "--identity", key, "--tree", tree)

    def setup_afresh(self, source: Path | None) -> float:
        tree = self.scratch / f"tree-{next(self.numbers)}"
        if source:
            shutil.copytree(source, tree)
        return self.setup(tree)

    def floor_of_setup(self, work: Path) -> float:
        return self.floor("setup", work, self.scratch / f"floor-{next(self.numbers)}")

    def _run(self, *command: object) -> float:
        environment = {key: text for key, text in os.environ.items() if not key.startswith(("MATRIX_WIZARD", "PYTHON"))}
        environment["PYTHONPYCACHEPREFIX"] = str(self.scratch / "bytecode")  # compiled once, as where it is installed
        begin = time.perf_counter()
        subprocess.run(
            list(map(str, command)), env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )
        return time.perf_counter() - begin


def main() -> None:
    print("| what | runs | ours, ms | floor, ms | ratio |\n| --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as scratch:
        for case in chain(runs(Programs(Path(scratch))), presses(Path(scratch)), parses(), growths()):
            case.ours()
            case.floor()
            ours, floor = zip(*((case.ours() * 1000, case.floor() * 1000) for _ in range(case.runs)), strict=True)
            ratios = [one / least for one, least in zip(ours, floor, strict=True)]
            columns = (case.name, str(case.runs), shown(ours, 1), shown(floor, 1), shown(ratios, 2))
            print(f"| {' | '.join(columns)} |", flush=True)


def shown(numbers: Sequence[float], digits: int) -> str:
    low, middle, high = statistics.quantiles(numbers, n=4)
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def runs(programs: Programs) -> Iterator[Case]:
    """The whole program, each command against a bare script."""
    for name, source in TREES.items():
        filled = programs.scratch / f"filled {name}"
        if source:
            shutil.copytree(source, filled)
        programs.setup(filled)
        work = programs.scratch / f"{name}.json"
        work.write_text(json.dumps(work_of(source or TEMPLATES, filled)))
        yield Case(f"setup, {name}", 21, partial(programs.setup_afresh, source), partial(programs.floor_of_setup, work))
        second = partial(programs.floor, "second", filled, filled.with_suffix(".key"))
        yield Case(f"setup again, {name}", 11, partial(programs.setup, filled), second)
        check = partial(programs.wizard, "check", "--tree", filled)
        yield Case(f"check, {name}", 11, check, partial(programs.floor, "check", filled))
    bare = partial(programs.floor, "help", len(app.commands), "--help")
    yield Case("--help", 21, partial(programs.wizard, "--help"), bare)


def work_of(source: Path, filled: Path) -> dict[str, Any]:
    """What setup read, made and wrote when it turned *source* into *filled*, for its floor to do the same."""
    key = filled.with_suffix(".key")
    identity = pyrage.x25519.Identity.from_str(key.read_text().splitlines()[-1])
    plain = pyrage.decrypt((filled / VAULT).read_bytes(), [identity])
    after = {path.relative_to(filled): path.read_bytes() for path in files_of(filled)}
    before = {path.relative_to(source): path.read_bytes() for path in files_of(source) if source != TEMPLATES}
    written = {str(path): len(data) for path, data in after.items() if before.get(path) != data}
    return {
        "read": [str(path) for path in files_of(source)],
        "passwords": len(json.loads(plain)["values"].keys() - NO_PASSWORDS),
        "vault": len(plain),
        "written": {**written, key.name: key.stat().st_size},
    }


def presses(scratch: Path) -> Iterator[Case]:
    """Keys in the interview's fields against a letter in questionary's own prompt; the programs end with the last."""
    bare = Field([str(FLOORS / "prompt.py")], scratch, "Name")
    names, second = "Base domain", "These names follow"
    first = Field(["-m", "wizard", "--tree", "asked"], scratch, names)
    yield Case("a letter at the first question", 41, first.press, bare.press)
    # Another tree: one run at a time asks about one.
    later = Field(["-m", "wizard", "--tree", "asked-too"], scratch, names, "chat-corp.net\r", second)
    yield Case("Shift-Tab to the question before", 41, partial(later.back_and_forth, names, second), bare.press)
    for each in (bare, first, later):
        each.child.close(force=True)


def parses() -> Iterator[Case]:
    """``manifests.parse`` against the events of the parser below it."""
    long = "apiVersion: v1\nkind: List\nitems:\n" + "".join(map(ITEM.format, range(4000)))
    paths = [path for tree in (TEMPLATES, ROOT / "tests" / "trees") for path in files_of(tree)]
    short = [path.read_bytes().decode("utf-8-sig") for path in paths if path.suffix in SUFFIXES]
    yield _parse(f"parse, one document of {len(long) / 1e6:.1f} MB", [long])
    yield _parse(f"parse, {len(short)} manifests of {sum(map(len, short)) / 1e6:.1f} MB", short)


def growths() -> Iterator[Case]:
    """Texts against their own quarter: four times the time is what four times the text may cost."""
    for what, words in (("words", "change-"), ("host labels", "your.domain."), ("underscores", "CHANGEME_")):
        find = partial(_timed, lambda text: list(placeholders.find(text)))
        yield Case(f"find, long line of {what}, 4 x", 5, partial(find, [words * 40000]), partial(find, [words * 10000]))
    yield Case("check, 400 objects, 4 x", 5, _checking(400), _checking(100))


def _checking(number: int) -> Run:
    text = "---\n".join(SECRET.format(each, "a" * 200) for each in range(number))
    return partial(
        _timed,
        lambda one: list(checking.check(survey(Tree({"a.yaml": one.encode()}), None, "2026-01-01T00:00:00Z"))),
        [text],
    )


def events(text: str) -> None:
    parser = libyaml.CParser(text)
    while parser.get_event() is not None:
        pass


def files_of(tree: Path) -> list[Path]:
    return sorted(path for path in tree.rglob("*") if path.is_file())


def _parse(name: str, texts: list[str]) -> Case:
    return Case(name, 21, partial(_timed, manifests.parse, texts), partial(_timed, events, texts))


def _timed(read: Callable[[str], object], texts: list[str]) -> float:
    begin = time.process_time()  # within one process, so that a busy neighbour counts less
    for text in texts:
        read(text)
    return time.process_time() - begin


if __name__ == "__main__":
    main()
