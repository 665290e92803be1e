"""The families of rules: each a function from a survey to findings, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wizard.checks import clusters, instep, left, liaccess, synapsefacts, twins, wellformed
from wizard.finding import Finding
from wizard.survey import Survey

FAMILIES: tuple[Callable[[Survey], Iterator[Finding]], ...] = (
    left.findings,
    instep.findings,
    twins.findings,
    clusters.findings,
    wellformed.findings,
    liaccess.findings,
    synapsefacts.findings,
)
