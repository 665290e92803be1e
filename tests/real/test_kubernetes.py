"""Every object of a filled tree is one that an API server of Kubernetes, or of an operator, would take."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from scripts.runs import originals

from wizard.questions import BY_KEY

from . import definitions, fields, models, schemas
from .conftest import absent
from .filled import Fill, Filled

WORKLOADS = {"Deployment", "StatefulSet", "Job", "CronJob"}
POLICIES = {"default-deny-all", "allow-dns", "postgresql-access", "postgresql-li-access", "redis-access",
            "minio-access", "key-vault-isolation", "li-instance-isolation", "synapse-main-egress", "allow-from-ingress",
            "allow-prometheus-scraping", "antivirus-access"}  # fmt: skip
ON_THE_HOST = {"coturn"}  # the image's program carries a capability, without which it cannot be started
Path_ = tuple[str | int, ...]


def every(tree: Filled) -> list[dict[str, Any]]:
    """Return all objects of a tree, the items of lists one by one."""
    documents = [each for found in tree.objects.values() for each in found if isinstance(each, dict)]
    flat = [item for each in documents for item in (each["items"] if each.get("kind") == "List" else [each])]
    return [each for each in flat if "kind" in each and each["kind"] != "Kustomization"]


def named(document: dict[str, Any]) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


@pytest.mark.parametrize("version", schemas.versions())
def test_each_object_is_valid_where_no_field_may_be_unknown(dressed: Filled, version: str) -> None:
    known = [each for each in every(dressed) if schemas.is_known(each)]
    assert len(known) > 20
    assert [f"{named(each)} {told}" for each in known for told in schemas.problems(each, version)] == []


def test_a_wrong_field_of_each_kind_is_refused(bundled: Filled) -> None:
    """At each mapping of one object of each kind whose fields are fixed, a field that is none."""
    one_of = {each["kind"]: each for each in every(bundled) if schemas.is_known(each)}
    assert WORKLOADS | {"Secret", "ConfigMap", "Service", "Ingress", "NetworkPolicy", "Namespace"} <= one_of.keys()
    for name, document in one_of.items():
        for version in schemas.versions():
            assert schemas.problems({**document, "specs": {}}, version), name
    wrong = copy.deepcopy(one_of["Deployment"])
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    assert schemas.problems(wrong, "1.28")
    wrong = copy.deepcopy(one_of["Ingress"])
    wrong["spec"]["rules"][0]["http"]["paths"][0]["backend"] = {"serviceName": "a", "servicePort": 80}
    assert schemas.problems(wrong, "1.28")


def test_operators_objects_have_only_fields_that_their_operators_know(bundled: Filled, filled_once: Fill) -> None:
    found = {name for name in map(_kind, every(bundled)) if name in fields.KINDS}
    assert found == fields.KINDS.keys()
    for tree in (bundled, filled_once("dress")):
        known = [(each, schema) for each in every(tree) if (schema := fields.of(each))]
        lax = [(each, schema) for each, schema in known if tree is bundled or each["kind"] != "Tenant"]
        assert [f"{named(each)} {told}" for each, schema in lax for told in schemas.problems_by(schema, each)] == []


def test_every_object_is_judged_by_some_schema(bundled: Filled) -> None:
    unknown = {_kind(each) for each in every(bundled) if not (schemas.is_known(each) or fields.of(each))}
    assert unknown == {("cert-manager.io/v1", "ClusterIssuer"), ("cert-manager.io/v1", "Certificate")}


def test_cloudnativepgs_own_definitions_take_its_objects_and_know_each_field_of_the_table(
    bundled: Filled, filled_once: Fill, needs: Callable[..., None]
) -> None:
    models.needed(needs, absent)
    wanted = [(definitions.API, kind) for kind in definitions.KINDS]
    for tree in (bundled, filled_once("dress"), filled_once("checklist")):
        found = [each for each in every(tree) if _kind(each) in wanted]
        assert tree is not bundled or {each["kind"] for each in found} == {*definitions.KINDS}
        for document in found:
            schema = definitions.of(document["kind"])
            assert schemas.problems_by(schema, document) == []
            for place in (each for each in mappings(document) if each[:1] == ("spec",) and not is_free(each)):
                wrong = copy.deepcopy(document)
                at(wrong, place)["wrongField"] = "x"
                assert schemas.problems_by(schema, wrong), (document["kind"], place)
    for key in wanted:
        assert [*_unknown(fields.KINDS[key]["properties"]["spec"], definitions.of(key[1])["properties"]["spec"])] == []


def _unknown(table: dict[str, Any], definition: dict[str, Any], above: str = "spec") -> Iterator[str]:
    """Yield each field of the table that the definition does not have; what Kubernetes defines is not entered."""
    if "items" in table:
        yield from _unknown(table["items"], definition["items"], above)
    for name, inner in table.get("properties", {}).items():
        if name not in definition["properties"]:
            yield f"{above}.{name}"
        elif "$ref" not in inner:
            yield from _unknown(inner, definition["properties"][name], f"{above}.{name}")


def test_a_wrong_field_is_refused_wherever_it_stands_in_an_operators_object(bundled: Filled) -> None:
    for kind in fields.KINDS:
        document = next(each for each in every(bundled) if _kind(each) == kind)
        schema = fields.of(document)
        assert schema
        places = [place for place in mappings(document) if not is_free(place)]
        assert places
        for place in places:
            wrong = copy.deepcopy(document)
            at(wrong, place)["wrongField"] = "x"
            assert schemas.problems_by(schema, wrong), (kind, place)
        assert schemas.problems_by(schema, {**document, "apiVersion": "other/v1"})


def _kind(document: dict[str, Any]) -> tuple[str, str]:
    return document["apiVersion"], document["kind"]


def mappings(here: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Yield the path of each mapping in a document."""
    if isinstance(here, dict):
        yield path
        for key, inner in here.items():
            yield from mappings(inner, (*path, key))
    elif isinstance(here, list):
        for index, inner in enumerate(here):
            yield from mappings(inner, (*path, index))


def at(here: Any, path: Path_) -> Any:
    for step in path:
        here = here[step]
    return here


def is_free(path: Path_) -> bool:
    """Say whether the keys of the mapping there are anybody's own: labels, amounts, parameters of a server."""
    return bool({"labels", "annotations", "matchLabels", "requests", "limits", "parameters"} & {*path[-1:]})


def test_cert_managers_and_traefiks_own_models_take_their_objects(
    bundled: Filled, needs: Callable[..., None], tmp_path: Path
) -> None:
    models.needed(needs, absent)
    issued = [each for each in every(bundled) if each["apiVersion"].startswith("cert-manager.io/")]
    right = [*issued, *models.traefik(tmp_path)]
    assert {each["kind"] for each in right} == {"ClusterIssuer", "Certificate", "IngressRoute", "Middleware"}
    wrong = [each for document in right for each in models.mutants(document)]
    assert len(wrong) > 3 * len(right)
    told = models.problems([*right, *wrong])
    assert told[: len(right)] == [[] for _ in right]
    assert [each for each, found in zip(wrong, told[len(right) :], strict=True) if not found] == []


# --- what every workload of the bundled tree is


def pods(tree: Filled) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in every(tree):
        if each["kind"] in WORKLOADS:
            outer = each["spec"]["jobTemplate"]["spec"] if each["kind"] == "CronJob" else each["spec"]
            yield each["metadata"]["name"], outer["template"]["spec"]


def test_each_workload_is_complete(bundled: Filled) -> None:
    """Probes where it serves, resources, an exact image, no root, nothing writable, no capability, no API token."""
    runs_to_its_end = {each["metadata"]["name"] for each in every(bundled) if each["kind"] in ("Job", "CronJob")}
    seen = set()
    for name, pod in pods(bundled):
        seen.add(name)
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            where = f"{name} {container['name']}"
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), where
            assert "memory" in container["resources"]["limits"], where
            own = container["securityContext"]
            assert (own["allowPrivilegeEscalation"], own["readOnlyRootFilesystem"]) == (False, True), where
            allowed = {"add": ["NET_BIND_SERVICE"]} if name in ON_THE_HOST else {}
            assert own["capabilities"] == {"drop": ["ALL"], **allowed}, where
        for container in pod["containers"]:
            if name not in runs_to_its_end:
                assert {"readinessProbe", "livenessProbe"} <= container.keys(), name
    assert {"synapse-main", "synapse-worker", "synapse-li", "key-vault", "sygnal", "coturn", "haproxy"} < seen


IMAGE = re.compile(r"^\s*(?:- )?image(?:Name)?: *(\S+):(\S+?)(?:  # (.+))?$", re.M)


def test_each_image_has_an_exact_version_and_its_source_beside_it() -> None:
    """As the table in the tree's README has them; of one without a source it is said."""
    files = originals("bundled")
    images = [found for path, data in files.items() if path.endswith(".yaml") for found in IMAGE.findall(data.decode())]
    assert len(images) > 20
    assert [each for each in images if not re.fullmatch(r"v?\d+\.\d+(\.\d+)?(-alpine)?|RELEASE\.\S+Z", each[1])] == []
    table = files["README.md"].decode().partition("## Images\n")[2].partition("## ")[0]
    told = {name: (tag, source) for name, tag, source in re.findall(r"^\| `(\S+)` \| `(\S+)` \| (.+) \|$", table, re.M)}
    assert {name for name, _, _ in images} == told.keys()
    for name, tag, source in images:
        assert tag == told[name][0], name
        assert source == "no source: README.md" if told[name][1] == "none" else told[name][1].startswith(source), name
        assert source, name


def test_images_of_the_answers_are_documented_with_what_stands_without_them(bundled: Filled, tmp_path: Path) -> None:
    texts = {path: data.decode() for path, data in originals("bundled").items() if path.endswith("deployment.yaml")}
    homes = {"key_vault.image": "main-instance/08-key-vault", "sync.image": "li-instance/04-sync-system",
             "sync.media_image": "li-instance/04-sync-system"}  # fmt: skip
    for key, home in homes.items():
        [named] = re.findall(r"in the bundled tree (\S+:\S+)\.", BY_KEY[key].help)
        assert f"image: {named} " in texts[f"{home}/deployment.yaml"]
    own = {key: f"registry.chat-corp.net/{key}:1" for key in homes}
    deployment = bundled.deployment.copy(tmp_path / "own")
    done = deployment.setup(*(word for key, image in own.items() for word in ("--set", f"{key}={image}")))
    assert done.code == 0, done.err
    runs = {
        f"{name} {container['name']}": container["image"]
        for name, pod in pods(Filled("bundled", deployment))
        for container in (*pod.get("initContainers", ()), *pod["containers"])
        if container["image"] in own.values()
    }
    assert runs == {
        "key-vault key-vault": own["key_vault.image"],
        "sync-system-setup publication": own["sync.image"],
        "sync-system-setup subscription": own["sync.image"],
        "sync-system-media mc": own["sync.media_image"],
    }


def test_synapse_and_what_is_put_beside_it_are_what_the_tests_run_on(bundled: Filled) -> None:
    texts = [json.dumps(pod) for _, pod in pods(bundled)]
    named = {
        each for text in texts for each in re.findall(r"matrixdotorg/(synapse):v([\d.]+)|([\w-]+)==([\d.]+)", text)
    }
    found = {image or package: tag or version for image, tag, package, version in named}
    assert len(named) == len(found) == 5, "each in one version"
    assert found == {name: metadata.version(f"matrix-{name}" if name == "synapse" else name) for name in found}


def test_the_twelve_policies_are_there_and_all_pods_are_cut_off_first(bundled: Filled) -> None:
    found = bundled.every("NetworkPolicy")
    assert found.keys() >= POLICIES
    assert found["default-deny-all"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    labels = [each["metadata"].get("labels", {}) for each in map(_template, every(bundled)) if each]
    for name in POLICIES - {"default-deny-all", "allow-dns", "allow-prometheus-scraping", "antivirus-access"}:
        selector = found[name]["spec"]["podSelector"]
        made_by_operators = json.dumps(selector).count("cnpg.io/") + json.dumps(selector).count("v1.min.io/")
        assert made_by_operators or any(_selects(selector, each) for each in labels), name


def test_main_may_reach_its_mail_server_at_the_ports_that_mail_has(bundled: Filled) -> None:
    [out] = [each for each in bundled.every("NetworkPolicy")["synapse-main-egress"]["spec"]["egress"] if
             {"ipBlock": {"cidr": "0.0.0.0/0"}} in each.get("to", ())]  # fmt: skip
    allowed = {each["port"] for each in out["ports"]}
    answered = yaml.safe_load(bundled.secret("synapse-email")["email.yaml"])["email"]["smtp_port"]
    assert {25, 465, 587, answered} <= allowed


def _template(document: dict[str, Any]) -> Any:
    if document["kind"] == "CronJob":
        return document["spec"]["jobTemplate"]["spec"]["template"]
    return document["spec"]["template"] if document["kind"] in WORKLOADS else None


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    named_ = all(labels.get(key) == text for key, text in selector.get("matchLabels", {}).items())
    return named_ and all(labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", ()))
