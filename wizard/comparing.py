"""The comparison with a cluster, which `check --live` asks for: read by kubectl's `get` alone, nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from shlex import quote

from wizard import cluster, drift, stepping
from wizard.cluster import Source
from wizard.drift import Item, Live, Place
from wizard.errors import Problem, RefusedError, UsageError
from wizard.finding import Finding
from wizard.opening import Where
from wizard.review import count
from wizard.survey import Survey


def compared(where: Where, source: Source, survey: Survey, known: str | None) -> list[Finding]:
    """Return where the cluster differs from the tree.

    *known*: the context that was confirmed for the tree, "" for none, None where its vault was not opened. UsageError
    where no context is named or confirmed, and where kubectl fails; RefusedError for another than the confirmed one."""
    context = _context(source, known)
    want = drift.wanted(survey, source.namespace)
    where.mention(f"Comparing {count(len(want.objects), 'object')} with the context {context} …")
    live = Live(context, str(where.tree), {each: _objects(context, each, names) for each, names in want.names.items()})
    pods = {ref: cluster.pods(context, *place) for ref, place in drift.selectors(want, live).items()}
    return list(drift.findings(want, replace(live, pods=pods)))


def _context(source: Source, known: str | None) -> str:
    if source.context:
        if known and source.context != known:
            what = f"The cluster of this tree is {known}, and not {source.context}."
            fix = "Leave --context out. If the tree has moved, matrix-wizard next confirms the other one."
            raise RefusedError(Problem(what, "", fix))
        return source.context
    current = cluster.current_context()
    if not known:
        what = f"Which cluster is compared has to be said: kubectl's current context is {current}."
        raise UsageError(Problem(what, "", f"Give --context {quote(current)}, or another."))
    stepping.refuse_elsewhere(current, known)
    return known


def _objects(context: str, place: Place, names: Sequence[str]) -> list[Item] | None:
    try:
        return list(cluster.objects(context, *place, names))
    except cluster.UnknownKindError:
        return None
