"""The families of rules: each a function from a survey to findings, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wizard.checks import instep, left, liaccess, wellformed
from wizard.finding import Finding
from wizard.survey import Survey

FAMILIES: tuple[Callable[[Survey], Iterator[Finding]], ...] = (
    left.findings,
    instep.findings,
    wellformed.findings,
    liaccess.findings,
)
