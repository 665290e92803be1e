"""``python -m bench.hunting [COMMITS]``: how long ``hunt`` takes to read a repository, beside git reading it alone.

The floor is ``git cat-file --batch --batch-all-objects``, its output thrown away. The whole program is measured on the
bundled tree, filled: once with nothing planted, once with one secret in every encoding, each in a commit of its own.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import random
import shutil
import statistics
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from bench.__main__ import Programs

RUNS, NAME = 5, "turn-secret"
ENCODINGS: tuple[Callable[[bytes], bytes], ...] = (
    bytes,
    *(lambda text, n=shift: base64.b64encode(b"x" * n + text) for shift in range(3)),
    lambda text: base64.encodebytes(b"y" * 41 + text),
    lambda text: base64.b64encode(base64.b64encode(text)),
    lambda text: b"".join(b"%%%02x" % each for each in text),
    lambda text: json.dumps({"url": quote(text)}).encode(),
    lambda text: b"$'" + b"".join(b"\\x%02x" % each for each in text) + b"'",
    binascii.hexlify,
)


def history(commits: int, plants: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a stream for ``git fast-import``: commits that each change one of 200 manifests; *plants* among them."""
    stream, at = (
        [b"feature done\n"],
        {commits // (len(plants) + 1) * (number + 1): one for number, one in enumerate(plants)},
    )
    for number in range(commits):
        words = "".join(chance.choices(string.ascii_letters + string.digits + "  \n", k=1500))
        text = b"kind: ConfigMap\ndata:\n  a: |\n" + words.encode() + at.get(number, b"")
        message = f"Change {number}"
        stream.append(
            f"commit refs/heads/main\ncommitter A <a@b> {1700000000 + number} +0000\ndata {len(message)}\n{message}\n"
            f"M 644 inline configs/{number % 200}.yaml\ndata {len(text)}\n".encode()
            + text
            + b"\n"
        )
    return b"".join(stream) + b"done\n"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.hunting")
    parser.add_argument("commits", nargs="?", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    given = parser.parse_args(argv)
    print(
        f"seed {given.seed}\n\n"
        "| planted | found | ours, ms | git alone, ms | ratio |\n| ---: | ---: | ---: | ---: | ---: |"
    )
    chance = random.Random(given.seed)  # noqa: S311 - what is random here keeps nothing secret
    home = Path(tempfile.mkdtemp(prefix="hunting-"))
    try:
        for plants in ((), ENCODINGS):
            row(home / str(len(plants)), given.commits, plants, chance)
    finally:
        shutil.rmtree(home)
    return 0


def row(home: Path, commits: int, plants: Sequence[Callable[[bytes], bytes]], chance: random.Random) -> None:
    home.mkdir()
    programs, tree = Programs(home), home / "tree"
    programs.setup(tree)
    words = ("--tree", str(tree), "--identity", str(tree.with_suffix(".key")))
    wizard = [str(Path(sys.executable).with_name("matrix-wizard"))]
    text = subprocess.run([*wizard, "show", NAME, *words], capture_output=True, check=True).stdout.strip()
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=home, check=True)
    stream = history(commits, [spell(text) for spell in plants], chance)
    subprocess.run(["git", "fast-import", "--quiet", "--done"], cwd=home, input=stream, check=True)
    ours, floor, found = [], [], 0
    for number in range(RUNS + 1):
        seconds, told = timed([*wizard, "hunt", NAME, "--json", *words], home)
        found = sum(each["kind"] == "blob" for each in json.loads(told)["found"])
        alone, _ = timed(["git", "cat-file", "--batch", "--batch-all-objects"], home)
        if number:
            ours.append(seconds)
            floor.append(alone)
    ratio = statistics.median(one / least for one, least in zip(ours, floor, strict=True))
    middle = (statistics.median(each) * 1000 for each in (ours, floor))
    print(f"| {len(plants)} | {found} | {' | '.join(f'{each:.0f}' for each in middle)} | {ratio:.1f} |", flush=True)


def timed(command: list[str], at: Path) -> tuple[float, bytes]:
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=at, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return time.perf_counter() - begin, done.stdout


if __name__ == "__main__":
    sys.exit(main())
