"""The JSON Schema of the answers file, made from the registry of questions, so that an editor completes and checks it.

Draft-07, the newest that yaml-language-server reads (UX 3). What it says is the structure of the file; what a text must
look like, and what files and variables hold, the reader alone can tell.
"""

from __future__ import annotations

from typing import Any

from wizard import mint
from wizard.questions import DECIDED, DECISIONS, GENERATED, INSTANCES, QUESTIONS, SECTIONS, UNWRITTEN, Question

DRAFT = "http://json-schema.org/draft-07/schema#"
_TYPES = {str: "string", int: "integer", list: "array"}
_RESET = {"type": "null", "description": "Back to the default."}
_SOURCE = {
    "env": "The text is in the environment variable of this name.",
    "file": "The text is in this file; a relative path starts at the directory of the answers.",
}
_TRUE = {"const": True}
_NAME = {"type": "string"}
# A scalar of any type is taken as it is spelled; what stands for a text still to be written is none.
_TEXT = {
    "type": ["string", "number", "boolean", "null"],
    "not": {"type": "string", "pattern": rf"^\s*(?:{UNWRITTEN}|\.\.\.)\s*$"},
}
_DECISIONS: dict[str, dict[str, Any]] = {
    "value": _TEXT,
    "same_as": _TEXT,
    "keep": _TRUE,
    "split": _TRUE,
    "file": _NAME,
    "env": _NAME,
}


def schema() -> dict[str, Any]:
    """Return the schema of the answers file, as JSON types alone.

    It refuses no file that the reader takes, with one exception: a choice with blanks around it. No key is required,
    not even within a section: which answers are due depends on the tree, an absent one keeps the vault's, and ``null``
    resets what it stands behind. A default is told only where it follows from nothing else.
    """
    root = _section("")
    root["properties"] |= {
        "placeholders": {
            "description": "What becomes of placeholders that the catalogue does not know.",
            "type": ["object", "null"],
            "propertyNames": {"pattern": f"^(?:{DECIDED.pattern})$"},
            "additionalProperties": {"anyOf": [*_decisions(), _RESET]},
        },
        "instances": {
            "description": "Which instance an object (Kind/namespace/name), a file or a directory belongs to, "
            "where labels, names and paths do not tell.",
            "type": ["object", "null"],
            "additionalProperties": {"enum": list(INSTANCES)},
        },
    }
    return {"$schema": DRAFT, "title": "Answers of matrix-wizard", **root, "definitions": {"source": _source()}}


def _section(prefix: str) -> dict[str, Any]:
    """Return the schema of the section all keys of which begin with the prefix ("" or "smtp.")."""
    below: dict[str, list[Question]] = {}
    for question in QUESTIONS:
        if question.key.startswith(prefix):
            below.setdefault(question.key.removeprefix(prefix).partition(".")[0], []).append(question)
    properties = {
        name: _answer(found[0]) if found[0].key == prefix + name else _section(f"{prefix}{name}.")
        for name, found in below.items()
    }
    made = _mapping(properties) | {"type": ["object", "null"]}
    if asks := SECTIONS.get(prefix[:-1]):
        made["description"] = f"{asks} A section that is there says yes, null says no."
    return made


def _answer(question: Question) -> dict[str, Any]:
    """Return the schema of one answer: written out unless it is a secret, or told where it is, or reset."""
    source: dict[str, Any] = {"$ref": "#/definitions/source"}
    written = [] if question.secret else [_written(question)]
    made: dict[str, Any] = {"description": " ".join(_said(question)), "anyOf": [*written, source, _RESET]}
    if question.default is not None and not callable(question.default):
        made["default"] = question.default
    return made


def _written(question: Question) -> dict[str, Any]:
    kind = question.kind
    made: dict[str, Any] = {"type": _TYPES[kind.yaml]}
    if kind.yaml is list:
        made |= {"items": {"type": "string"}, "minItems": 1}
    if kind.choices:
        made["enum"] = [kind.read(choice) for choice in kind.choices]
    return made


def _said(question: Question) -> list[str]:
    said = [question.help]
    if question.derived_from:
        said.append(f"Follows from {question.derived_from} unless given.")
    if question.confidential:
        said.append("Confidential: masked in every output unless asked for.")
    if question.secret:
        said.append("Secret: never written here, but as {file: PATH} or {env: NAME}.")
    return said


def _source() -> dict[str, Any]:
    """Return the schema of {env: NAME} or {file: PATH}."""
    properties = {word: {"type": "string", "description": said} for word, said in _SOURCE.items()}
    return _mapping(properties) | {"minProperties": 1, "maxProperties": 1}


def _decisions() -> list[dict[str, Any]]:
    """Return one schema for each thing that can be decided, and for each kind of secret, whose sizes differ."""
    said = {action: f"The placeholder becomes: {what}." for action, what in DECISIONS.items()}
    made = [_decision(action, {**_DECISIONS[action], "description": said[action]}) for action in _DECISIONS]
    for kind in GENERATED:
        sizes = mint.KINDS[kind].sizes
        length = {"type": "integer", "minimum": min(sizes), "maximum": max(sizes)}
        made.append(_decision("generate", {"const": kind, "description": said["generate"]}, length=length))
    return made


def _decision(action: str, value: dict[str, Any], **more: dict[str, Any]) -> dict[str, Any]:
    return _mapping({action: value, **more}) | {"required": [action]}


def _mapping(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}
