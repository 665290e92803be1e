"""Every site of the three trees holds its value, as two other parsers than ours read it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .conftest import Filled
from .faults import FAULTS, errors
from .reading import Objects, Row, by_kubectl, by_pyyaml, documents, find, rows
from .runs import originals

WHOLE = {"signing-key", "li-admin-htpasswd", "apns-key", "fcm-service-account", "key-vault-rsa-key", "smtp-from"}
NOT_SHOWN = "(show does not list it)"


def test_every_site_holds_its_value_as_pyyaml_reads_it(filled: Filled) -> None:
    objects = by_pyyaml(filled.deployment.files())
    places = wrong(filled, objects)
    assert places == []


def test_every_site_holds_its_value_as_kubectl_reads_it(full: Filled) -> None:
    objects = by_kubectl(full.deployment.files(), full.deployment.tree)
    assert len(objects) >= 10
    places = wrong(full, objects)
    assert places == []


def test_what_is_switched_off_stays_as_it_was_or_is_not_copied(filled: Filled) -> None:
    if filled.level == "everything":
        return
    before, after = originals(filled.tree), filled.deployment.files()
    off = [path for path in before if any(part in path for part in ("livekit", "sygnal", "email-secret", "metallb"))]
    assert [path for path in off if path in after and after[path] != before[path]] == []
    assert filled.tree != "bundled" or not set(off) & after.keys()


def test_nothing_is_left_to_find_and_all_values_agree(filled: Filled) -> None:
    found = filled.deployment.run("check", "--json")
    assert errors(found.data, filled.tree) == []
    assert found.data["ready"] == (filled.tree not in FAULTS)


def wrong(filled: Filled, objects: Objects) -> list[str]:
    """Return the sites that do not hold what ``show`` reveals. No text of a value is among what is returned."""
    before = by_pyyaml(originals(filled.tree))
    is_on = filled.level == "everything"
    by_leaf: dict[Any, list[Row]] = defaultdict(list)
    for row in rows(filled.tree):
        if (is_on or not row.part) and row.file in objects:
            by_leaf[row.leaf].append(row)
    return [str(group[0]) for group in by_leaf.values() if not _holds(group, before, objects, filled.values)]


def _holds(group: list[Row], before: Objects, after: Objects, values: Mapping[str, str]) -> bool:
    row = group[0]
    if row.value == "fcm-service-account":
        outer = row.path[: row.path.index("~")]
        text = find(after, Row(row.file, row.document, outer, row.token, row.value))
        return bool(json.loads(text) == json.loads(values.get(row.value, NOT_SHOWN)))
    found = find(after, row)
    if row.commented:
        return str(found) == values.get(row.value, NOT_SHOWN)
    old = find(before, row)
    if row.value == "key-vault-rsa-key":
        return _is_whole_key(found, values.get(row.value, NOT_SHOWN), "RSA " if "BEGIN RSA" in old else "")
    if row.value in WHOLE:
        return str(found).rstrip("\n") == values.get(row.value, NOT_SHOWN).rstrip("\n")
    texts = {each.token: values.get(each.value, NOT_SHOWN) for each in group}
    pattern = "|".join(rf"(?<![\w.-]){re.escape(token)}(?![\w.-]*\w)" for token in sorted(texts, key=len, reverse=True))
    return _code(str(found)) == _code(re.sub(pattern, lambda match: texts[match[0]], str(old)))


def _code(text: str) -> list[str]:
    return [line for line in text.split("\n") if not line.lstrip().startswith(("#", "--"))]


def _is_whole_key(found: str, shown: str, header: str) -> bool:
    is_pem = re.fullmatch(
        rf"-----BEGIN {header}PRIVATE KEY-----\n[\w+/=\n]+\n-----END {header}PRIVATE KEY-----\s*", found
    )
    there, kept = (load_pem_private_key(text.encode(), None) for text in (found, shown))
    assert isinstance(there, RSAPrivateKey) and isinstance(kept, RSAPrivateKey)
    return bool(is_pem) and there.private_numbers() == kept.private_numbers()


def test_the_oracle_covers_the_trees() -> None:
    assert [len(rows(tree)) for tree in ("checklist", "dress")] == [93, 69]
    assert {row.value for row in rows("bundled")} >= {"signing-key", "metallb-pool", "fcm-project-id", "smtp-password"}
    assert len(documents("a: 1\n---\nb: 2\n")) == 2
