"""Proof before anything touches the disk: the new text reads as the old one with the edits made, and nothing else.

DESIGN, law 1: parse to locate, splice to write, re-parse to prove. A failure here is a bug of ours, told as a refusal
so that it costs nobody a tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wizard import lenses
from wizard.errors import Problem, RefusedError
from wizard.lenses import Edit, View
from wizard.manifests import Path
from wizard.resources import Leaf, Manifest
from wizard.sites import Site


def prove(before: Manifest, after: Manifest, edits: Mapping[View, Sequence[Edit]], sites: Iterable[Site]) -> None:
    """Raise RefusedError unless *after* reads as *before* with *edits* made, scalar by scalar, embedded ones too.

    *sites* are the places that the edits fill; every scalar outside them must read as it did.
    """
    sites = list(sites)
    owned = {
        (site.document, site.path) for site in sites if site.leaf and (site.start, site.end) == (0, len(site.around))
    }
    old, new = _texts(before, owned), _texts(after, owned)
    if old.keys() != new.keys():
        _refuse(before)
    touched = {
        (site.leaf.resource, site.path[:length])
        for site in sites
        if site.leaf and site.manifest is before
        for length in range(len(site.path) + 1)
    }
    for place, leaf in old.items():
        expected = leaf.text
        if (leaf.resource, leaf.path) in touched:
            within = {view: of_view for view, of_view in edits.items() if _is_within(view, leaf.view)}
            expected = lenses.apply(leaf.text, lenses.render(within, until=leaf.view))
        if new[place].text != expected:
            _refuse(before)


def _texts(manifest: Manifest, owned: set[tuple[str, Path]]) -> dict[tuple[int, str, Path], Leaf]:
    """Return the leaves by place; what stands inside a text that one value owns as a whole is that value's own."""
    return {
        (number, resource.ref, path): leaf
        for number, resource in enumerate(manifest.resources)
        for path, leaf in resource.leaves.items()
        if leaf.nested is None or (resource.ref, path[: path.index("~")]) not in owned
    }


def _is_within(view: View, outer: View) -> bool:
    here: View | None = view
    while here is not None and here != outer:
        here = here.outer
    return here is not None


def _refuse(manifest: Manifest) -> None:
    raise RefusedError(
        Problem(
            "The edited file would not read back as planned, so nothing was written.",
            manifest.path,
            "This should not happen: please report it with the shape of the file, without its secrets.",
        )
    )
