"""What only the operator can see to: computed from the bundled tree and from small ones, never where Matrix is not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wizard import onlyyou
from wizard.structure import Tree
from wizard.survey import survey

BUNDLED = Path(__file__).parents[2] / "templates"
NOW = "2026-11-27T00:00:00Z"


def duties(files: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the items of each duty by its id."""
    tree = Tree({path: text.encode() for path, text in files.items()})
    return {each.id: each.items for each in onlyyou.of(survey(tree, None, NOW))}


def bundled() -> dict[str, str]:
    """Return the bundled tree with hosts of one's own."""
    paths = [path for path in BUNDLED.rglob("*.yaml") if path.is_file()]
    return {
        str(path.relative_to(BUNDLED)): path.read_text("utf-8").replace("example.com", "corp.net") for path in paths
    }


SYNAPSE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: synapse-config, namespace: matrix}
data:
  homeserver.yaml: |
    server_name: corp.net
    listeners: []
"""


def test_the_bundled_tree_wants_names_ports_the_law_and_what_is_tried() -> None:
    told = duties(bundled())
    assert {"matrix.corp.net", "element-li.corp.net", "admin-li.corp.net"} <= set(told["dns"])
    assert told["dns-turn"] == ("turn.corp.net",)
    assert {"TCP 80, 443  Ingress", "TCP 7881  LiveKit"} <= set(told["firewall-in"])
    assert any(each.startswith("UDP") and each.endswith("coturn") for each in told["firewall-in"])
    assert "TCP 443, 8448  federation" in told["firewall-out"] and "TCP 443  certificates" in told["firewall-out"]
    assert len(told["li-closed"]) == 3 and all("-li.corp.net/" in each for each in told["li-closed"])
    assert "the legal review of the LI instance" in told["legal"]
    assert told["backups"] == ("Cluster/matrix/matrix-postgresql-li", "Cluster/matrix/matrix-postgresql")
    assert any(each.startswith("Tenant/matrix/matrix-minio ") for each in told["storage"])
    assert told["policies"] == ()
    assert told["policies-later"] == ("allow-prometheus-scraping  monitoring", "antivirus-access  antivirus")


def test_a_main_instance_alone_wants_no_legal_review_and_no_requests_of_li() -> None:
    told = duties({"a.yaml": SYNAPSE})
    assert told == {"firewall-out": ("TCP 443, 8448  federation", "TCP and UDP 53  names")}


def test_a_server_that_federates_with_nobody_reaches_for_no_other() -> None:
    alone = SYNAPSE + "    federation_domain_whitelist: []\n"
    assert duties({"a.yaml": alone}) == {"firewall-out": ("TCP and UDP 53  names",)}


def test_a_tree_without_matrix_is_told_nothing() -> None:
    ingress = (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: shop}\nspec: {rules: [{host: shop.net}]}\n"
    )
    policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: shop}\nspec: {podSelector: {}}\n"
    named = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nginx}\ndata: {a.yaml: 'server_name: shop\n\n  a: b'}\n"
    assert duties({"a.yaml": ingress, "b.yaml": policy, "c.yaml": named}) == {}


def test_the_configuration_may_stand_in_a_secret_or_in_a_file_of_its_own() -> None:
    alone = "server_name: corp.net\nlisteners: []\nfederation_domain_whitelist: []\n"
    assert duties({"config/homeserver.yaml": alone}) == {"firewall-out": ("TCP and UDP 53  names",)}
    secret = SYNAPSE.replace("ConfigMap", "Secret").replace("data:", "stringData:")
    assert "TCP 443, 8448  federation" in duties({"a.yaml": secret})["firewall-out"]


def test_no_address_of_the_tree_is_told() -> None:
    files = {path: text.replace("YOUR_LAW_ENFORCEMENT_IPS", "185.60.112.0/24") for path, text in bundled().items()}
    assert "185.60" not in str(duties(files))
