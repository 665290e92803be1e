"""Element leads to Synapse of its own instance, under its name."""

from __future__ import annotations

import pytest

from .asking import found, told
from .lihosts import ingress


def synapse(instance: str, host: str, name: str = "corp.net") -> str:
    called = "synapse-li" if instance == "li" else "synapse"
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {called}, namespace: m}}\ndata:\n  homeserver.yaml: |\n"
        f"    server_name: {name}\n    public_baseurl: https://{host}/\n---\n"
    )


def element(instance: str, host: str, name: str = "corp.net") -> str:
    called = "element-li" if instance == "li" else "element"
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {called}, namespace: m}}\ndata:\n  config.json: |\n"
        '    {"default_server_config": {"m.homeserver": {\n'
        f'      "base_url": "https://{host}",\n      "server_name": "{name}"}}}}}}\n---\n'
    )


MAIN, LI = "matrix.corp.net", "matrix-li.corp.net"
BOTH = synapse("main", MAIN) + synapse("li", LI)


def line(text: str, part: str) -> str:
    return f"a.yaml:{next(at for at, each in enumerate(text.splitlines(), 1) if part in each)}"


def test_elements_that_lead_to_their_own_servers_are_right() -> None:
    text = BOTH + element("main", MAIN) + element("li", LI)
    assert not [each for each in found(text) if each.id in ("li-element-main", "element-elsewhere")]
    assert told(BOTH + element("main", MAIN.upper() + ":443"), "element-elsewhere") == []


def test_lis_element_at_main_is_an_error_of_its_own() -> None:
    text = BOTH + element("li", MAIN)
    assert told(text, "li-element-main") == [line(text, "base_url")]
    assert told(text, "element-elsewhere") == []
    assert [each.severity for each in found(text) if each.id == "li-element-main"] == ["error"]


def test_the_admin_page_is_looked_at_as_well() -> None:
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: synapse-admin-li, namespace: m}\ndata:\n"
    text = BOTH + head + '  config.json: |\n    {"restrictBaseUrl": "https://%s"}\n'
    assert told(text % MAIN, "li-element-main") == [line(text, "restrictBaseUrl")]
    assert told(text % LI, "li-element-main") == []


def test_mains_element_at_li_is_an_error() -> None:
    text = BOTH + element("main", LI)
    assert told(text, "element-elsewhere") == [line(text, "base_url")]
    assert [each.severity for each in found(text) if each.id == "element-elsewhere"] == ["error"]


def test_an_address_of_nobody_is_doubtful() -> None:
    text = BOTH + element("main", "matrx.corp.net")
    assert told(text, "element-elsewhere") == [line(text, "base_url")]
    assert [each.severity for each in found(text) if each.id == "element-elsewhere"] == ["warning"]
    served = ingress("matrx").replace("matrx.corp.net", "matrx.corp.net")
    assert told({"a.yaml": text, "b.yaml": served}, "element-elsewhere") == [], "something of the tree answers there"


def test_another_name_is_doubtful() -> None:
    text = BOTH + element("li", LI, "matrix-li.corp.net")
    assert told(text, "element-elsewhere") == [line(text, '"server_name"')]
    assert [each.severity for each in found(text) if each.id == "element-elsewhere"] == ["warning"]


@pytest.mark.parametrize(
    "text",
    [
        element("main", "matrix.org", "matrix.org"),
        synapse("li", LI) + element("main", MAIN),
        synapse("main", "${HOST}", "${NAME}") + element("main", MAIN),
        synapse("main", MAIN) + element("main", "{{ .Values.host }}", "{{ .Values.name }}"),
        synapse("main", MAIN).replace("    public_baseurl: https://matrix.corp.net/\n", "") + element("main", "a.net"),
    ],
)
def test_what_the_tree_does_not_tell_is_not_told(text: str) -> None:
    assert not [each for each in found(text) if each.id in ("li-element-main", "element-elsewhere")]
