"""The faults that the test trees have on purpose, and that setup leaves alone (DESIGN, law 13): check names each."""

from __future__ import annotations

from typing import Any

FAULTS = {
    "checklist": {
        "li-address-forged",  # its controller believes X-Forwarded-For, and no proxy stands before it (FACTS 4)
        "li-shares-redis",  # as the checklist's own tree, whose twins use one Redis (FACTS 2)
        "command-missing",  # envsubst in Synapse's image (FACTS 2)
        "coturn-external-ip",  # -X with a file (FACTS 3)
        "coturn-no-secret",  # in a variable alone (FACTS 3)
        "role-unmade",  # key_vault's role and database, which the cluster calls otherwise (FACTS 3; 10, 2.7)
        "owner-password-unknown",  # no initdb.secret: no password of the tree ever matches (FACTS 3)
        "minio-url",  # 9000, where the operator's Service listens on 443 (FACTS 10, 8.2)
        "subscription-in-function",  # in a DO block (FACTS 3)
    },
}

# Those of components that some answers switch off: then they are none.
OF_COMPONENTS = {
    "checklist": {"apns-both", "apns-id", "fcm-legacy", "livekit-config-body", "livekit-not-expanded"},  # FACTS 3
}


def errors(checked: Any, tree: str) -> list[str]:
    """Return what ``check --json`` gave (its data) as errors of a filled *tree*, beside the faults that it has."""
    found = [each for each in checked["findings"] if each["severity"] == "error"]
    known = FAULTS.get(tree, set())
    assert known <= {each["id"] for each in found}, "a fault on purpose is not found"
    known = known | OF_COMPONENTS.get(tree, set())
    return [f"{each['file']}:{each['line']} {each['id']}" for each in found if each["id"] not in known]
