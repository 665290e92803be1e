"""Annotations of Ingresses that nobody reads: those of another controller, and those with a slip in their names."""

from __future__ import annotations

from collections.abc import Iterator

from wizard import access, annotationnames
from wizard.controllers import CONTROLLERS, Controller
from wizard.finding import Finding, at
from wizard.resources import Resource
from wizard.rules import Severity
from wizard.survey import Survey


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield the annotations that are in vain; on an LI host one that was to guard it is an error."""
    for ingress in survey.of_kind("Ingress"):
        if not ingress.manifest.actions:
            yield from _of_others(ingress)
            yield from _misspelt(ingress)


def _of_others(ingress: Resource) -> Iterator[Finding]:
    """Annotations for another controller than the one that reads this Ingress: they are in vain."""
    readers = access.readers(ingress)
    for other in (each for each in CONTROLLERS if readers and each not in readers):
        theirs = [key for key in access.notes(ingress) if key.startswith(other.signs)]
        if theirs:
            guards = [key for key in theirs if ingress.instance == "li" and key in _guards(other)]
            first = (guards or theirs)[0]
            who = " or ".join(each.name for each in readers)
            more = f" and {len(theirs) - 1} more" if len(theirs) > 1 else ""
            message = f"{ingress.ref}: {who} does not read {first}{more}, which {other.name} does."
            fix = f"Say it in the annotations of {who}, or give the Ingress the class of {other.name}."
            yield at(_place(ingress, first), "annotation-unread", message, fix, "error" if guards else None)


def _misspelt(ingress: Resource) -> Iterator[Finding]:
    """Annotations that nobody knows, and that are another one with a slip in it."""
    for key in access.notes(ingress):
        meant = annotationnames.meant(key)
        if meant:
            is_guard = ingress.instance == "li" and any(meant in _guards(each) for each in CONTROLLERS)
            message = f"{ingress.ref}: nobody reads {key}, which is {meant} with a slip in it."
            severity: Severity | None = "error" if is_guard else None
            yield at(_place(ingress, key), "annotation-misspelt", message, f"Write {meant}.", severity)


def _guards(controller: Controller) -> frozenset[str]:
    keys = (controller.allow_list, controller.asks, *controller.older, *controller.newer, *controller.auth.values())
    return frozenset(key for key in (*keys, access.MIDDLEWARES if controller.middlewares else "") if key)


def _place(ingress: Resource, key: str) -> str:
    node = ingress.get(*access.ANNOTATIONS, key) or ingress.node
    return ingress.manifest.position(node.start)
