"""Meanings: which value a placeholder, or a text in its place, stands for.

Token alone never decides (DESIGN, law 4): a meaning follows from the words, the key, the object, and the instance.
Pure; knows no record and no answer.
"""

from __future__ import annotations

from collections.abc import Container

from wizard import catalogue, contexts, mint, placeholders
from wizard.catalogue import Row
from wizard.mint import Recipe
from wizard.placeholders import Hint, Placeholder
from wizard.resources import Leaf


def known_place(leaf: Leaf, key: str, own: Container[str] = ()) -> Row | None:
    """Return the row that lives under *key* of *leaf*, by the object's name or as a server's setting, or None."""
    resource = leaf.resource
    row = catalogue.by_place(resource.kind, resource.name, key)
    row = row or catalogue.by_setting(*contexts.setting_of(leaf, key), f"{resource.manifest.path} {resource.name}")
    if row is None and (variable := contexts.variable_of(leaf)):
        row = catalogue.by_variable(variable, placeholders.role(variable), resource.name)
    return catalogue.twin(row, resource.instance, own)


def meaning(found: Placeholder, leaf: Leaf, key: str, own: Container[str] = ()) -> Row | None:
    """Return the row that the placeholder *found* stands for under *key* (the last key before it), None if unknown.

    *own*: what the LI instance has for itself, see ``catalogue.own_services``.
    """
    kind, instance = leaf.resource.kind, leaf.resource.instance
    if found.family == "token":
        named = catalogue.by_role(found.role, instance, own)
        known = known_place(leaf, key, own)
        return known if known and (named is None or found.role in catalogue.GENERIC_ROLES) else named
    if found.family == "email":
        return catalogue.BY_NAME["tls-email"] if kind in catalogue.EMAIL_KINDS and key == "email" else None
    words = placeholders.role(key)
    if found.family == "address":
        row = catalogue.by_role(words, instance)
        return row if row and row.name in catalogue.ADDRESSES else None
    host = catalogue.by_host(found.role)
    is_homeserver = host is None or host.name in catalogue.HOMESERVER_NAMES
    is_name = words in catalogue.SERVER_NAME_KEYS and (host is None or host.name not in catalogue.OTHER_SERVERS)
    if leaf.path[-3:-1] == catalogue.ROOM_DIRECTORY or is_name or (words in catalogue.REALM_KEYS and is_homeserver):
        return catalogue.BY_NAME["server-name"]
    return host


def recipe(hint: Hint | None) -> Recipe | None:
    """Return what *hint* asks for, None where it asks for nothing or for what cannot be made."""
    is_makeable = hint is not None and (hint.size is None or hint.size in mint.KINDS[hint.kind].sizes)
    return Recipe(hint.kind, hint.size) if hint and is_makeable else None
