"""Whether kustomize builds what is in use: listed files that are not there, and files in use that are not listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from wizard import kustomizations, rollout
from wizard.finding import Finding, at, of_file
from wizard.resources import Resource
from wizard.survey import Survey

_RULE = "kustomization-list"
_SETUP = "To put the list in step: matrix-wizard setup"


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield each file that a kustomization lists wrongly, or, if its list is kept here, should list."""
    homes: dict[str, str] = {}
    reasons = cache(lambda: _reasons(survey))
    for resource in kustomizations.of(survey.every):
        path = resource.manifest.path
        first = homes.setdefault(kustomizations.home(resource), path)
        if first != path:
            yield of_file(path, _RULE, f"{first} stands in the same directory: kustomize takes neither.", "Remove one.")
        yield from _missing(resource, survey)
        if kustomizations.is_kept(resource):
            yield from _out_of_step(resource, reasons())


def _missing(resource: Resource, survey: Survey) -> Iterator[Finding]:
    for path, item in kustomizations.listed(resource).items():
        if path not in survey.tree.files and not _is_linked(path, survey):
            where = resource.manifest.position(item.start)
            message = f"{path} is listed here, and there is no such file."
            fix = _SETUP if kustomizations.is_kept(resource) else "Take the line out, or put the file there."
            yield at(where, _RULE, message, fix)


def _is_linked(path: str, survey: Survey) -> bool:
    """Whether *path* leads through a symlink. Asked for files that are missed alone: git is asked together with it."""
    return any(path == link or path.startswith(f"{link}/") for link in survey.surroundings.links)


def _reasons(survey: Survey) -> dict[str, str]:
    """Return why each file below a list that is kept here is not to be applied, '' where it is.

    What else there is in the tree is of no concern but for others that build those files."""
    kept = filter(kustomizations.is_kept, kustomizations.of(survey.every))
    homes = tuple(kustomizations.home(each) for each in kept)
    near = (each for each in survey.every if each.path.startswith(homes) or kustomizations.is_named(each.path))
    return rollout.reasons(near, survey.scope)


def _out_of_step(resource: Resource, reasons: Mapping[str, str]) -> Iterator[Finding]:
    listed, home = kustomizations.listed(resource), kustomizations.home(resource)
    for path, item in listed.items():
        if why := reasons.get(path):
            yield at(resource.manifest.position(item.start), _RULE, f"{path} is listed here, and it is {why}.", _SETUP)
    found = resource.get(kustomizations.LIST)
    where = resource.manifest.position((found or resource.node).start)
    for path, why in reasons.items():
        if not why and path.startswith(home) and path not in listed:
            yield at(where, _RULE, f"{path} is in use, and it is not listed here.", _SETUP)
