"""The strict schemas of Kubernetes by version, in which an unknown field is an error. PyPI: kubernetes-validate.

Its own `validate` reads a megabyte for each document; here each version is read once.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema
from kubernetes_validate.utils import all_versions
from referencing import Registry, Resource

OLDEST = (1, 28)  # what the checklist asks for (its section 1)
Document = dict[str, Any]


def versions() -> list[str]:
    """Return the versions from the oldest that the tree is made for to the newest that is known."""
    found = {tuple(map(int, each.split(".")[:2])) for each in all_versions()}
    return [f"{major}.{minor}" for major, minor in sorted(each for each in found if each >= OLDEST)]


def is_known(document: Document) -> bool:
    """Say whether an object is of Kubernetes' own kinds."""
    return _schema(versions()[-1], _name(document)) is not None


def problems(document: Document, version: str) -> list[str]:
    """Return what is wrong with an object of one of Kubernetes' own kinds, each with its place."""
    return _told(_validator(version, _name(document)), document)


def problems_by(schema: Document, document: Document) -> list[str]:
    """Return what is wrong with *document* by another *schema*, which may refer to types of `core`."""
    newest = versions()[-1]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://kubernetes.io/api/own"}
    return _told(jsonschema.Draft202012Validator(head | schema, registry=_registry(newest)), document)


def core(name: str) -> Document:
    """Return a reference to a type of Kubernetes' own that other kinds hold, ``ResourceRequirements`` for one."""
    return {"$ref": f"/api/_definitions.json#/$defs/io.k8s.api.core.v1.{name}"}


def _told(validator: Any, document: Document) -> list[str]:
    return [f"{'.'.join(map(str, each.absolute_path))}: {each.message}" for each in validator.iter_errors(document)]


def _name(document: Document) -> str:
    group, _, version = document["apiVersion"].rpartition("/")
    return "-".join(filter(None, [document["kind"].lower(), group.partition(".")[0], version])) + ".json"


@cache
def _schema(version: str, name: str) -> Document | None:
    file = files("kubernetes_validate") / f"kubernetes-json-schema/v{version}.0-local-strict/{name}"
    return dict(json.loads(file.read_text())) if file.is_file() else None


@cache
def _registry(version: str) -> Any:
    definitions = _schema(version, "_definitions.json")
    assert definitions
    return Resource.from_contents(definitions) @ Registry()


@cache
def _validator(version: str, name: str) -> Any:
    schema = _schema(version, name)
    assert schema, f"Kubernetes {version} has no {name}"
    return jsonschema.Draft202012Validator(schema, registry=_registry(version))
