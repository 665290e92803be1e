"""The faults that the test trees have on purpose, and that setup leaves alone (DESIGN, law 13): check names each."""

from __future__ import annotations

from typing import Any

FAULTS = {
    "checklist": {
        "li-address-forged",  # its controller believes X-Forwarded-For, and no proxy stands before it (FACTS 4)
        "li-shares-redis",  # as the checklist's own tree, whose twins use one Redis (FACTS 2)
    },
    "dress": {
        "file-not-mounted",  # its Synapse mounts no Secret: what stands where is all that this tree is for
    },
}


def errors(checked: Any, tree: str) -> list[str]:
    """Return what ``check --json`` gave (its data) as errors of a filled *tree*, beside the faults that it has."""
    found = [each for each in checked["findings"] if each["severity"] == "error"]
    known = FAULTS.get(tree, set())
    assert known <= {each["id"] for each in found}, "a fault on purpose is not found"
    return [f"{each['file']}:{each['line']} {each['id']}" for each in found if each["id"] not in known]
