"""Certificates given by hand: each fault beside its near miss."""

from __future__ import annotations

import base64
import textwrap

import pytest

from checks.asking import found, told
from checks.authority import Party, issue

HOSTS = ("matrix.chat-corp.net", "element.chat-corp.net")


@pytest.fixture(scope="module")
def root() -> Party:
    return issue("root", ends=3650)


@pytest.fixture(scope="module")
def middle(root: Party) -> Party:
    return issue("middle", root, ends=400)


@pytest.fixture(scope="module")
def leaf(middle: Party) -> Party:
    return issue("leaf", middle, HOSTS)


def tree(crt: str, key: str, *hosts: str, name: str = "matrix-tls", notes: str = "{}") -> str:
    """Return a Secret of *crt* and *key*, and an Ingress that serves *hosts* with it."""
    rules = "".join(f"    - host: {host}\n" for host in hosts)
    listed = "".join(f"        - {host}\n" for host in hosts)
    return (
        f"kind: Secret\nmetadata: {{name: matrix-tls, namespace: matrix}}\ntype: kubernetes.io/tls\nstringData:\n"
        f"  tls.crt: |\n{textwrap.indent(crt, '    ')}  tls.key: |\n{textwrap.indent(key, '    ')}---\n"
        f"kind: Ingress\nmetadata:\n  name: web\n  namespace: matrix\n  annotations: {notes}\nspec:\n  tls:\n"
        f"    - secretName: {name}\n      hosts:\n{listed}  rules:\n{rules}"
    )


def of_tls(text: str) -> list[tuple[str, str, int]]:
    return [(each.id, each.severity, each.line) for each in found(text) if each.id.startswith("tls-")]


def key_line(crt: str) -> int:
    return 6 + crt.count("\n")


def test_a_pair_that_serves_its_hosts_is_no_finding(leaf: Party, middle: Party, root: Party) -> None:
    assert of_tls(tree(leaf.crt + middle.crt, leaf.pem, *HOSTS)) == []
    assert of_tls(tree(leaf.crt + middle.crt + root.crt, leaf.pem, *HOSTS)) == []
    alone = issue("alone", hosts=("*.chat-corp.net",))
    assert of_tls(tree(alone.crt, alone.pem, *HOSTS)) == [], "signed by itself: there is no issuer to send"


def test_in_data_it_is_read_as_well(leaf: Party, middle: Party) -> None:
    crt, key = (base64.b64encode(each.encode()).decode() for each in (leaf.crt + middle.crt, middle.pem))
    text = f"kind: Secret\nmetadata: {{name: x}}\ntype: kubernetes.io/tls\ndata:\n  tls.crt: {crt}\n  tls.key: {key}\n"
    assert of_tls(text) == [("tls-key-differs", "error", 6)]


def test_a_key_of_another_certificate(leaf: Party, middle: Party) -> None:
    crt = leaf.crt + middle.crt
    assert of_tls(tree(crt, middle.pem, *HOSTS)) == [("tls-key-differs", "error", key_line(crt))]


def test_a_chain_out_of_order_and_one_that_lacks_its_issuer(leaf: Party, root: Party) -> None:
    assert of_tls(tree(leaf.crt + root.crt, leaf.pem, *HOSTS)) == [("tls-chain", "error", 5)]
    assert of_tls(tree(leaf.crt, leaf.pem, *HOSTS)) == [("tls-chain", "warning", 5)]


def test_a_host_that_the_certificate_does_not_name(leaf: Party, middle: Party) -> None:
    text = tree(leaf.crt + middle.crt, leaf.pem, *HOSTS, "chat-corp.net")
    assert of_tls(text) == [("tls-names", "error", 5)]
    assert [each.message for each in found(text) if each.id == "tls-names"] == [
        "Secret/matrix/matrix-tls: The certificate does not name chat-corp.net."
    ]
    assert of_tls(tree(leaf.crt + middle.crt, leaf.pem, "chat-corp.net", name="other")) == []
    assert of_tls(tree(leaf.crt + middle.crt, leaf.pem, "matrix.example.com", *HOSTS)) == [], "told as a placeholder"


@pytest.mark.parametrize(
    ("begins", "ends", "expected"),
    [(-30, 31, []), (-30, 29, [("tls-expiring", "warning", 5)]), (-30, -1, [("tls-expired", "error", 5)]),
     (1, 90, [("tls-not-yet", "error", 5)])],
    ids=["31-days", "29-days", "yesterday", "tomorrow"],
)  # fmt: skip
def test_time(middle: Party, begins: int, ends: int, expected: list[tuple[str, str, int]]) -> None:
    one = issue("one", middle, HOSTS, begins, ends)
    assert of_tls(tree(one.crt + middle.crt, one.pem, *HOSTS)) == expected


def test_an_intermediate_ends_as_well(root: Party) -> None:
    soon = issue("soon", root, ends=10)
    one = issue("one", soon, HOSTS)
    assert of_tls(tree(one.crt + soon.crt, one.pem, *HOSTS)) == [("tls-expiring", "warning", 5)]


def test_what_cannot_be_read(leaf: Party) -> None:
    assert of_tls(tree("nothing\n", leaf.pem, *HOSTS)) == [("tls-malformed", "error", 5)]
    damaged = leaf.pem.replace("\nM", "\n?", 1)
    assert of_tls(tree(leaf.crt, damaged, *HOSTS)) == [("tls-malformed", "error", key_line(leaf.crt))]
    assert not any("?" in each.message for each in found(tree(leaf.crt, damaged, *HOSTS)))
    assert of_tls(tree("CHANGEME_TLS_CERTIFICATE\n", leaf.pem, *HOSTS)) == [], "told as a placeholder"
    assert of_tls(tree("${TLS_CRT}\n", "${TLS_KEY}\n", *HOSTS)) == []


def test_what_cert_manager_writes_does_not_count() -> None:
    past = issue("past", hosts=HOSTS, ends=-1)
    assert told(tree(past.crt, past.pem, *HOSTS), "tls-expired") == ["a.yaml:5"]
    by_issuer = tree(past.crt, past.pem, *HOSTS, notes="{cert-manager.io/cluster-issuer: letsencrypt}")
    assert of_tls(by_issuer) == []
    certificate = "---\nkind: Certificate\nmetadata: {name: x, namespace: matrix}\nspec: {secretName: matrix-tls}\n"
    assert of_tls(tree(past.crt, past.pem, *HOSTS) + certificate) == []
