"""What the tree itself fills in when it is built or started: by a script's substitution, or by kustomize.

Such a token is the tree's own business. Pure: found by reading the scripts and kustomizations of the manifests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wizard import contexts, manifests, placeholders
from wizard.manifests import Path, Scalar
from wizard.placeholders import Placeholder
from wizard.resources import Leaf, Manifest, Resource


def named(tool: str) -> str:
    """Return the pattern of *tool* as a word of its own, behind an escape for a line end, too; what it begins with is
    found at once."""
    return rf"{tool}(?!\w)(?:(?<!\w{tool})|(?<=\\\w{tool}))"


# Each is looked for apart: that is ten times as fast as a choice.
_NAMES = ("sed", "perl", "awk", "gsub", "replace")
_TOOLS = tuple(re.compile(named(tool)) for tool in _NAMES)
_IN_BYTES = tuple((tool.encode(), re.compile(named(tool).encode())) for tool in _NAMES)
_SED = re.compile(r"\bs([/|#@,:!~])((?:(?!\1).)+)\1")  # sed's and perl's command, whatever parts it
_CALL = re.compile(r"\b(?:gsub|sub|replace(?:_?all)?)\(\s*([/\"'])((?:(?!\1).)+)\1", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_COMMANDS = ("command", "args")


@dataclass(frozen=True)
class Field:
    """A field that kustomize replaces: what selects the objects ('' for any), and the path of the field in them."""

    kind: str
    name: str
    namespace: str
    path: Path

    def holds(self, leaf: Leaf) -> bool:
        """Say whether *leaf* is the field or stands in it."""
        resource, path = leaf.resource, leaf.path[: len(self.path)]
        pairs = ((self.kind, resource.kind), (self.name, resource.name), (self.namespace, resource.namespace))
        return (
            all(want in ("", has) for want, has in pairs)
            and len(path) == len(self.path)
            and all(map(_fits, self.path, path))
        )


@dataclass(frozen=True)
class Consumed:
    """The tokens that scripts replace when they run, and the fields that kustomize replaces when it builds."""

    tokens: frozenset[str] = frozenset()
    fields: tuple[Field, ...] = ()

    def takes(self, leaf: Leaf, found: Placeholder) -> bool:
        """Say whether the tree itself fills in *found*.

        No script reads an entry of a Secret that is a placeholder and nothing else, nor the value of a container's
        variable: those are for the operator.
        """
        if any(field.holds(leaf) for field in self.fields):
            return True
        is_variable = leaf.path[-1:] == ("value",) and "env" in leaf.path[-3:-1]
        is_whole = (leaf.is_secret or is_variable) and leaf.text.strip() == found.token
        return not is_whole and found.token in self.tokens


def find(tree: Iterable[Manifest]) -> Consumed:
    """Return what the scripts and the kustomizations of *tree* fill in."""
    tokens: set[str] = set()
    fields: list[Field] = []
    tools = (manifest for manifest in tree if _names_a_tool(manifest.text) or "replacements" in manifest.text)
    for resource in (resource for manifest in tools for resource in manifest.resources):
        for leaf in resource.leaves.values():
            tokens.update(_replaced(leaf))
        if _is_kustomization(resource):
            fields += _fields(resource)
    return Consumed(frozenset(tokens), tuple(fields))


def may_fill_in(manifest: Manifest) -> bool:
    """Say whether *manifest* can fill in a placeholder elsewhere: a scan that errs towards yes."""
    data = manifest.data
    names_a_tool = any(word in data and tool.search(data) for word, tool in _IN_BYTES)
    return b"replacements" in data or (names_a_tool and manifest.is_hinted)


def _names_a_tool(text: str) -> bool:
    return any(tool.search(text) is not None for tool in _TOOLS)


def _replaced(leaf: Leaf) -> Iterator[str]:
    is_argument = any(step in _COMMANDS for step in leaf.path)
    if not (is_argument or _names_a_tool(leaf.text)):
        return
    for line in leaf.text.splitlines():
        if contexts.is_comment_line(line):
            continue
        for pattern in (match[2] for each in (_SED, _CALL) for match in each.finditer(line)):
            if _WORD.fullmatch(pattern):
                yield pattern
            yield from (found.token for found in placeholders.find(pattern))


def _is_kustomization(resource: Resource) -> bool:
    name = resource.manifest.path.rpartition("/")[2].lower()
    return resource.kind == "Kustomization" or name.partition(".")[0] == "kustomization"


def _fields(resource: Resource) -> Iterator[Field]:
    """Yield the targets of ``replacements:`` (kustomize's ReplacementTransformer)."""
    for replacement in manifests.items(resource.get("replacements")):
        for target in manifests.items(manifests.get(replacement, ("targets",))):
            kind, name, namespace = (manifests.text_at(target, "select", key) for key in ("kind", "name", "namespace"))
            for path in manifests.items(manifests.get(target, ("fieldPaths",))):
                if isinstance(path, Scalar):
                    yield Field(kind, name, namespace, _steps(path.value))


def _steps(field_path: str) -> Path:
    """Return our path of kustomize's: ``spec.containers.[name=web].env.0.value``, with ``\\.`` for a dot in a key."""
    steps = [step.replace("\\.", ".") for step in re.split(r"(?<!\\)\.", field_path)]
    return tuple(f"[{step}]" if step.isdecimal() else step for step in steps)


def _fits(want: str, step: str) -> bool:
    return want == step or (want == "*" and step.startswith("["))
