"""What Synapse of main and of LI have in common, and what not, read in their own files."""

import base64

import pytest

from checks.asking import told

REDIS = "redis:\n  enabled: true\n  host: {0}\n"


def config(name: str, text: str, *, namespace: str = "matrix", file: str = "homeserver.yaml") -> str:
    """A ConfigMap of five lines; the text begins in the seventh."""
    head = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata:\n  {file}: |\n"
    return head + "".join(f"    {line}\n" for line in ("report_stats: false", *text.splitlines()))


def twins(main: str, li: str) -> dict[str, str]:
    return {"main.yaml": config("synapse-config", main), "twin.yaml": config("synapse-li-config", li)}


def test_the_twin_has_mains_name() -> None:
    files = twins("server_name: chat.net\n", "pid_file: /tmp/pid\nserver_name: li.chat.net\n")
    assert told(files, "server-names-differ") == ["twin.yaml:8"]
    assert told(twins("server_name: chat.net\n", "server_name: chat.net\n"), "server-names-differ") == []
    # Main instances of several names beside each other are nobody's twins.
    others = {"a.yaml": config("one", "server_name: one.net\n"), "b.yaml": config("two", "server_name: two.net\n")}
    assert told(others, "server-names-differ") == []
    expanded = twins("server_name: ${NAME}\n", "server_name: chat.net\n")
    assert told(expanded, "server-names-differ") == []


def test_a_name_in_a_secret_is_read_out_of_its_base64() -> None:
    text = base64.b64encode(b"server_name: other.net\nreport_stats: false\n").decode()
    li = "apiVersion: v1\nkind: Secret\nmetadata: {name: synapse-li-config}\ndata:\n  homeserver.yaml: "
    main = config("synapse-config", "server_name: chat.net\n")
    assert told({"a.yaml": main, "b.yaml": f"{li}{text}\n"}, "server-names-differ") == ["b.yaml:5"]


def test_the_twin_has_mains_pepper() -> None:
    name, pepper = "server_name: chat.net\n", "password_config:\n  enabled: true\n  pepper: {0}\n"
    one, other = name + pepper.format("Rk4nBz8PsD3f"), name + pepper.format("Gw6yJc1HtV5x")
    assert told(twins(one, other), "peppers-differ") == ["twin.yaml:10"]
    assert told(twins(one, name), "peppers-differ") == ["twin.yaml:6"]
    assert told(twins(name, one), "peppers-differ") == ["twin.yaml:10"]
    for same in (one, name, name + pepper.format("")):
        assert told(twins(same, same), "peppers-differ") == []
    assert told(twins(name, name + pepper.format('""')), "peppers-differ") == []
    assert told(twins(name + pepper.format("${PEPPER}"), other), "peppers-differ") == []


@pytest.mark.parametrize("host", ["redis", "redis.matrix.svc.cluster.local", "redis.matrix"])
def test_the_twins_do_not_hear_each_other_on_one_redis(host: str) -> None:
    name = "server_name: chat.net\n"
    main = name + REDIS.format("redis.matrix.svc")
    assert told(twins(main, name + REDIS.format(host)), "li-shares-redis") == ["twin.yaml:10"]
    apart = (
        REDIS.format("redis-li"),
        REDIS.format(host).replace("true", "false"),
        REDIS.format("redis.li-matrix.svc"),
        REDIS.format(host) + "  port: 6380\n",
        REDIS.format("localhost"),
        "",
    )
    for own in apart:
        assert told(twins(main, name + own), "li-shares-redis") == []
