"""A unified diff in which no secret can be read: none of ours, nor of a Secret, nor what its key calls a password."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable

from wizard import lenses, placeholders
from wizard.lenses import CannotHold, Edit, View
from wizard.resources import Leaf, Manifest
from wizard.secret import MASK
from wizard.sites import Site

CHANGED = f"{MASK} (new)"  # so that one masked value in another's place still shows as a change
# Passwords outside Secrets, as environments, configurations and URLs hold them: what stands before one, and itself.
_PASSWORD = re.compile(
    r"(?i:pass|passw(?:or)?d|passphrase|secret|token|(?:api|secret|access|private|signing)[-_.]?key|masterauth)[\"']?"
    r"(?:[ \t]*[=:][ \t]*|[ \t]+)[\"']?(?P<text>[^\s\"'$&*|>{\[#,][^\s\"',;]*)"
    r"|://[^\s/@:]*:(?P<userinfo>[^\s/\"'<>]+)@"
    r"|^[ \t]*user[ \t][^\r\n]*?[ \t]>(?P<user>\S+)",  # of an ACL of Redis
    re.MULTILINE,
)


def unified(path: str, before: str, after: str) -> str:
    """Return the unified diff of two masked texts of the file *path*, '' where they are the same."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{path}", f"b/{path}", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def masked(manifest: Manifest, sites: Iterable[Site], mask: Callable[[Site], str | None]) -> str:
    """Return the text of *manifest* with each of its *sites* as *mask* says (None: as it is), and no Secret readable.

    A value of a ``kind: Secret`` that is no site is masked too, unless a placeholder stands in it, of which the words
    alone are shown.
    """
    own = [site for site in sites if site.manifest is manifest]
    by_view: dict[View, list[Edit]] = {}
    scalars: dict[View, tuple[int, int]] = {}
    for site in own:
        new = mask(site)
        if new is not None:
            view, stood = site.view, site.around[site.start : site.end]
            by_view.setdefault(view, []).append(
                Edit(site.start, site.end, new + ("\n" if stood.endswith("\n") else ""))
            )
            scalars[view] = (site.leaf.scalar.start, site.leaf.scalar.end) if site.leaf else (site.start, site.end)
    held = {site.path for site in own}
    unread: set[tuple[int, int]] = set()  # scalars that no lens reads
    for leaf in (each for resource in manifest.resources for each in resource.leaves.values()):
        if leaf.is_secret and leaf.path not in held and not _is_open(leaf, held):
            if leaf.refusal:
                unread.add((leaf.scalar.start, leaf.scalar.end))
                continue
            by_view[leaf.view] = [Edit(0, len(leaf.text), MASK + ("\n" if leaf.text.endswith("\n") else ""))]
            scalars[leaf.view] = leaf.scalar.start, leaf.scalar.end
    unfit = unread | {scalars[view] for view, edits in by_view.items() if not _fits(view, edits)}
    fit = {view: edits for view, edits in by_view.items() if scalars[view] not in unfit}
    text = lenses.apply(manifest.text, [*lenses.render(fit), *(Edit(*span, MASK) for span in unfit)])
    return placeholders.shown_in(_PASSWORD.sub(_masked, text))


def _masked(found: re.Match[str]) -> str:
    """Return *found* with its password masked, unless a placeholder, a variable or a mask stands there."""
    group = found.lastgroup or "text"
    is_open = MASK in found[group] or "$" in found[group] or any(placeholders.find(found[group]))
    start, end = (at - found.start() for at in found.span(group))
    return found[0] if is_open else found[0][:start] + MASK + found[0][end:]


def _fits(view: View, edits: list[Edit]) -> bool:
    """Whether the mask can be written there; where it cannot, the bare mask stands for the whole scalar."""
    try:
        lenses.render({view: edits})
    except CannotHold:
        return False
    return True


def _is_open(leaf: Leaf, held: set[tuple[str, ...]]) -> bool:
    """Whether *leaf* may be shown, or is masked leaf by leaf in the document inside it."""
    is_within = any(path[: len(leaf.path)] == leaf.path or leaf.path[: len(path)] == path for path in held)
    return not leaf.text or bool(leaf.inside) or is_within or any(placeholders.find(leaf.text))
