"""The families of rules, group by group: each a function from a survey to findings, in the order of their telling.

``LOOKS``: what some of them look for in each object on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from wizard.checks import (
    allowlists,
    callfacts,
    certificates,
    clusters,
    databases,
    edge,
    edgefacts,
    element,
    encodings,
    expansion,
    instep,
    keeping,
    kustomizing,
    left,
    liserver,
    material,
    passwords,
    podfacts,
    policies,
    postgresfacts,
    processes,
    redisfacts,
    references,
    routes,
    scalars,
    storefacts,
    strength,
    synapsefacts,
    twins,
    unread,
    wellformed,
)
from wizard.finding import Finding
from wizard.survey import NAMES, Look, Survey

FAMILIES: tuple[Callable[[Survey], Iterator[Finding]], ...] = (
    left.findings,
    instep.findings,
    twins.findings,
    clusters.findings,
    references.findings,
    wellformed.findings,
    kustomizing.findings,
    encodings.findings,
    scalars.findings,
    material.findings,
    certificates.findings,
    strength.findings,
    synapsefacts.findings,
    processes.findings,
    databases.findings,
    podfacts.findings,
    callfacts.findings,
    expansion.findings,
    postgresfacts.findings,
    redisfacts.findings,
    storefacts.findings,
    edgefacts.findings,
    routes.findings,
    element.findings,
    allowlists.findings,
    passwords.findings,
    edge.findings,
    unread.findings,
    liserver.findings,
    policies.findings,
    keeping.findings,
)

LOOKS: tuple[Look[Any], ...] = (references.LOOK, wellformed.LOOK, scalars.LOOK, policies.LOOK, NAMES)
