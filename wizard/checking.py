"""The verbs that tell whether a tree is fit to deploy, and what a finding means."""

from __future__ import annotations

from wizard import check as findings
from wizard import host, onlyyou, opening, rules, sealing
from wizard import lock as locks
from wizard.errors import RefusedError, UsageError
from wizard.finding import no_such_rule
from wizard.opening import Where
from wizard.outcome import Checked
from wizard.rules import Rule
from wizard.structure import Tree
from wizard.survey import survey


def check(where: Where) -> Checked:
    """Return the findings about the tree, and what is left out of it.

    No key is touched, and of the vault only what its header tells everybody, unless the key is named: then the audit
    log is verified, one that is gone is missed, and open steps are told."""
    tree = opening.existing(where)
    data = tree.lock()
    read = locks.read(data.decode("utf-8", "replace")) if data else None
    opening_keys = sealing.count_keys(tree.vault() or b"")
    seen = survey(Tree(tree.files, instances=read.instances if read else {}), read, host.now())
    found = findings.check(seen, opening_keys)
    found += findings.of_custody(has_vault=tree.vault() is not None, has_lock=data is not None)
    log = None
    if tree.log() is not None or tree.vault() is not None:
        log = "" if where.identity else "no key is named"
        try:
            vault = opening.opened(where, is_told=False).vault if where.identity else None
            found += findings.of_log(opening.log_faults(tree, vault)) if vault else ()
            found += findings.of_steps(vault.sheets) if vault else ()
        except (RefusedError, UsageError) as error:  # it stops no finding about the tree
            log = error.problems[0].what
    return Checked(tuple(found), read.left_out if read else (), log, onlyyou.of(seen))


def explain(name: str) -> Rule:
    """Return the rule whose id is *name*. UsageError with what may have been meant where there is none."""
    if name not in rules.BY_ID:
        raise UsageError(no_such_rule(name))
    return rules.BY_ID[name]
