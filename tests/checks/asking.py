"""Small trees asked of ``check`` as a pipeline asks: files in, findings out; no vault, no answers, no setup before."""

from __future__ import annotations

from collections.abc import Mapping

from wizard.check import check
from wizard.finding import Finding
from wizard.structure import Tree
from wizard.survey import Surroundings, survey

NOW = "2026-11-27T00:00:00Z"


def found(files: Mapping[str, str] | str, *, now: str = NOW, around: Surroundings | None = None) -> list[Finding]:
    """Return the findings about a tree of *files* by their paths, or of one file ``a.yaml``, in the order of places."""
    texts = {"a.yaml": files} if isinstance(files, str) else files
    tree = Tree({path: text.encode() for path, text in texts.items()})
    every = check(survey(tree, None, now, lambda: around or Surroundings()))
    return sorted(every, key=lambda each: (each.file, each.line, each.column))


def told(files: Mapping[str, str] | str, rule: str, *, now: str = NOW) -> list[str]:
    """Return ``file:line`` of each finding of one *rule*."""
    return [f"{each.file}:{each.line}" for each in found(files, now=now) if each.id == rule]
