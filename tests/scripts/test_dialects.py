"""The LI allow-list in the dialect of each controller: read back as that controller would, and taken back again."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from wizard.answers import Answers
from wizard.plan import needs
from wizard.structure import Tree
from wizard.vault import Vault

from .reading import by_pyyaml, every
from .runs import Deployment, run
from .small import ALLOW, MINIMUM, NGINX, RANGE, WHITE, LayOut, answer, found_ids, go_round, ingress, succeed

TECH, TECH_OLD = "haproxy.org/allow-list", "haproxy.org/whitelist"
HAPROXY = "haproxy-ingress.github.io/"
SOURCE, SOURCE_OLD = f"{HAPROXY}allowlist-source-range", f"{HAPROXY}whitelist-source-range"
LEGACY = "ingress.kubernetes.io/whitelist-source-range"
NAMED = "traefik.ingress.kubernetes.io/router.middlewares"
LISTS = {WHITE, ALLOW, TECH, TECH_OLD, SOURCE, SOURCE_OLD, LEGACY, NAMED}
ISSUER = "cert-manager.io/cluster-issuer"
RANGES = ["185.60.112.0/24", "91.198.174.192/32", "2a02:ec80:300::/48"]
THREE = MINIMUM.replace("[185.60.112.0/24]", "[185.60.112.0/24, 91.198.174.192, '2a02:ec80:300::/48']")


def ingress_class(name: str, controller: str, default: bool = False) -> str:
    notes = '\n  annotations: {ingressclass.kubernetes.io/is-default-class: "true"}' if default else ""
    head = f"apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata:\n  name: {name}{notes}\n"
    return f"{head}spec: {{controller: {controller}}}\n"


def by_class(name: str) -> str:
    return f"  ingressClassName: {name}\n"


def notes(*entries: str) -> str:
    return "  annotations:\n" + "".join(f"    {entry}\n" for entry in entries)


def stands_on(objects: Mapping[str, list[Any]], name: str = "synapse-li") -> dict[str, str]:
    return dict(every(objects, "Ingress")[name]["metadata"].get("annotations") or {})


def main(spec: str = "", *entries: str) -> str:
    return ingress("main", notes(*entries) if entries else "", ("matrix.chat-corp.net",), spec=spec)


# --- annotations

DIALECTS = {
    "no class": ({"li.yaml": ingress()}, {WHITE}),
    "class nginx": ({"li.yaml": ingress(spec=by_class("nginx-internal"))}, {WHITE}),
    "a class defined as ingress-nginx": (
        {"li.yaml": ingress(spec=by_class("public")), "class.yaml": ingress_class("public", "k8s.io/ingress-nginx")},
        {WHITE},
    ),
    "a second ingress-nginx": (
        {"a.yaml": ingress_class("edge", "k8s.io/internal-ingress-nginx"), "li.yaml": ingress(spec=by_class("edge"))},
        {WHITE},
    ),
    "HAProxy by its class": (
        {"a.yaml": ingress_class("edge", "haproxy.org/ingress-controller/edge"),
         "li.yaml": ingress(spec=by_class("edge"))},
        {TECH},
    ),
    "HAProxy by its name": ({"li.yaml": ingress(spec=by_class("haproxytech"))}, {TECH}),
    "HAProxy, the deprecated spelling": (
        {"li.yaml": ingress(notes=notes(f"{TECH_OLD}: 10.0.0.0/8"), spec=by_class("haproxytech"))}, {TECH_OLD},
    ),
    "HAProxy, both spellings": (
        {"li.yaml": ingress(notes=notes(f"{TECH}: a", f"{TECH_OLD}: b"), spec=by_class("haproxytech"))}, {TECH},
    ),
    "HAProxy, commented out": (
        {"li.yaml": ingress(notes=notes(f"# {TECH}: YOUR_LAW_ENFORCEMENT_IPS", "x: z"), spec=by_class("haproxytech"))},
        {TECH},
    ),
    "haproxy-ingress by its name": ({"li.yaml": ingress(spec=by_class("haproxy-ingress"))}, {SOURCE}),
    "haproxy-ingress by the default class": (
        {"class.yaml": ingress_class("edge", "haproxy-ingress.github.io/controller", default=True),
         "li.yaml": ingress()},
        {SOURCE},
    ),
    "haproxy-ingress, the alias": (
        {"li.yaml": ingress(notes=notes(f"{SOURCE_OLD}:"), spec=by_class("haproxy-ingress"))}, {SOURCE_OLD},
    ),
    "haproxy-ingress, its first prefix": (
        {"li.yaml": ingress(notes=notes(f"{LEGACY}: 10.0.0.0/8"), spec=by_class("haproxy-ingress"))}, {LEGACY},
    ),
    "haproxy-ingress, three spellings": (
        {"li.yaml": ingress(notes=notes(f"{SOURCE}: a", f"{LEGACY}: b", f"{SOURCE_OLD}: c"),
                            spec=by_class("haproxy-ingress"))},
        {SOURCE},
    ),
    "haproxy, either": ({"li.yaml": ingress(spec=by_class("haproxy"))}, {TECH, SOURCE}),
    "haproxy by the older annotation": (
        {"li.yaml": ingress(notes=notes("kubernetes.io/ingress.class: haproxy"))}, {TECH, SOURCE},
    ),
    "haproxy, which others of the class are": (
        {"li.yaml": ingress(spec=by_class("haproxy")),
         "main.yaml": main(by_class("haproxy"), "haproxy.org/ssl-redirect: 'true'")},
        {TECH},
    ),
    "haproxy, which it says itself": (
        {"li.yaml": ingress(notes=notes(f"{HAPROXY}ssl-redirect: 'true'"), spec=by_class("haproxy"))}, {SOURCE},
    ),
    "haproxy, and others of another class": (
        {"a-li.yaml": ingress("a-li", spec=by_class("haproxy-ingress")),
         "li.yaml": ingress(spec=by_class("haproxy")),
         "main.yaml": main(by_class("haproxy"), "haproxy.org/ssl-redirect: 'true'")},
        {TECH},
    ),
    "no class, and signs of HAProxy": (
        {"li.yaml": ingress(), "main.yaml": main("", "haproxy.org/ssl-redirect: 'true'")}, {WHITE, TECH},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "keys"), DIALECTS.values(), ids=DIALECTS)
def test_the_allow_list_stands_in_the_words_of_its_reader(
    lay_out: LayOut, files: dict[str, str], keys: set[str]
) -> None:
    deployment = lay_out(files, THREE)
    objects = go_round(deployment)
    found = stands_on(objects)
    assert LISTS & found.keys() == keys
    for key in keys:
        assert [str(ipaddress.ip_network(each.strip())) for each in found[key].split(",")] == RANGES
    assert found[ISSUER]
    assert faults(deployment) == []
    assert not LISTS & (stands_on(objects, "main").keys() if "main.yaml" in files else set())


def test_an_allow_list_in_another_dialect_protects_nothing(lay_out: LayOut) -> None:
    files = {
        "nginx-li.yaml": ingress("nginx-li", notes(f"{TECH}: {RANGE}"), spec=by_class("nginx")),
        "traefik-li.yaml": ingress("traefik-li", notes(f"{WHITE}: {RANGE}"), spec=by_class("traefik")),
        "tech-li.yaml": ingress("tech-li", notes(f"{SOURCE}: {RANGE}"), spec=by_class("haproxytech")),
        "wide-li.yaml": ingress("wide-li", notes(f"{SOURCE}: '0.0.0.0/0'"), spec=by_class("haproxy-ingress")),
        "one-li.yaml": ingress("one-li", notes(f"{TECH}: {RANGE}"), spec=by_class("haproxy-x")),
        "but-li.yaml": ingress("but-li", notes(f"{SOURCE}: '{RANGE},!185.60.112.7'"), spec=by_class("haproxy-y")),
    }
    hosts = {path: text.replace("matrix-li.example.com", "matrix-li.chat-corp.net") for path, text in files.items()}
    found = [file for rule, file, _ in found_ids(lay_out(hosts)) if rule == "li-open"]
    assert found == ["nginx-li.yaml", "tech-li.yaml", "traefik-li.yaml", "wide-li.yaml"]


UNSPOKEN = {
    "F5's nginx": ({"a.yaml": ingress_class("nginx", "nginx.org/ingress-controller")}, "nginx", "F5"),
    "F5's nginx by its annotations": ({"m.yaml": main(by_class("nginx"), "nginx.org/hsts: 'true'")}, "nginx", "F5"),
    "GKE": ({}, "gce", "gce"),
    "ALB": ({"a.yaml": ingress_class("edge", "ingress.k8s.aws/alb")}, "edge", "ingress.k8s.aws/alb"),
    "Kong by default": (
        {"a.yaml": ingress_class("kong", "ingress-controllers.konghq.com/kong", default=True)}, "", "konghq",
    ),
    "a class of its own": ({}, "public", "public"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "name", "said"), UNSPOKEN.values(), ids=UNSPOKEN)
def test_a_controller_of_unknown_dialect_is_told_loudly_and_gets_nothing(
    lay_out: LayOut, files: dict[str, str], name: str, said: str
) -> None:
    admin = ingress("admin-li", spec=by_class(name) if name else "", hosts=("admin-li.example.com",))
    deployment = lay_out({**files, "li.yaml": admin})
    planned = deployment.plan()
    assert "Note: li.yaml:1:1: Ingress//admin-li: no allow-list is known for" in planned.out
    assert said in planned.out
    noted = deployment.plan("--json").data["notes"]
    assert any("admin-li" in json.dumps(each) and said in json.dumps(each) for each in noted)
    found = stands_on(go_round(deployment), "admin-li")
    assert found.keys() == {ISSUER}
    assert found_ids(deployment) == [("li-open", "li.yaml", 1), ("li-no-password", "li.yaml", 1)]
    assert run("check", "--tree", str(deployment.tree)).code == 1


# --- basic auth


@pytest.mark.parametrize(("name", "written"), [
    ("nginx", {f"{NGINX}auth-{each}" for each in ("type", "secret", "realm")}),
    ("haproxy-ingress", {f"{HAPROXY}auth-{each}" for each in ("secret", "realm")}),
    ("haproxytech", set()),
    ("traefik", set()),
])  # fmt: skip
def test_the_password_of_the_admin_page_by_controller(lay_out: LayOut, name: str, written: set[str]) -> None:
    text = ingress("admin-li", spec=by_class(name), hosts=("admin-li.example.com",), metadata="  namespace: matrix\n")
    deployment = lay_out(text)
    found = stands_on(go_round(deployment), "admin-li")
    assert {key for key in found if "/auth-" in key} == written
    assert [found[key] for key in found if key.endswith("auth-secret")] == ["synapse-admin-auth"] * bool(written)
    # What is written names a Secret, which this tree does not have.
    assert [rule for rule, _, _ in found_ids(deployment)] == ["li-password-lost" if written else "li-no-password"]


def test_a_password_that_is_asked_for_otherwise_is_no_finding(lay_out: LayOut) -> None:
    allowed = [f"{TECH}: {RANGE}", "haproxy.org/auth-type: basic-auth"]
    route = router("admin-li", middlewares(("auth",), ("auth", "li-only")), host="admin-li.chat-corp.net")
    deployment = lay_out({
        "tech.yaml": ingress("admin-li", notes(*allowed), ("admin-li.chat-corp.net",), spec=by_class("haproxytech")),
        "route.yaml": route,
        "auth.yaml": middleware("auth", "basicAuth: {secret: admin}") + middleware("li-only", LIST),
    })  # fmt: skip
    assert found_ids(deployment) == [("li-open", "route.yaml", 1)]
    deployment.edit("route.yaml", "[{name: auth}, {name: li-only}]", "[{name: li-only}]")
    assert [rule for rule, _, _ in found_ids(deployment)] == ["li-open", "li-no-password"]


# --- Traefik

GROUP, FORMER = "traefik.io/v1alpha1", "traefik.containo.us/v1alpha1"
LIST = "ipAllowList: {sourceRange: [10.0.0.0/8]}"


def middleware(name: str, spec: str, namespace: str = "matrix", group: str = GROUP) -> str:
    where = f", namespace: {namespace}" if namespace else ""
    return f"---\napiVersion: {group}\nkind: Middleware\nmetadata: {{name: {name}{where}}}\nspec:\n  {spec}\n"


def middlewares(*routes: tuple[str, ...]) -> list[str]:
    return ["[" + ", ".join(f"{{name: {name}}}" for name in names) + "]" if names else "" for names in routes]


def router(name: str, routes: list[str], host: str = "matrix-li.example.com", group: str = GROUP) -> str:
    lines = "".join(
        f"  - kind: Rule\n    match: Host(`{host}`) && PathPrefix(`/{number}`)\n"
        + (f"    middlewares: {names}\n" if names else "")
        + "    services: [{name: x, port: 80}]\n"
        for number, names in enumerate(routes)
    )
    head = f"apiVersion: {group}\nkind: IngressRoute\nmetadata:\n  name: {name}\n  namespace: matrix\n"
    return f"{head}spec:\n  routes:\n{lines}"


def behind(*words: str, name: str = "synapse-li", namespace: str = "matrix", host: str = "") -> str:
    """An Ingress of Traefik's that names the Middlewares *words*."""
    where = f"  namespace: {namespace}\n" if namespace else ""
    named = notes(f"{NAMED}: {', '.join(words)}") if words else ""
    return ingress(name, named, (host or "matrix-li.example.com",), where, by_class("traefik"))


def word(item: Mapping[str, str], space: str) -> str:
    """Return the full name of the Middleware that an item of a list names."""
    full = f"{item.get('namespace', space)}-{item['name']}@kubernetescrd"
    return item["name"] if "@" in item["name"] else full


def ways(objects: Mapping[str, list[Any]]) -> Iterator[tuple[str, list[str]]]:
    """Yield each LI route by name, and the ranges of the lists that it leads through: all names resolved as Traefik
    does, and a name that is no Middleware's refused as it is there."""
    found = {}
    for document in (each for documents in objects.values() for each in documents):
        if document["kind"] == "Middleware":
            key = f"{document['metadata'].get('namespace', 'default')}-{document['metadata']['name']}@kubernetescrd"
            assert key not in found
            found[key] = document

    def ranges(names: list[str]) -> list[str]:
        passed = []
        for name in names:
            if not name.endswith("@file"):
                spec = found[name]["spec"]
                inner = spec.get("chain", {}).get("middlewares", [])
                passed += ranges([word(each, "matrix") for each in inner])
                for key in ("ipAllowList", "ipWhiteList"):
                    passed += [",".join(spec[key]["sourceRange"])] if key in spec else []
        return passed

    for document in (each for documents in objects.values() for each in documents):
        name, space = document["metadata"]["name"], document["metadata"].get("namespace", "default")
        if document["kind"] == "Ingress" and "-li" in name:
            words = (document["metadata"].get("annotations") or {}).get(NAMED, "")
            yield name, ranges([word.strip() for word in words.split(",") if word.strip()])
        if document["kind"] == "IngressRoute" and "-li" in name:
            for route in document["spec"]["routes"]:
                items = route.get("middlewares") or []
                yield name, ranges([word(each, space) for each in items])


NONE_YET = {
    "an Ingress": behind(),
    "an Ingress behind others": behind("matrix-gzip@kubernetescrd", "auth@file") + middleware("gzip", "compress: {}"),
    "an IngressRoute": router("synapse-li", middlewares((), ("gzip",), ())) + middleware("gzip", "compress: {}"),
    "an IngressRoute beside another namespace's": router("synapse-li", [""]) + middleware("li-only", LIST, "far"),
    "an IngressRoute of Traefik 2": router("synapse-li", [""], group=FORMER),
    "two namespaces": behind() + "---\n" + behind(name="web-li", namespace="other"),
    "two of one namespace": behind() + "---\n" + router("web-li", [""]),
    "no line end": behind().rstrip("\n"),
    "no line end, two namespaces": (router("a-li", [""]) + "---\n" + behind(name="b-li", namespace="o")).rstrip("\n"),
    "no line end behind a text that keeps its own":
        behind() + "---\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: |+\n    b\n\n",
    "lines of another system": behind().replace("\n", "\r\n"),
    "a list": "apiVersion: v1\nkind: List\nitems:\n- " + behind().replace("\n", "\n  ").rstrip(" "),
    "a document without an end": "--- # first\n" + behind() + "...\n",
    "one list that is shared": (
        behind("matrix-office@kubernetescrd") + middleware("office", LIST) + "---\n"
        + behind("matrix-office@kubernetescrd", name="main", host="matrix.example.com")
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", NONE_YET.values(), ids=NONE_YET)
def test_a_middleware_comes_into_being_where_there_is_none(lay_out: LayOut, text: str) -> None:
    deployment = lay_out({"a.yaml": text}, THREE)
    is_open = "li-open" in {rule for rule, _, _ in found_ids(deployment)}
    assert is_open is ("office" not in text)
    planned = deployment.plan()
    assert "added  Middleware/" in planned.out
    assert not [each for each in RANGES if each in planned.out]
    objects = {path: flat(documents) for path, documents in go_round(deployment).items()}
    found = dict(ways(objects))
    assert found
    assert all(",".join(RANGES) in lists for _, lists in ways(objects)), list(ways(objects))
    made = [each for each in objects["a.yaml"] if each["metadata"]["name"] == "li-allow-list"]
    former = FORMER in text
    assert {each["apiVersion"] for each in made} == {FORMER if former else GROUP}
    assert all(each["spec"].keys() == {"ipWhiteList" if former else "ipAllowList"} for each in made)
    # The list that is the operator's own holds all of a private network.
    assert {rule for rule, _, _ in faults(deployment)} <= ({"li-wide"} if "office" in text else set())
    if "office" in text:
        assert every(objects, "Middleware")["office"]["spec"]["ipAllowList"]["sourceRange"] == ["10.0.0.0/8"]
        assert stands_on(objects, "main")[NAMED] == "matrix-office@kubernetescrd"


def faults(deployment: Deployment) -> list[tuple[str, str, int]]:
    """Return what check finds but older words that are still read, which these trees have on purpose."""
    return [each for each in found_ids(deployment) if each[0] != "field-deprecated"]


def flat(documents: list[Any]) -> list[Any]:
    return [item for document in documents for item in document.get("items") or [document]]


ITS_OWN = {
    "named already": behind("matrix-li-only@kubernetescrd", "x@file"),
    "not named yet": behind("x@file"),
    "named by a route": router("synapse-li", middlewares(("li-only",), ())),
    "named by a chain": (
        behind("matrix-both@kubernetescrd") + middleware("both", "chain: {middlewares: [{name: li-only}]}")
    ),
    "named with its namespace": router("synapse-li", ["[{name: li-only, namespace: matrix}]"]),
    "named as others name it": router("synapse-li", ["[{name: matrix-li-only@kubernetescrd}]"]),
}  # fmt: skip
SPELLED = {
    "flow": LIST,
    "block": "ipAllowList:\n    # theirs\n    sourceRange:\n    - 10.0.0.0/8 # all\n    ipStrategy: {depth: 1}",
    "deprecated": 'ipWhiteList:\n    sourceRange: ["YOUR_LAW_ENFORCEMENT_IPS"]',
    "commented out": "ipAllowList:\n    # sourceRange: [YOUR_LAW_ENFORCEMENT_IPS]",
    "nothing in it": "ipAllowList: {}",
}


@pytest.mark.parametrize("spec", SPELLED.values(), ids=SPELLED)
@pytest.mark.parametrize("text", ITS_OWN.values(), ids=ITS_OWN)
def test_the_trees_own_middleware_ends_with_exactly_the_ranges(lay_out: LayOut, text: str, spec: str) -> None:
    deployment = lay_out({"li.yaml": text, "middlewares.yaml": middleware("li-only", spec)}, THREE)
    objects = go_round(deployment)
    found = list(ways(objects))
    assert found
    assert all(lists == [",".join(RANGES)] for _, lists in found)
    (key,) = (key for key in ("ipAllowList", "ipWhiteList") if key in spec)
    after = every(objects, "Middleware")["li-only"]["spec"]
    assert after.keys() == {key}
    assert after[key].get("ipStrategy") == ({"depth": 1} if "depth" in spec else None)
    assert set(every(objects, "Middleware")) <= {"li-only", "both"}
    assert "Ingress" not in text or "@file" not in text or "x@file" in stands_on(objects)[NAMED]
    assert faults(deployment) == []


def test_a_list_without_any_sign_is_lis_where_li_alone_names_it(lay_out: LayOut) -> None:
    files = {"li.yaml": behind("matrix-office@kubernetescrd"), "m.yaml": middleware("office", LIST)}
    objects = go_round(lay_out(files))
    assert [lists for _, lists in ways(objects)] == [[RANGE]]
    files["main.yaml"] = behind("matrix-office@kubernetescrd", name="main", host="matrix.example.com")
    objects = go_round(lay_out(files))
    assert [lists for _, lists in ways(objects)] == [[RANGE, "10.0.0.0/8"]]


def test_the_nearest_list_is_named_and_a_new_one_for_each_namespace(lay_out: LayOut) -> None:
    far, near = (middleware("li-only", LIST, namespace) for namespace in ("far", "near"))
    deployment = lay_out({"a.yaml": far + near, "b.yaml": behind(namespace="near"), "c.yaml": behind(name="c-li")})
    objects: Mapping[str, list[Any]] = go_round(deployment)
    assert stands_on(objects)[NAMED] == "near-li-only@kubernetescrd"
    assert stands_on(objects, "c-li")[NAMED] == "far-li-only@kubernetescrd"
    (deployment.tree / "a.yaml").unlink()
    assert [rule for rule, _, _ in found_ids(deployment)] == ["li-open", "li-open"]
    succeed(deployment.setup())
    objects = by_pyyaml(deployment.files())
    assert [each["metadata"]["namespace"] for documents in objects.values() for each in documents[1:]] == [
        "near",
        "matrix",
    ]
    assert faults(deployment) == []


def test_an_ingress_names_a_list_of_any_namespace_and_a_route_of_its_own(lay_out: LayOut) -> None:
    deployment = lay_out({
        "a.yaml": behind(namespace="far"),
        "b.yaml": behind(namespace="", name="b-li"),
        "c.yaml": router("c-li", [""]),
    })  # fmt: skip
    listed = run("check", "--json", "--tree", str(deployment.tree)).data["findings"]
    assert {each["fix"] for each in listed} == {"matrix-wizard setup"}
    objects = go_round(deployment)
    assert stands_on(objects)[NAMED] == "far-li-allow-list@kubernetescrd"
    assert stands_on(objects, "b-li")[NAMED] in (
        "far-li-allow-list@kubernetescrd",
        "matrix-li-allow-list@kubernetescrd",
    )
    assert [lists for _, lists in ways(objects)] == [[RANGE]] * 3
    made = (each["metadata"] for documents in objects.values() for each in documents[1:])
    assert sorted(each["namespace"] for each in made) == ["far", "matrix"]
    assert faults(deployment) == []


def test_a_new_list_is_spelled_as_the_trees_others(lay_out: LayOut) -> None:
    office = middleware("office", "ipWhiteList: {sourceRange: [10.0.0.0/8]}")
    objects = go_round(lay_out({"a.yaml": behind(), "office.yaml": office}))
    assert every(objects, "Middleware")["li-allow-list"]["spec"].keys() == {"ipWhiteList"}


def test_a_route_is_lis_by_its_hosts(lay_out: LayOut) -> None:
    deployment = lay_out({
        "web.yaml": router("web", [""], host="matrix-li.chat-corp.net"),
        "both.yaml": router("both", [""], host="matrix-li.chat-corp.net`, `matrix.chat-corp.net"),
        "main.yaml": router("main", [""], host="matrix.chat-corp.net"),
    })  # fmt: skip
    assert [(rule, file) for rule, file, _ in found_ids(deployment)] == [
        ("li-open", "both.yaml"),
        ("li-open", "web.yaml"),
    ]
    objects = go_round(deployment)
    routes = every(objects, "IngressRoute")
    assert routes["web"]["spec"]["routes"][0]["middlewares"] == [{"name": "li-allow-list"}]
    assert "middlewares" not in routes["main"]["spec"]["routes"][0]
    assert [file for rule, file, _ in found_ids(deployment)] == ["both.yaml"]


STUCK = {
    "no namespace": ("li.yaml", behind(namespace=""), "namespace"),
    "JSON": ("li.json", json.dumps({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web-li", "namespace": "m"},
        "spec": {"ingressClassName": "traefik", "rules": [{"host": "matrix-li.example.com"}]},
    }), "none can be added to this file"),
    "a text at the end whose last line would get an end": (
        "li.yaml", behind() + "---\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: |\n    b",
        "none can be added to this file",
    ),
    "the name is taken": (
        "li.yaml", behind("matrix-li-allow-list@kubernetescrd") + middleware("li-allow-list", "compress: {}"),
        "already",
    ),
    "a route of TCP": (
        "li.yaml", router("a-li", [""]).replace("IngressRoute", "IngressRouteTCP").replace("Host(", "HostSNI("),
        "IngressRouteTCP",
    ),
    "another API": ("li.yaml", "kind: HTTPRoute\nmetadata: {name: web-li}\nspec: {hostnames: [a.net]}\n", "HTTPRoute"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text", "said"), STUCK.values(), ids=STUCK)
def test_what_cannot_be_wired_is_told_and_left_open(lay_out: LayOut, path: str, text: str, said: str) -> None:
    deployment = lay_out({path: text, "x.yaml": ingress("x", hosts=("matrix.example.com",))})
    notes_of_plan = [line for line in deployment.plan().out.splitlines() if line.startswith(f"Note: {path}:1:1: ")]
    assert len(notes_of_plan) == 1
    assert said in notes_of_plan[0]
    go_round(deployment)
    assert ("li-open", path, 1) in found_ids(deployment)
    assert run("check", "--tree", str(deployment.tree)).code == 1


def test_other_ranges_replace_those_before(lay_out: LayOut) -> None:
    deployment = lay_out({"a.yaml": behind(), "b.yaml": router("b-li", [""])}, THREE)
    originals = deployment.files()
    go_round(deployment)
    answer(deployment, MINIMUM)
    succeed(deployment.setup())
    assert [lists for _, lists in ways(by_pyyaml(deployment.files()))] == [[RANGE], [RANGE]]
    assert "No byte was changed" in deployment.setup().out
    places = next(
        each for each in deployment.run("show", "--json").data["values"] if each["name"] == "li-allowed-cidrs"
    )
    assert [place.partition(":")[0] for place in places["sites"]] == ["a.yaml"]
    succeed(deployment.blank())
    assert deployment.files() == originals


def test_a_middleware_that_a_hand_changed_stays(lay_out: LayOut) -> None:
    deployment = lay_out({"a.yaml": behind()})
    succeed(deployment.setup())
    deployment.edit("a.yaml", "  ipAllowList:\n", "  ipAllowList:\n    ipStrategy: {depth: 1}\n")
    assert "No byte was changed" in deployment.setup().out
    succeed(deployment.blank())
    (left,) = every(by_pyyaml(deployment.files()), "Middleware").values()
    assert left["spec"]["ipAllowList"] == {
        "ipStrategy": {"depth": 1},
        "sourceRange": ["YOUR_LAW_ENFORCEMENT_IPS"],
    }
    succeed(deployment.setup())
    assert [lists for _, lists in ways(by_pyyaml(deployment.files()))] == [[RANGE]]


def test_what_was_added_goes_though_more_stands_behind_it(lay_out: LayOut) -> None:
    deployment = lay_out({"a.yaml": behind()})
    originals = deployment.files()["a.yaml"]
    succeed(deployment.setup())
    more = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ours}\n"
    file = deployment.tree / "a.yaml"
    file.write_text(file.read_text() + more)
    assert "No byte was changed" in deployment.setup().out
    succeed(deployment.blank())
    assert file.read_bytes() == originals + more.encode()


def test_the_ranges_are_asked_for_though_only_a_list_needs_them(lay_out: LayOut) -> None:
    without = MINIMUM.replace("lawful_intercept: {allowed_cidrs: [185.60.112.0/24]}\n", "")
    for files in ({"a.yaml": behind()}, {"a.yaml": behind("matrix-li-x@kubernetescrd") + middleware("li-x", LIST)}):
        stopped = lay_out(files, without).setup()
        assert stopped.code == 2, stopped.text
        assert "lawful_intercept.allowed_cidrs" in stopped.err

    needed = needs(Tree({"a.yaml": behind().encode()}), Answers(), Vault("ab" * 16, ()))
    assert "lawful_intercept.allowed_cidrs" in needed.keys


def test_who_may_reach_li_is_shown_nowhere(lay_out: LayOut) -> None:
    """Neither the ranges answered nor those that stood there, in the plan, its JSON, and sites.lock."""
    tech = ingress("tech-li", notes(f"{TECH_OLD}: 10.77.0.0/16"), spec=by_class("haproxytech"))
    text = middleware("li-only", "ipAllowList:\n    sourceRange:\n    - 10.78.0.0/16")
    both = f"  annotations: {{{TECH}: 10.79.0.0/16, x: CHANGEME_TURN_SECRET, {TECH_OLD}: 10.79.0.0/16}}\n"
    flow = ingress("flow-li", both, spec=by_class("haproxytech"))
    deployment = lay_out({"a.yaml": behind(), "m.yaml": text, "t.yaml": tech, "f.yaml": flow}, THREE)
    shown = deployment.plan().text + deployment.plan("--json").text + deployment.setup().text
    shown += (deployment.state / "sites.lock").read_text() + deployment.run("show").text + deployment.blank().text
    assert not [each for each in (*RANGES, "10.77.0.0", "10.78.0.0", "10.79.0.0") if each in shown]


def test_a_file_that_moves_takes_its_middleware_along(lay_out: LayOut) -> None:
    deployment: Deployment = lay_out({"li/a.yaml": behind()})
    originals = deployment.files()
    succeed(deployment.setup())
    (deployment.tree / "li").rename(deployment.tree / "lawful-intercept")
    succeed(deployment.setup())
    succeed(deployment.blank())
    assert list(deployment.files().values()) == list(originals.values())
