"""nginx, as the ingress controller sets it up, lets in whom the tree names, and nobody else. Debian: nginx.

The controller itself is not to be had as a package; `ingress` renders what its template renders.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from scripts.reading import entries

from .filled import INSIDE, OUTSIDE, Filled
from .ingress import LISTS, NGINX, configuration, serving, status

LI = {"matrix-li.chat-corp.net", "element-li.chat-corp.net", "admin-li.chat-corp.net"}
ADMIN, REFUSED, UNKNOWN, OPEN = "admin-li.chat-corp.net", 403, 401, 200
VALUES = {"bundled": "values/nginx-ingress-values.yaml", "dress": "values/ingress-nginx.yaml"}


@pytest.fixture(autouse=True)
def software(needs: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/sbin", prepend=":")
    needs("nginx")


class Edge:
    """What the controller reads: Ingresses, Secrets and the chart's values, which a test may change."""

    def __init__(self, tree: Filled, home: Path) -> None:
        self.home = home
        self.ingresses: dict[str, Any] = copy.deepcopy(tree.every("Ingress"))
        self.secrets = {name: entries(each) for name, each in tree.every("Secret").items()}
        (self.values,) = copy.deepcopy(tree.objects[VALUES[tree.name]])
        self.former = tree.former.get("li-admin-password", "of-nobody")
        self.password = tree.deployment.show("li-admin-password")

    def host(self, name: str) -> Any:
        """Return the annotations of the Ingress of a host."""
        (found,) = (each for each in self.ingresses.values() if each["spec"]["rules"][0]["host"] == name)
        return found["metadata"]["annotations"]

    @contextmanager
    def serving(self) -> Iterator[int]:
        with serving(configuration(self.ingresses, self.secrets, self.values, self.home), self.home) as port:
            yield port


@pytest.fixture
def edge(dressed: Filled, tmp_path: Path) -> Edge:
    return Edge(dressed, tmp_path)


def passes_who_should(port: int, edge: Edge) -> None:
    """Every host's door, tried from inside and outside, with and without a password, and with a borrowed address."""
    right = ("admin", edge.password)
    hosts = {rule["host"] for each in edge.ingresses.values() for rule in each["spec"]["rules"]}
    assert hosts > LI
    for host in hosts - LI:
        assert status(port, host, OUTSIDE) == OPEN, host
    for host in LI:
        assert status(port, host, INSIDE, right) == OPEN, host
        assert status(port, host, INSIDE) == (UNKNOWN if host == ADMIN else OPEN), host
        for named in ({}, {"X_Forwarded_For": INSIDE}, {"X_Real_IP": INSIDE, "Forwarded": f"for={INSIDE}"}):
            assert status(port, host, OUTSIDE, right, **named) == REFUSED, host
    for wrong in [("admin", "wrong"), ("admin", ""), ("root", edge.password), ("admin", edge.former)]:
        assert status(port, ADMIN, INSIDE, wrong) == UNKNOWN


def test_only_the_addresses_of_the_list_get_in_and_the_admin_page_asks_for_its_password(edge: Edge) -> None:
    with edge.serving() as port:
        passes_who_should(port, edge)


@pytest.mark.parametrize("host", sorted(LI))
def test_a_tree_without_a_list_is_open(edge: Edge, host: str) -> None:
    notes = edge.host(host)
    for each in LISTS:
        notes.pop(each, None)
    with edge.serving() as port:
        assert status(port, host, OUTSIDE, ("admin", edge.password)) == OPEN
        with pytest.raises(AssertionError):
            passes_who_should(port, edge)


def test_a_controller_that_believes_headers_is_open_to_a_borrowed_address(edge: Edge) -> None:
    edge.values["controller"]["config"]["use-forwarded-headers"] = "true"
    with edge.serving() as port:
        right = ("admin", edge.password)
        assert [status(port, host, OUTSIDE, right, X_Forwarded_For=INSIDE) for host in LI] == [OPEN] * 3
        with pytest.raises(AssertionError):
            passes_who_should(port, edge)


def test_a_page_without_the_kind_of_authentication_is_open(edge: Edge) -> None:
    del edge.host(ADMIN)[f"{NGINX}auth-type"]
    with edge.serving() as port:
        assert status(port, ADMIN, INSIDE) == OPEN
        with pytest.raises(AssertionError):
            passes_who_should(port, edge)


def test_a_hash_of_another_password_lets_nobody_in(edge: Edge) -> None:
    edge.secrets["synapse-admin-auth"]["auth"] = "admin:CHANGEME_GENERATE_HTPASSWD\n"
    with edge.serving() as port:
        assert status(port, ADMIN, INSIDE, ("admin", edge.password)) == UNKNOWN
        with pytest.raises(AssertionError):
            passes_who_should(port, edge)


def test_nginx_refuses_a_list_that_nobody_filled_in(edge: Edge) -> None:
    notes = edge.host(ADMIN)
    (key,) = (each for each in LISTS if each in notes)
    notes[key] = "YOUR_LAW_ENFORCEMENT_IPS"
    with pytest.raises(AssertionError, match="invalid parameter"), edge.serving():
        pass
