"""The S3 pair of a tree opens the object store from every place that holds it, and no other. PyPI: swift, boto3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .filled import Fill, Filled
from .objectstore import client, serving
from .pods import laid_out, objects

USER = "synapse-s3-user"
BUCKETS = {"synapse-media", "synapse-media-li", "postgresql-backups"}
# The key of a secret in a Secret, and that of the user beside it; where there is none it is USER.
KEYS = {"S3_SECRET_KEY": "S3_ACCESS_KEY", "secret-key": "access-key", "CONSOLE_SECRET_KEY": "CONSOLE_ACCESS_KEY"}
PLACES = {
    "bundled": {"minio-credentials", "synapse-secrets", "synapse-s3-credentials", "synapse-li-secrets",
                "sync-system-secrets"},
    "dress": {"minio-credentials", "synapse-secrets", "synapse-li-secrets", "sync-system-secrets"},
}  # fmt: skip
Pair = tuple[str, str]


@pytest.fixture(scope="module", params=["bundled", "rotated", "dress"])
def tree(request: pytest.FixtureRequest, filled_once: Fill) -> Filled:
    return filled_once(request.param)


@pytest.fixture(scope="module")
def port(tree: Filled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A store whose user is the one that the tree's own Job makes, with the tree's buckets."""
    given = tree.secret("minio-credentials")
    user, secret = given["CONSOLE_ACCESS_KEY"], given["CONSOLE_SECRET_KEY"]
    with serving(tmp_path_factory.mktemp("swift"), user, secret) as port:
        (tenant,) = tree.every("Tenant").values()
        for bucket in tenant["spec"]["buckets"]:
            client(port, user, secret).create_bucket(Bucket=bucket["name"])
        yield port


def in_secrets(tree: Filled) -> dict[str, list[Pair]]:
    """Return the pairs in each Secret that holds one."""
    secrets = {name: tree.secret(name) for name in tree.every("Secret")}
    found = {
        name: [(each.get(KEYS[key], USER), text) for key, text in each.items() if key in KEYS]
        for name, each in secrets.items()
    }
    return {name: pairs for name, pairs in found.items() if pairs}


def refusal(port: int, pair: Pair) -> str:
    """Return why the store refuses a pair, '' where it takes it."""
    from botocore.exceptions import ClientError

    try:
        listed = client(port, *pair).list_buckets()["Buckets"]
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    assert {each["Name"] for each in listed} == BUCKETS
    return ""


def test_every_place_holds_the_pair_that_opens_the_store(tree: Filled, port: int) -> None:
    found = in_secrets(tree)
    assert found.keys() == PLACES[tree.name]
    for name, pairs in found.items():
        assert [refusal(port, pair) for pair in pairs] == [""] * len(pairs), name


def test_another_secret_is_refused_for_its_signature(tree: Filled, port: int) -> None:
    secret = tree.secret("minio-credentials")["CONSOLE_SECRET_KEY"]
    for wrong in ("wrong", secret[:-1], secret.swapcase(), tree.secret("synapse-secrets")["DB_PASSWORD"]):
        assert refusal(port, (USER, wrong)) == "SignatureDoesNotMatch"
    assert refusal(port, ("minio-root", secret)) == "SignatureDoesNotMatch"


def test_the_secret_of_another_tree_is_refused(tree: Filled, port: int, filled_once: Fill) -> None:
    other = filled_once("dress" if tree.name == "bundled" else "bundled")
    refused = {refusal(port, pair) for pairs in in_secrets(other).values() for pair in pairs}
    assert refused == {"SignatureDoesNotMatch"}
    assert {refusal(port, (USER, each)) for each in tree.former.values()} <= {"SignatureDoesNotMatch"}


@pytest.mark.parametrize("tree", ["rotated"], indirect=True)
def test_media_and_backups_go_where_the_tree_says(tree: Filled, port: int, tmp_path: Path) -> None:
    """As each pod is given the pair: Synapse by its environment, CloudNativePG by the keys that a Cluster names."""
    written = set()
    for bucket, pair in {**of_synapse(tree, tmp_path), **of_clusters(tree)}.items():
        name, _, prefix = bucket.partition("/")
        client(port, *pair).put_object(Bucket=name, Key=f"{prefix}/one", Body=b"one")
        assert client(port, *pair).get_object(Bucket=name, Key=f"{prefix}/one")["Body"].read() == b"one"
        written.add(bucket)
    assert written == {"synapse-media", "synapse-media-li", "postgresql-backups/main", "postgresql-backups/li"}


def of_synapse(tree: Filled, root: Path) -> dict[str, Pair]:
    """Return the bucket of each instance's media, with the pair in the environment of its pod."""
    every, found = objects(tree.deployment.tree), {}
    for kind, name, config in [("StatefulSet", "synapse-main", "synapse-config"),
                               ("Deployment", "synapse-li", "synapse-li-config")]:  # fmt: skip
        given = laid_out(every, (kind, name), "synapse", root / name).environment
        (provider,) = yaml.safe_load(tree.config(config)["homeserver.yaml"])["media_storage_providers"]
        found[provider["config"]["bucket"]] = given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"]
    return found


def of_clusters(tree: Filled) -> dict[str, Pair]:
    """Return the bucket and path of each cluster's backups, with the pair that it names."""
    stores = [each["spec"]["backup"]["barmanObjectStore"] for each in tree.every("Cluster").values()]
    return {each["destinationPath"].removeprefix("s3://"): _named(tree, each["s3Credentials"]) for each in stores}


def _named(tree: Filled, credentials: dict[str, Any]) -> Pair:
    user, secret = credentials["accessKeyId"], credentials["secretAccessKey"]
    return tree.secret(user["name"])[user["key"]], tree.secret(secret["name"])[secret["key"]]


def test_the_users_policy_names_the_three_buckets_and_nothing_else(bundled: Filled) -> None:
    """Swift knows no policies of IAM, so that this one is read: who may do what to which buckets."""
    policy = json.loads(bundled.config("minio-buckets")["policy.json"])
    on_buckets, on_objects = policy["Statement"]
    assert {each["Effect"] for each in policy["Statement"]} == {"Allow"}
    assert set(on_buckets["Resource"]) == {f"arn:aws:s3:::{name}" for name in BUCKETS}
    assert set(on_objects["Resource"]) == {f"arn:aws:s3:::{name}/*" for name in BUCKETS}
    assert not [each for part in policy["Statement"] for each in part["Action"] if "*" in each or "Policy" in each]
    assert "users" not in bundled.every("Tenant")["matrix-minio"]["spec"], "these would be administrators (FACTS 3)"
