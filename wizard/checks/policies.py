"""The NetworkPolicies of a deployment with an LI instance: those of the checklist are there, and select something.

networking.k8s.io/v1; pods of CloudNativePG and MinIO: FACTS 3 and the labels that their operators set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from wizard import catalogue, clauses, manifests, networkpolicies
from wizard.finding import Finding, at
from wizard.manifests import Node, Scalar
from wizard.resources import Resource
from wizard.survey import NAMES, Look, Survey

_PODS = {
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "Job"), ("spec", "template")),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
_MADE = ("Cluster", "Tenant")  # by whose operators pods are made
_RELABELS = re.compile(rb"commonLabels|includeTemplates")  # of kustomize: then the labels are not those of the tree
_Labels = Mapping[str, str]


def findings(survey: Survey) -> Iterator[Finding]:
    """Yield what is missing of the policies around LI, and those that select nothing."""
    policies = list(survey.of_kind("NetworkPolicy"))
    if not policies:
        yield from _none(survey)
        return
    homes = {each.home.entry.namespace for each in survey.homeservers_of("li") if each.home.entry.kind}
    ours = [each for each in policies if each.namespace in homes]
    if ours:
        yield from _missing(survey, ours)
        if not any(survey.holding(_RELABELS, "Kustomization", "")):
            yield from _idle(survey, ours)


# Of Cilium, Calico, Istio, in YAML or JSON.
_OTHERS = re.compile(rb"""kind["']?\s*:\s*(?:[&!]\S+\s+)*["']?(?:\w*NetworkPolicy|AuthorizationPolicy)\b""")


def _none(survey: Survey) -> Iterator[Finding]:
    """LI is configured, and the tree has no policy of any sort."""
    home = next((each.home.resource for each in survey.homeservers_of("li") if each.home.entry.kind), None)
    if home is not None and not any(_OTHERS.search(each.data) for each in survey.every):
        message = f"{home.ref} configures LI, and no NetworkPolicy is in the tree: every pod of the cluster reaches it."
        fix = f"Write policies as templates/{networkpolicies.HOME} has them."
        yield at(home.manifest.position(home.node.start), "policy-missing", message, fix)


def _missing(survey: Survey, policies: list[Resource]) -> Iterator[Finding]:
    """Policies of the checklist that are not there, though what they are about is (checklist 9.3)."""
    named = {each.name for each in policies}
    paths = [each.manifest.path for each in policies]
    first = max(policies, key=lambda each: paths.count(each.manifest.path))  # told in the file where most of them stand
    for row in networkpolicies.due(survey.of_each(NAMES)):
        if row.name not in named:
            message = f"NetworkPolicy/{first.namespace}/{row.name} is missing: {row.what}."
            fix = f"Write one of that name beside {first.ref}, as templates/{networkpolicies.HOME} has it."
            yield at(first.manifest.position(first.node.start), "policy-missing", message, fix)


def _idle(survey: Survey, policies: Iterable[Resource]) -> Iterator[Finding]:
    """Selectors that no pod of the tree has the labels for; labels that none of its pods has are somebody else's."""
    pods = survey.of_each(LOOK)
    known = {key for labels in pods for key in labels}
    for policy in policies:
        for selector, what in _selectors(policy):
            wanted = list(_terms(selector))
            values = {value for _, some in wanted for value in some}
            is_told = wanted and all(key in known for key, _ in wanted) and not _may_be_absent(values)
            if is_told and not any(all(labels.get(key) in some for key, some in wanted) for labels in pods):
                message = f"{policy.ref}: {what} selects no pod of the tree."
                fix = "Write the labels that the pods have, or remove what is not there."
                yield at(policy.manifest.position(selector.start), "policy-idle", message, fix)


def _may_be_absent(values: set[str]) -> bool:
    """Whether all that is selected is of components that a deployment with LI may leave out, or of a later phase."""
    return all(
        networkpolicies.LATER.search(value) or {*catalogue.parts_of("", value)} - {catalogue.LI} for value in values
    )


def _selectors(policy: Resource) -> Iterator[tuple[Node, str]]:
    own = policy.get("spec", "podSelector")
    if own is not None:
        yield own, "it"
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for rule in manifests.items(policy.get("spec", direction)):
            for peer in manifests.items(manifests.get(rule, (side,))):
                selector = manifests.get(peer, ("podSelector",))
                if selector is not None and manifests.get(peer, ("namespaceSelector",)) is None:
                    yield selector, f"a peer of {direction}"


def _terms(selector: Node) -> Iterator[tuple[str, set[str]]]:
    """Yield what is asked for: a label and the texts that it may have."""
    for label, text in manifests.texts(manifests.get(selector, ("matchLabels",))).items():
        yield label, {text}
    for each in manifests.items(manifests.get(selector, ("matchExpressions",))):
        name, operator, values = (manifests.get(each, (step,)) for step in ("key", "operator", "values"))
        if isinstance(name, Scalar) and isinstance(operator, Scalar) and operator.value == "In":
            yield name.value, {item.value for item in manifests.items(values) if isinstance(item, Scalar)}


def _pods(maker: Resource) -> Iterator[_Labels]:
    """Yield the labels of the pods that *maker* makes."""
    if clauses.is_postgresql(maker):
        yield {**_labels(maker, "spec", "inheritedMetadata"), "cnpg.io/cluster": maker.name}
    elif clauses.is_minio(maker):
        yield {"v1.min.io/tenant": maker.name}
    elif maker.kind in _PODS:
        yield _labels(maker, *_PODS[maker.kind], "metadata")


LOOK = Look(frozenset({*_PODS, *_MADE}), _pods)


def _labels(resource: Resource, *path: str) -> dict[str, str]:
    return manifests.texts(resource.get(*path, "labels"))
