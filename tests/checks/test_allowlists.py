"""LI's allow-lists: each fault is told at its entry, and what is only unusual is not."""

from __future__ import annotations

import pytest

from .asking import told
from .lihosts import LISTED, NGINX, RANGES, admin, found, ingress, issuer, joined, line, secret

LIST = f"{NGINX}whitelist-source-range"
BOTH = joined(ingress(), admin(), secret())


def listing(ranges: str) -> str:
    return ingress(notes={LIST: ranges})


def ids(text: str) -> set[str]:
    return {each.id for each in found(text)}


def test_hosts_with_the_same_lists_and_a_password_are_no_finding() -> None:
    assert found(BOTH) == []


@pytest.mark.parametrize("ranges", ["0.0.0.0/0", "::/0", "185.60.112.0/24,0.0.0.0/0", "185.60.112.0/24 10.0.0.1", "x"])
def test_a_list_that_is_open_or_not_in_force_is_told(ranges: str) -> None:
    text = listing(ranges)
    assert told(text, "li-open") == ["a.yaml:1"]
    assert ids(text) == {"li-open"}, "and of such a list nothing else"


@pytest.mark.parametrize("ranges", ["${LI_RANGES}", "185.60.112.0/24,${MORE}", "YOUR_LAW_ENFORCEMENT_IPS"])
def test_a_list_that_is_still_to_be_filled_in_is_not_told_as_open(ranges: str) -> None:
    assert found(listing(ranges)) == []


@pytest.mark.parametrize("wide", ["128.0.0.0/1", "64.0.0.0/7", "2000::/3", "2a00::/15"])
def test_a_range_that_holds_a_large_part_of_all_addresses_is_an_error(wide: str) -> None:
    text = listing(f"185.60.112.0/24, {wide}")
    (one,) = [each for each in found(text) if each.id == "li-wide"]
    assert (one.severity, f"{one.file}:{one.line}") == ("error", line(text, LIST))
    assert "entry 2" in one.message and wide.partition("/")[0] not in one.message + one.fix


def test_a_wide_range_is_a_warning_and_one_as_wide_as_a_company_is_none() -> None:
    assert [each.severity for each in found(listing("23.0.0.0/12")) if each.id == "li-wide"] == ["warning"]
    assert found(listing("131.107.0.0/16, 2a02:ec80::/32")) == []


@pytest.mark.parametrize("item", ["127.0.0.1", "169.254.10.0/24", "224.0.0.0/24", "fe80::/64", "::1", "3fff:1::/48"])
def test_a_range_that_no_client_has_is_told(item: str) -> None:
    text = listing(f"{RANGES}, {item}")
    assert told(text, "li-range-unused") == [line(text, LIST)]
    assert item not in str(found(text))


def test_a_list_that_stands_on_several_hosts_is_told_where_it_stands_first() -> None:
    notes = {LIST: "64.0.0.0/7"}
    text = joined(ingress(notes=notes), ingress("element-li", notes))
    assert told(text, "li-wide") == [line(text, LIST)]


def test_the_usual_documentation_ranges_are_told_as_placeholders_and_once() -> None:
    for item in ("192.0.2.0/24", "198.51.100.7/32", "203.0.113.0/24", "2001:db8:1::/48"):
        text = listing(item)
        assert (found(text), told(text, "placeholder-left")) == ([], [line(text, LIST)])


PUBLIC = {"cert-manager.io/cluster-issuer": "acme"}


@pytest.mark.parametrize("item", ["10.20.0.0/16", "172.20.1.1", "192.168.0.0/16", "100.64.0.0/16", "fd00:1::/48"])
def test_a_private_range_is_told_of_a_host_on_the_internet(item: str) -> None:
    text = joined(ingress(notes={LIST: f"{RANGES}, {item}", **PUBLIC}), issuer())
    assert told(text, "li-private") == [line(text, LIST)]
    assert item not in str(found(text))


def test_a_private_range_makes_sense_where_nothing_says_that_the_host_is_on_the_internet() -> None:
    private = ingress(notes={LIST: "10.20.0.0/16", **PUBLIC})
    assert told(private, "li-private") == []
    assert told(joined(private, issuer("dns01: {webhook: {}}")), "li-private") == []
    assert told(joined(ingress(notes={LIST: RANGES, **PUBLIC}), issuer()), "li-private") == []


def test_hosts_that_let_in_different_ranges_are_told_at_the_second() -> None:
    other = ingress("element-li", {LIST: "185.60.112.0/24"})
    text = joined(ingress(), other)
    (place,) = told(text, "li-lists-differ")
    assert place == f"a.yaml:{text[: text.rindex(LIST)].count(chr(10)) + 1}"


@pytest.mark.parametrize("ranges", ["91.198.174.192,185.60.112.0/24", "185.60.112.9/24 ,  91.198.174.192/32"])
def test_the_same_ranges_in_another_order_or_spelling_are_the_same(ranges: str) -> None:
    assert told(joined(ingress(), ingress("element-li", {LIST: ranges})), "li-lists-differ") == []


def middleware(name: str, ranges: str) -> str:
    return (
        f"apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {{name: {name}, namespace: matrix}}\n"
        f"spec:\n  ipAllowList:\n    sourceRange: [{ranges}]\n"
    )


def by_traefik(name: str, passed: str) -> str:
    notes = {"traefik.ingress.kubernetes.io/router.middlewares": f"matrix-{passed}@kubernetescrd"}
    return ingress(name, notes, klass="traefik")


def test_the_lists_of_traefik_are_read_in_its_middlewares() -> None:
    good = middleware("li-list", RANGES)
    assert found(joined(by_traefik("synapse-li", "li-list"), by_traefik("element-li", "li-list"), good)) == []
    wide = joined(
        by_traefik("synapse-li", "li-list"), by_traefik("element-li", "li-list"), middleware("li-list", "'::/3'")
    )
    assert told(wide, "li-wide") == [line(wide, "sourceRange")], "once, though two hosts pass it"
    other = joined(by_traefik("synapse-li", "a"), middleware("a", RANGES), by_traefik("element-li", "b"))
    other = joined(other, middleware("b", "185.60.112.0/24"))
    assert len(told(other, "li-lists-differ")) == 1


def test_the_ranges_of_main_are_its_own_affair() -> None:
    assert found(ingress("matrix", {LIST: "64.0.0.0/7"})) == []
    assert found(ingress("matrix", {**LISTED, LIST: "10.0.0.0/8"})) == []
