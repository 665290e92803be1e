"""``dbus-run-session -- python -m bench.keyring``: what a key in the keyring adds to a run, against one in a file.

Needs gnome-keyring. Both runs are `vault recipients list`, which does nothing but open the vault; they take turns.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WIZARD = Path(sys.executable).with_name("matrix-wizard")
TREE = "kind: Secret\nmetadata: {name: turn, namespace: matrix}\nstringData: {secret: CHANGEME_TURN_SECRET}\n"
RUNS = 31


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        (home / "run").mkdir(mode=0o700)
        os.environ.update(HOME=scratch, XDG_DATA_HOME=f"{scratch}/data", XDG_RUNTIME_DIR=f"{scratch}/run")
        subprocess.run(["gnome-keyring-daemon", "--unlock", "--components=secrets"], input=b"\n",
                       stdout=subprocess.DEVNULL, check=True)  # fmt: skip
        both = {"keyring": [], "file": ["--identity", str(home / "key.txt")]}
        for name, options in both.items():
            (home / name).mkdir()
            (home / name / "turn.yaml").write_text(TREE)
            _run("setup", "--set", "domains.base=chat-corp.net", "--no-input", "--yes", "--tree", home / name, *options)
        listed = {name: ("vault", "recipients", "list", "--tree", home / name, *more) for name, more in both.items()}
        times = [{name: _run(*words) for name, words in listed.items()} for _ in range(RUNS)]
        print("| of | runs | in the keyring, ms | in a file, ms | more, ms |\n| --- | ---: | ---: | ---: | ---: |")
        for clock, what in enumerate(("the wall", "the processor")):
            columns = [[each[name][clock] * 1000 for each in times] for name in both]
            more = [one - other for one, other in zip(*columns, strict=True)]
            print(f"| {what} | {RUNS} | {' | '.join(map(_shown, [*columns, more]))} |")


def _run(*words: object) -> tuple[float, float]:
    """Return the seconds that one run takes: by the clock, and of the processor, which other work does not lengthen."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(list(map(str, [WIZARD, *words])), stdin=subprocess.DEVNULL, capture_output=True, check=True)
    end, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    return end - begin, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _shown(numbers: list[float]) -> str:
    low, middle, high = statistics.quantiles(numbers, n=4)
    return f"{middle:.1f} ({low:.1f}–{high:.1f})"


if __name__ == "__main__":
    main()
