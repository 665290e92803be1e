"""What making one secret of each kind costs: `python -m bench.making` prints kind, median and worst in milliseconds.

The first making of a kind also imports its package, and is shown apart: a run of the wizard pays it once.
"""

from __future__ import annotations

import statistics
import time

from wizard import mint
from wizard.secret import Secret

ROUNDS = 15


def milliseconds(kind: str) -> float:
    begin = time.perf_counter()
    if kind == "htpasswd":
        mint.htpasswd("admin", Secret("correct horse battery staple"))
    else:
        mint.make(mint.Recipe(kind))
    return (time.perf_counter() - begin) * 1000


def main() -> None:
    print(f"{'kind':<16} {'first':>8} {'median':>8} {'worst':>8}")
    for kind in (*mint.KINDS, "htpasswd"):
        first, *later = (milliseconds(kind) for _ in range(ROUNDS + 1))
        print(f"{kind:<16} {first:8.2f} {statistics.median(later):8.2f} {max(later):8.2f}")


if __name__ == "__main__":
    main()
