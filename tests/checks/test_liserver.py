"""LI's Synapse: federation, registration, guests, and what it drops."""

from __future__ import annotations

import pytest

from .asking import told
from .lihosts import ALONE, found, joined, line, synapse

MAIN = synapse("enable_registration: true\nallow_guest_access: true", instance="main")


def listener(*names: str) -> str:
    return f"listeners:\n  - port: 8008\n    resources:\n      - names: [{', '.join(names)}]"


def ids(text: str) -> set[str]:
    return {each.id for each in found(text)}


def test_a_twin_that_keeps_to_itself_is_no_finding() -> None:
    assert ids(joined(MAIN, synapse(f"{ALONE}\nenable_registration: false\n{listener('client', 'keys')}"))) == set()


def test_a_listener_for_other_servers_is_an_error() -> None:
    text = synapse(listener("client", "federation"))
    (one,) = found(text)
    assert (one.id, one.severity, f"a.yaml:{one.line}") == ("li-federates", "error", line(text, "names:"))
    assert ids(synapse(f"{ALONE}\n{listener('client', 'federation')}")) == set(), "the empty list forbids it"


@pytest.mark.parametrize("more", ["", "federation_domain_whitelist:", "federation_domain_whitelist: [corp.net]"])
def test_a_twin_that_may_ask_others_is_a_warning(more: str) -> None:
    text = synapse(f"{listener('client')}\n{more}")
    (one,) = found(text)
    assert (one.id, one.severity) == ("li-federates", "warning")
    assert f"a.yaml:{one.line}" == line(text, more or "server_name")


@pytest.mark.parametrize(
    ("option", "rule"), [("enable_registration", "li-registers"), ("allow_guest_access", "li-guests")]
)
def test_whoever_is_let_in_by_themselves_is_told(option: str, rule: str) -> None:
    for yes in ("true", "yes", "True"):
        text = synapse(f"{ALONE}\n{option}: {yes}")
        assert told(text, rule) == [line(text, option)]
    assert found(synapse(f"{ALONE}\n{option}: false\n# {option}: true")) == []


def test_main_may_do_all_that() -> None:
    assert ids(joined(MAIN, synapse(listener("client", "federation"), instance="main"))) == set()


def test_a_configuration_in_base64_is_told_where_it_stands() -> None:
    import base64

    plain = f"server_name: corp.net\nlisteners: []\n{ALONE}\nenable_registration: true\n"
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: synapse-li, namespace: matrix}\ndata:\n"
        f"  homeserver.yaml: {base64.b64encode(plain.encode()).decode()}\n"
    )
    assert told(text, "li-registers") == [line(text, "homeserver.yaml")]


def retained(instance: str, lifetime: str, switch: str = "true") -> str:
    lines = f"retention:\n  enabled: {switch}\n  default_policy:\n    max_lifetime: {lifetime}"
    return synapse(f"{ALONE}\n{lines}" if instance == "li" else lines, instance=instance)


def test_messages_that_li_deletes_before_main_does_are_told() -> None:
    for main in (retained("main", "1y"), retained("main", "31536000000"), retained("main", "1d", "false"), MAIN):
        text = joined(main, retained("li", "30d"))
        place = line(text, "max_lifetime: 30d")
        assert told(text, "li-retention") == [place]


@pytest.mark.parametrize("lifetime", ["1y", "2y", "53w", "31536000000"])
def test_what_li_keeps_as_long_is_no_finding(lifetime: str) -> None:
    assert told(joined(retained("main", "1y"), retained("li", lifetime)), "li-retention") == []
    assert told(joined(MAIN, retained("li", lifetime, "false")), "li-retention") == []
    assert told(retained("li", lifetime), "li-retention") == [], "without a main nothing is known of it"


def test_media_that_li_deletes_are_told() -> None:
    media = "media_retention:\n  local_media_lifetime: 90d"
    text = joined(MAIN, synapse(f"{ALONE}\n{media}"))
    assert told(text, "li-retention") == [line(text, "local_media_lifetime")]
    both = joined(synapse(media, instance="main"), synapse(f"{ALONE}\n{media}"))
    assert told(both, "li-retention") == []


def cluster(name: str, kept: str, group: str = "postgresql.cnpg.io") -> str:
    backup = f"spec:\n  backup:\n    retentionPolicy: {kept}\n" if kept else "spec: {}\n"
    return f"apiVersion: {group}/v1\nkind: Cluster\nmetadata: {{name: {name}, namespace: matrix}}\n{backup}"


@pytest.mark.parametrize(("main", "li"), [("30d", "29d"), ("5w", "30d"), ("2m", "8w")])
def test_backups_of_li_that_go_first_are_told(main: str, li: str) -> None:
    text = joined(cluster("matrix-postgresql", main), cluster("matrix-postgresql-li", li))
    assert told(text, "li-retention") == [line(text, f"retentionPolicy: {li}")]


@pytest.mark.parametrize(
    ("main", "li"), [("30d", "1m"), ("30d", "30d"), ("4w", "30d"), ("30d", ""), ("", "1d"), ("x", "1d")]
)
def test_backups_of_li_that_stay_are_not_told(main: str, li: str) -> None:
    assert found(joined(cluster("matrix-postgresql", main), cluster("matrix-postgresql-li", li))) == []


def test_clusters_of_another_kind_are_none() -> None:
    capi = "cluster.x-k8s.io"
    assert found(joined(cluster("matrix", "30d", capi), cluster("matrix-li", "1d", capi))) == []
