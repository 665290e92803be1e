"""``python -m bench.alarms DIR [--show RULE]``: what ``check`` finds in other people's repositories, counted by rule.

Each directory directly below *DIR* is one repository. Nobody there has heard of this program, and most of these
manifests run somewhere: an error there is true and can be shown to be, or it is a bug. ``--show`` lists each finding of
a rule with its message, so that somebody can look at it. Exit code 1 where ``check`` itself fails on a repository.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wizard import check, host, resources, store
from wizard.errors import RefusedError
from wizard.finding import Finding
from wizard.structure import Tree
from wizard.survey import survey


@dataclass
class Tally:
    """What was read, what was found by severity and rule, in how many repositories, and where ``check`` failed."""

    repositories: int = 0
    manifests: int = 0
    octets: int = 0
    seconds: float = 0
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    places: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def take(self, findings: Sequence[Finding]) -> None:
        """Count the findings about one repository."""
        counts = Counter((each.severity, each.id) for each in findings)
        self.found += counts
        self.places += Counter(counts.keys())


def main(arguments: Sequence[str] | None = None) -> int:
    """Check every repository below a directory, print the counts, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.alarms", description=__doc__)
    parser.add_argument("place", metavar="DIR", type=Path)
    parser.add_argument("--show", metavar="RULE", default="", help="list each finding of this rule")
    options = parser.parse_args(arguments)
    tally = Tally()
    for repository in repositories_of(options.place):
        for each in look_at(repository, tally):
            if each.id == options.show:
                print(f"{repository.name}/{each.file}:{each.line}:{each.column}: {each.severity}: {each.message}")
    report(tally)
    return 1 if tally.failures else 0


def repositories_of(place: Path) -> Iterator[Path]:
    """Yield each directory directly below *place*, links left out, in order."""
    yield from (path for path in sorted(place.iterdir()) if path.is_dir() and not path.is_symlink())


def look_at(repository: Path, tally: Tally) -> list[Finding]:
    """Return and count what ``check`` finds in one repository; what it refuses, or fails on, is noted."""
    try:
        files = store.open_tree(repository).files
    except RefusedError as error:
        tally.refused.append(f"{repository.name}: {error.problems[0].what}")
        return []
    read = [data for path, data in files.items() if resources.is_read(path)]
    tally.repositories += 1
    tally.manifests += len(read)
    tally.octets += sum(map(len, read))
    started = time.process_time()
    try:
        findings = list(check.check(survey(Tree(files), None, host.now())))
    except Exception:  # whatever it is, it is told with its place, and the next repository is read
        tally.failures.append(f"{repository.name}: {traceback.format_exc(limit=-3)}")
        return []
    tally.seconds += time.process_time() - started
    tally.take(findings)
    return findings


def report(tally: Tally) -> None:
    """Print what was read, then the findings by rule, errors first, the most frequent first."""
    print(f"{tally.repositories} repositories, {tally.manifests} files that are read as manifests")
    print(f"{tally.octets / 1e6:.1f} MB in {tally.seconds:.0f} s of the processor")
    for (severity, rule), count in sorted(tally.found.items(), key=lambda item: (item[0][0], -item[1])):
        print(f"{count:>7}  {severity:<7}  {rule}  (in {tally.places[severity, rule]} repositories)")
    for refused in tally.refused:
        print(f"refused: {refused}")
    for failure in tally.failures:
        print(f"FAILED: {failure}")


if __name__ == "__main__":
    sys.exit(main())
