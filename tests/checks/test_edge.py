"""The edge: who chooses the address that LI's allow-lists see, what is logged, and which annotations are read."""

from __future__ import annotations

import pytest

from .asking import told
from .lihosts import LISTED, NGINX, found, ingress, line

LOCAL = "  service: {externalTrafficPolicy: Local}\n"


def values(*options: str, service: str = LOCAL) -> str:
    config = "".join(f"    {each}\n" for each in options)
    return f"# ingress-nginx\ncontroller:\n{service}  replicaCount: 2\n" + (f"  config:\n{config}" if options else "")


def asked(text: str, rule: str, li: str = "") -> list[str]:
    """Return where *rule* finds something in the values *text*, beside an LI host."""
    return told({"a.yaml": text, "li.yaml": li or ingress()}, rule)


FORWARDED = 'use-forwarded-headers: "true"'


@pytest.mark.parametrize(
    "options",
    [
        (FORWARDED,),
        ("use-forwarded-headers: true",),
        ('enable-real-ip: "true"',),
        (FORWARDED, 'proxy-real-ip-cidr: "0.0.0.0/0"'),
        (FORWARDED, 'proxy-real-ip-cidr: "10.0.0.0/8, ::/0"'),
    ],
)
def test_the_client_can_choose_its_address_where_everybody_is_believed(options: tuple[str, ...]) -> None:
    text = values(*options)
    assert asked(text, "li-address-forged") == [line(text, options[0])]
    assert [each.severity for each in found({"a.yaml": text, "li.yaml": ingress()})] == ["error"]


@pytest.mark.parametrize(
    "options",
    [
        ('use-forwarded-headers: "false"',),
        ('compute-full-forwarded-for: "true"',),
        (FORWARDED, 'proxy-real-ip-cidr: "10.20.0.0/24"'),
        (FORWARDED, 'proxy-real-ip-cidr: "${PROXIES}"'),
        ('use-proxy-protocol: "true"', 'proxy-real-ip-cidr: "10.20.0.0/24"'),
    ],
)
def test_a_proxy_that_is_named_is_believed_alone(options: tuple[str, ...]) -> None:
    assert found({"a.yaml": values(*options), "li.yaml": ingress()}) == []


def test_the_proxy_protocol_of_everybody_is_doubtful() -> None:
    text = values('use-proxy-protocol: "true"', FORWARDED)
    (one,) = [each for each in found({"a.yaml": text, "li.yaml": ingress()}) if each.id == "li-address-forged"]
    assert (one.severity, f"a.yaml:{one.line}") == ("warning", line(text, "use-proxy-protocol"))


CONFIG_MAP = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ingress-nginx-controller}}\ndata:\n  {FORWARDED}\n"
FLUX = (
    "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: ingress-nginx}\n"
    f"spec:\n  values:\n    controller:\n      config:\n        {FORWARDED}\n"
    "      service: {externalTrafficPolicy: Local}\n"
)
K3S = (
    "apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata: {name: rke2-ingress-nginx}\n"
    f"spec:\n  valuesContent: |-\n    controller:\n      config:\n        {FORWARDED}\n"
    "      service:\n        externalTrafficPolicy: Local\n"
)


@pytest.mark.parametrize("text", [CONFIG_MAP, FLUX, K3S], ids=["ConfigMap", "HelmRelease", "HelmChartConfig"])
def test_the_options_are_found_wherever_they_stand(text: str) -> None:
    assert asked(text, "li-address-forged") == [line(text, FORWARDED)]
    assert asked(text.replace('"true"', '"false"'), "li-address-forged") == []


def test_without_an_li_host_that_nginx_guards_the_options_are_its_own_affair() -> None:
    text = values(FORWARDED, service="")
    assert found({"a.yaml": text, "b.yaml": ingress("matrix")}) == []
    traefik = {"traefik.ingress.kubernetes.io/router.middlewares": "matrix-list@kubernetescrd"}
    assert asked(text, "li-address-forged", ingress(notes=traefik, klass="traefik")) == []


CLUSTER = "  service: {externalTrafficPolicy: Cluster}\n"


def test_a_service_that_hides_the_client_is_told() -> None:
    for service in ("", "  service: {type: LoadBalancer}\n"):
        text = values(service=service)
        assert asked(text, "li-address-lost") == [line(text, "service" if service else "replicaCount")]
    text = values(service=CLUSTER)
    assert asked(text, "li-address-lost") == [line(text, "Cluster")]


@pytest.mark.parametrize(
    "service",
    [
        LOCAL,
        "  hostNetwork: true\n",
        "  hostPort: {enabled: true}\n",
        "  service: {type: ClusterIP}\n",
        "  service: {enabled: false}\n",
        "  service: {externalTrafficPolicy: '${POLICY}'}\n",
    ],
)
def test_a_controller_that_hears_its_clients_otherwise_is_not_told(service: str) -> None:
    assert asked(values(service=service), "li-address-lost") == []


def test_values_over_others_need_not_say_it_again() -> None:
    files = {"a.yaml": values(), "b-ingress-nginx.yaml": "controller: {replicaCount: 3}\n", "li.yaml": ingress()}
    assert found(files) == []
    assert told({**files, "b-ingress-nginx.yaml": values(service="")}, "li-address-lost") == []
    assert told({**files, "b-ingress-nginx.yaml": values(service=CLUSTER)}, "li-address-lost") != []


def service(policy: str, kind: str = "LoadBalancer") -> str:
    return (
        "apiVersion: v1\nkind: Service\nmetadata: {name: ingress-nginx-controller, namespace: ingress-nginx}\n"
        f"spec:\n  type: {kind}\n{policy}  selector: {{app.kubernetes.io/name: ingress-nginx}}\n"
    )


def test_the_controllers_own_service_is_read_too() -> None:
    assert asked(service(""), "li-address-lost") == ["a.yaml:1"]
    assert asked(service("  externalTrafficPolicy: Cluster\n"), "li-address-lost") == ["a.yaml:6"]
    assert asked(service("  externalTrafficPolicy: Local\n"), "li-address-lost") == []
    assert asked(service("", "ClusterIP"), "li-address-lost") == []


def test_an_li_host_that_is_not_logged_is_told() -> None:
    text = ingress(notes={**LISTED, f"{NGINX}enable-access-log": "false"})
    assert told(text, "li-unlogged") == [line(text, "enable-access-log")]
    assert found(text.replace("'false'", "'true'")) == []
    assert found(text.replace("synapse-li", "matrix").replace("matrix-li", "matrix")) == [], "main may be quiet"


@pytest.mark.parametrize(
    "option", ['disable-access-log: "true"', 'disable-http-access-log: "true"', "access-log-path: /dev/null"]
)
def test_a_controller_that_logs_nothing_logs_no_li_host(option: str) -> None:
    text = values(option)
    assert asked(text, "li-unlogged") == [line(text, option)]


@pytest.mark.parametrize("option", ['disable-access-log: "false"', "access-log-path: /var/log/nginx/access.log"])
def test_a_controller_that_logs_is_not_told(option: str) -> None:
    assert found({"a.yaml": values(option), "li.yaml": ingress()}) == []


BODY = {f"{NGINX}proxy-body-size": "100m"}


def test_annotations_for_another_controller_are_in_vain() -> None:
    text = ingress("matrix", {**BODY, f"{NGINX}ssl-redirect": "true"}, klass="haproxy")
    (one,) = found(text)
    assert (one.id, one.severity, f"a.yaml:{one.line}") == (
        "annotation-unread",
        "warning",
        line(text, "proxy-body-size"),
    )


def test_an_allow_list_in_vain_is_an_error_of_an_li_host_alone() -> None:
    notes = {**BODY, **LISTED}
    text = ingress(notes=notes, klass="traefik")
    (one,) = [each for each in found(text) if each.id == "annotation-unread"]
    assert (one.severity, f"a.yaml:{one.line}") == ("error", line(text, "whitelist"))
    (main,) = found(ingress("matrix", notes, klass="traefik"))
    assert (main.id, main.severity) == ("annotation-unread", "warning")


@pytest.mark.parametrize("klass", ["nginx", "internal", "alb", "''"])
def test_what_may_be_read_is_not_told(klass: str) -> None:
    assert found(ingress("matrix", BODY, klass=klass)) == []


def test_two_controllers_of_one_class_name_are_told_apart_by_what_they_read() -> None:
    assert found(ingress("matrix", {**BODY, "nginx.org/client-max-body-size": "1m"})) == []


@pytest.mark.parametrize("key", ["whitelist-source-ranges", "allowlist-sorce-range", "auth-typ"])
def test_an_annotation_with_a_slip_is_an_error_where_it_was_to_guard_li(key: str) -> None:
    text = ingress(notes={**BODY, NGINX + key: "it"})
    (one,) = [each for each in found(text) if each.id == "annotation-misspelt"]
    assert (one.severity, f"a.yaml:{one.line}") == ("error", line(text, key))
    (main,) = [each for each in found(ingress("matrix", {NGINX + key: "it"})) if each.id == "annotation-misspelt"]
    assert main.severity == "warning"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("nginx.ingress.kubernets.io/proxy-body-size", f"{NGINX}proxy-body-size"),
        ("cert-manager.io/cluster-isuer", "cert-manager.io/cluster-issuer"),
        (f"{NGINX}proxy-body-size", ""),
        (f"{NGINX}large-client-header-buffers", ""),  # no annotation, and like none
        ("nginx.org/proxy-body-size", ""),
        ("ingress.kubernetes.io/whitelist-source-range", ""),  # which haproxy-ingress reads
        ("cert-manager.io/issuer", ""),
        ("corp.net/cluster-issuer", ""),
        ("proxy-body-size", ""),
    ],
)
def test_a_name_that_is_known_or_like_none_is_not_told(key: str, meant: str) -> None:
    said = [each.fix for each in found(ingress("matrix", {key: "it"})) if each.id == "annotation-misspelt"]
    assert said == ([f"Write {meant}."] if meant else [])
