"""What must be in step: the copies of one secret, and the names that are the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wizard import catalogue, filling
from wizard.finding import Finding, at
from wizard.sites import Site
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what is out of step."""
    yield from _differing(survey.found.sites)


def _differing(found: Iterable[Site]) -> Iterator[Finding]:
    by_value: dict[str, list[Site]] = {}
    for site in found:
        if site.value and not site.token and (catalogue.is_kept(site.value) or site.value in _SAME_EVERYWHERE):
            by_value.setdefault(site.value, []).append(site)
    for name, group in by_value.items():
        first = filling.read(name, group[0].text)
        others = [site for site in group if filling.read(name, site.text) != first]
        for site in others[:1]:
            message = f"{name} has different values here and at {group[0].position}."
            yield at(
                site.position,
                "secrets-differ",
                message,
                "Make them equal, or run with --adopt or --restore: matrix-wizard setup",
            )


_SAME_EVERYWHERE = frozenset({"server-name", "li-allowed-cidrs"})
