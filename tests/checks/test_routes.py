"""Routes to the admin API of Synapse: whoever asks for it from outside gets to it, or something stands between."""

from __future__ import annotations

import pytest

from .asking import told

SYNAPSE = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: synapse, namespace: m}
spec:
  template:
    metadata: {labels: {app: synapse, part: main}}
    spec: {containers: [{name: it, image: 'matrixdotorg/synapse:v1.163.2'}]}
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: m}
spec: {selector: {app: synapse}}
---
"""


def ingress(*paths: str, notes: str = "{}", klass: str = "nginx", kind: str = "Prefix", service: str = "server") -> str:
    lines = "".join(
        f"          - {{path: '{path}', pathType: {kind}, backend: {{service: {{name: {service}}}}}}}\n"
        for path in paths
    )
    return (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
        f"metadata: {{name: way, namespace: m, annotations: {notes}}}\n"
        f"spec:\n  ingressClassName: {klass}\n  rules:\n"
        f"    - host: matrix.corp.net\n      http:\n        paths:\n{lines}"
    )


def route(match: str) -> str:
    return (
        "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: way, namespace: m}\n"
        f"spec:\n  routes:\n    - match: {match}\n      services: [{{name: server, port: 8008}}]\n"
    )


def gateway(matches: str, parent: str = "public") -> str:
    return (
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: way, namespace: m}\n"
        f"spec:\n  parentRefs: [{{name: {parent}}}]\n  hostnames: [matrix.corp.net]\n"
        f"  rules:\n    - backendRefs: [{{name: server}}]\n{matches}"
    )


PATH = "      matches: [{path: {value: '%s'}}]\n"
GUARD = "{nginx.ingress.kubernetes.io/whitelist-source-range: 185.60.112.0/24}"
SNIPPET = "{nginx.ingress.kubernetes.io/server-snippet: 'location /_synapse/admin { deny all; }'}"


def test_a_label_without_a_text_selects_as_well() -> None:
    text = SYNAPSE.replace("{app: synapse", "{app: ''") + ingress("/")
    assert told(text, "admin-api-public")


@pytest.mark.parametrize(
    ("way", "part"),
    [
        (ingress("/"), "path: '/'"),
        (ingress("/_matrix", "/_synapse"), "path: '/_synapse'"),
        (ingress("/_synapse/admin"), "path: '/_synapse/admin'"),
        (ingress("/(_matrix|_synapse)/.*"), "path: '/(_matrix"),
        (ingress("/_matrix", "/"), "path: '/',"),
        (route("Host(`matrix.corp.net`)"), "match:"),
        (route("Host(`matrix.corp.net`) && PathPrefix(`/_synapse`)"), "match:"),
        (gateway(""), "backendRefs"),
        (gateway(PATH % "/_synapse"), "backendRefs"),
    ],
)
def test_a_way_to_the_admin_api_is_told(way: str, part: str) -> None:
    text = SYNAPSE + way
    number = next(at for at, each in enumerate(text.splitlines(), 1) if part in each)
    assert told(text, "admin-api-public") == [f"a.yaml:{number}"]


@pytest.mark.parametrize(
    "way",
    [
        ingress("/_matrix", "/_synapse/client"),
        ingress("/_synapse/adm"),
        ingress("/_synapse/admin", kind="Exact"),
        ingress("/", notes=GUARD),
        ingress("/", notes=SNIPPET),
        ingress("/", klass="internal"),
        ingress("/", service="haproxy"),
        ingress("/") + ingress("/_synapse/admin", service="nobody").join(["---\n", ""]),
        ingress("^/_matrix|^/_synapse/client"),
        ingress("/").replace("name: way", "name: way-li"),
        ingress("/").replace("way, namespace: m", "way, namespace: other"),
        route("Host(`matrix.corp.net`) && PathPrefix(`/_matrix`)"),
        route("Host(`matrix.corp.net`) && !PathPrefix(`/_synapse`)"),
        route("Host(`matrix.corp.net`) && Path(`/health`)"),
        gateway(PATH % "/_matrix"),
        gateway("", parent="internal"),
    ],
)
def test_a_way_past_it_is_not_told(way: str) -> None:
    assert told(SYNAPSE + way, "admin-api-public") == []
    assert told(way, "admin-api-public") == []
