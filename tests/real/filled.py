"""Trees filled with everything switched on, as their consumers read them, for proofs without a whole cluster."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from scripts.certificates import pem
from scripts.conftest import EVERYTHING, SMTP_PASSWORD, new_deployment, service_account
from scripts.reading import by_pyyaml, entries, every
from scripts.runs import Deployment

ALLOWED = "127.0.7.0/24"  # the addresses on loopback from which the LI instance may be reached
INSIDE, OUTSIDE = "127.0.7.9", "127.0.8.9"


@dataclass(frozen=True)
class Filled:
    """A filled tree by the name of its source."""

    name: str
    deployment: Deployment
    former: dict[str, str] = field(default_factory=dict, repr=False)  # the secrets that were renewed since

    @cached_property
    def objects(self) -> dict[str, list[Any]]:
        """Every document by file, as PyYAML reads it; shared, so not to be changed."""
        return dict(by_pyyaml(self.deployment.files()))

    def every(self, kind: str) -> dict[str, Any]:
        """Return the objects of a kind by name."""
        return every(self.objects, kind)

    def secret(self, name: str) -> dict[str, str]:
        """Return the texts of a Secret by key, as a pod gets them."""
        return entries(self.every("Secret")[name])

    def config(self, name: str) -> dict[str, str]:
        """Return the texts of a ConfigMap by key."""
        return dict(self.every("ConfigMap")[name]["data"])


Fill = Callable[[str], Filled]


def fill(home: Path, name: str, answers: str = "") -> Filled:
    """Fill a copy of the tree *name* below *home*, with everything unless *answers* are others."""
    files = home / "given"
    files.mkdir(parents=True)
    (files / "AuthKey.p8").write_text(pem(ec.generate_private_key(ec.SECP256R1())))
    (files / "fcm.json").write_text(json.dumps(service_account(), indent=2) + "\n")
    (files / "smtp-password.txt").write_text(SMTP_PASSWORD + "\n", "utf-8")
    given = answers or EVERYTHING.replace("185.60.112.0/24", ALLOWED)
    deployment = new_deployment(home / name, files, name, given)
    done = deployment.setup()
    assert done.code == 0, done.err
    return Filled(name, deployment)


RENEWED = ("s3-password", "li-admin-password", "django-secret-key", "key-vault-rsa-key", "redis-password")


def rotate(tree: Filled) -> Filled:
    """Renew the secrets that proofs without a cluster look at, and return the tree with what they were before."""
    former = {name: tree.deployment.show(name) for name in RENEWED}
    confirmed = [word for name in RENEWED for word in ("--confirm", name)]
    done = tree.deployment.run("rotate", *RENEWED, *confirmed, "--no-input", "--yes")
    assert done.code == 0, done.err
    return Filled(tree.name, tree.deployment, former)
