"""What is left to do, read from small trees of one shape each: ports, names, and the commands in their order."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from wizard import afterwards, rollout
from wizard.afterwards import Afterwards, Host
from wizard.answers import Answers
from wizard.vault import Recipient, Vault

KUBECTL = str(Path(sys.executable).with_name("kubectl"))
BASE = Answers().with_answer("domains.base", "chat-corp.net")


def of(files: Mapping[str, str], answers: Answers = BASE, root: str = "tree") -> Afterwards:
    vault = Vault("0" * 32, (Recipient("age1a"), Recipient("age1b")), answers=answers.to_json())
    return afterwards.of({path: text.encode() for path, text in files.items()}, vault, root)


def thing(kind: str, name: str = "x", more: str = "") -> str:
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: matrix}}\n{more}"


def config(name: str, key: str, text: str) -> str:
    return thing("ConfigMap", name, f"data:\n  {key}: |\n" + "".join(f"    {line}\n" for line in text.splitlines()))


def workload(image: str, *command: str) -> str:
    container = f"{{name: x, image: {image}, command: [{', '.join(map(repr, command))}]}}"
    return thing("Deployment", "x", f"spec: {{template: {{spec: {{containers: [{container}]}}}}}}\n")


def ports(text: str, answers: Answers = BASE) -> list[str]:
    return [f"{each.protocol} {each.number} {each.what}" for each in of({"a.yaml": text}, answers).ports]


TURN = ["UDP 3478 coturn", "TCP 3478 coturn", "UDP 49152-65535 coturn"]
TURN_TLS = [*TURN[:2], "TCP 5349 coturn", TURN[2]]


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ("use-auth-secret\n", TURN),
        ("use-auth-secret\ncert=/tls/tls.crt\n", TURN_TLS),
        ("use-auth-secret\ntls-listening-port=5349\n", TURN_TLS),
        ("use-auth-secret\ntls-listening-port=5349\nno-tls\n", TURN),
        ("use-auth-secret\n# tls-listening-port=5349\n#cert=a\n", TURN),
        ("min-port=50000\nmax-port = 50100\nlistening-port 3479\n",
         ["UDP 3479 coturn", "TCP 3479 coturn", "UDP 50000-50100 coturn"]),
        ("use-auth-secret\nno-udp\nno-tcp\nno-udp-relay\n", []),
        ("min-port=CHANGEME\n", TURN),
    ],
)  # fmt: skip
def test_the_ports_of_coturn_are_those_of_its_configuration(text: str, opened: list[str]) -> None:
    assert ports(config("coturn-config", "turnserver.conf", text)) == opened


def test_the_ports_of_coturn_on_its_command_line() -> None:
    words = ("turnserver", "-n", "--min-port=60000", "--max-port", "60999", "--no-tcp", "--cert=/a")
    opened = ["UDP 3478 coturn", "TCP 5349 coturn", "UDP 60000-60999 coturn"]
    assert ports(workload("docker.io/coturn/coturn:4.6.2", *words)) == opened
    assert ports(workload("coturn/coturn", "sh", "-c", "exec turnserver " + " ".join(words[1:]))) == opened
    assert ports(workload("coturn/coturn")) == TURN, "the image's own command"
    file = config("conf", "other.conf", "use-auth-secret\nmin-port=50000\nmax-port=50100")
    both = f"{file}---\n{workload('coturn/coturn', '--max-port=50200')}"
    assert ports(both)[-1] == "UDP 50000-50200 coturn"


LIVEKIT = BASE.with_answer("livekit", value=True)


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ("rtc: {tcp_port: 7881, udp_port: 7882}\n", ["TCP 7881 LiveKit", "UDP 7882 LiveKit"]),
        ("rtc:\n  udp_port: 7882-7892\n", ["TCP 7881 LiveKit", "UDP 7882-7892 LiveKit"]),
        ("rtc: {tcp_port: 7771, port_range_start: 50000, port_range_end: 50999}\n",
         ["TCP 7771 LiveKit", "UDP 50000-50999 LiveKit"]),
        ("rtc: {tcp_port: 7881}\n", ["TCP 7881 LiveKit", "UDP 50000-60000 LiveKit"]),
    ],
)  # fmt: skip
def test_the_ports_of_livekit_are_those_of_its_configuration(text: str, opened: list[str]) -> None:
    made = config("livekit-config", "livekit.yaml", f"port: 7880\n{text}")
    assert ports(made, LIVEKIT) == opened
    assert ports(made) == []  # it is switched off
    assert ports(f"livekit:\n  {text.replace(chr(10), chr(10) + '  ')}", LIVEKIT) == opened
    assert ports(workload("livekit/livekit-server:v1")) == ["TCP 7881 LiveKit", "UDP 50000-60000 LiveKit"]


def test_an_entrance_wants_the_ports_of_the_web() -> None:
    web = ["TCP 80 Ingress", "TCP 443 Ingress"]
    assert ports(thing("Ingress", "a", "spec: {rules: [{host: a.chat-corp.net}]}\n")) == web
    assert ports(thing("HTTPRoute")) == web
    assert ports(thing("Service")) == []


def test_names_are_those_that_the_tree_serves() -> None:
    rules = (
        "spec: {rules: [{host: b.chat-corp.net}, {host: element.example.com}, {http: {}}, {host: a.chat-corp.net}]}\n"
    )
    route = thing("IngressRoute", "r", "spec: {routes: [{match: Host(`c.chat-corp.net`) && Path(`/`)}]}\n")
    turn = config("coturn-config", "turnserver.conf", "use-auth-secret\n")
    web = [Host(f"{name}.chat-corp.net", "ingress") for name in "abc"]
    assert of({"a.yaml": f"{thing('Ingress', 'a', rules)}---\n{route}"}).hosts == tuple(web)
    assert of({"a.yaml": turn}).hosts == (Host("turn.chat-corp.net", "coturn"),)
    known = BASE.with_answer("turn.external_ip", "185.60.113.10")
    assert of({"a.yaml": turn}, known).hosts == (Host("turn.chat-corp.net", "coturn", "185.60.113.10"),)


@pytest.mark.parametrize(
    ("uris", "names"),
    [
        ("'turn:Relay.corp.net?transport=udp', 'turns:relay.corp.net:5349', 'turn:b.corp.net'", ["b", "relay"]),
        ("'turn:turn.example.com'", ["turn.chat-"]),
        ("'turn:185.60.113.10:3478'", []),
        ("", ["turn.chat-"]),
    ],
)
def test_the_relay_is_named_as_synapse_tells_its_clients(uris: str, names: list[str]) -> None:
    synapse = config("synapse", "homeserver.yaml", f"# turn:old.corp.net\nturn: off\nturn_uris: [{uris}]\n")
    text = f"{config('coturn', 'turnserver.conf', 'use-auth-secret')}---\n{synapse}"
    wanted = [f"{name}corp.net" if name.endswith("-") else f"{name}.corp.net" for name in names]
    assert [each.name for each in of({"a.yaml": text}).hosts] == wanted
    assert of({"a.yaml": synapse}).hosts == ()  # somebody else's relay


def test_only_the_hosts_of_li_are_to_be_refused() -> None:
    rules = "spec: {rules: [{host: HOST}]}\n"
    both = "\n---\n".join(
        thing("Ingress", name, rules.replace("HOST", host))
        for name, host in [
            ("web", "a.chat-corp.net"),
            ("synapse-li", "b.chat-corp.net"),
            ("any", "admin-li.chat-corp.net"),
            ("all-li", "'*.chat-corp.net'"),
        ]
    )
    left = of({"a.yaml": both})
    assert left.has_li
    assert [shlex.split(each) for each in left.li_requests] == [
        ["curl", "-sSo", "/dev/null", "-w", r"%{http_code}\n", f"https://{host}/"]
        for host in ("admin-li.chat-corp.net", "b.chat-corp.net")
    ]
    none = of({"a.yaml": thing("Ingress", "web", rules.replace("HOST", "a.chat-corp.net"))})
    assert (none.has_li, none.li_requests) == (False, ())


def commands(files: Mapping[str, str], answers: Answers = BASE) -> list[list[str]]:
    """Return what each command is given behind the words that all of them begin with."""
    words = [shlex.split(each) for each in of(files, answers).rollout.commands]
    start = shlex.split(rollout.APPLY)
    assert start == ["kubectl", "apply", "--server-side", "--field-manager=matrix-wizard"]
    assert [each[: len(start)] for each in words] == [start] * len(words)
    return [each[len(start) :] for each in words]


def skipped(files: Mapping[str, str], answers: Answers = BASE) -> dict[str, str]:
    return {each.path: each.why for each in of(files, answers).rollout.skipped}


SECRET = thing("Secret")


def test_namespaces_come_first_then_foundations_then_main_then_li() -> None:
    files = {
        "app/a.yaml": SECRET,
        "base/db.yaml": thing("Cluster"),
        "base/deep/ns.yaml": thing("Namespace"),
        "li/a.yaml": SECRET,
        "zone/a.yml": SECRET,
        "README.md": "# kind: Secret",
        ".github/x.yaml": SECRET,
        ".gitlab-ci.yml": "a: b\n",
    }
    assert commands(files) == [
        ["-f", "tree/base/deep/ns.yaml"],
        ["-R", "-f", "tree/base/"],
        ["-R", "-f", "tree/app/"],
        ["-R", "-f", "tree/zone/"],
        ["-R", "-f", "tree/li/"],
    ]
    assert skipped(files) == {}


def test_files_of_the_root_are_applied_one_by_one_in_the_same_order() -> None:
    files = {
        "a-li.yaml": thing("Secret", "synapse-li"),
        "b.yaml": SECRET,
        "c.json": '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}',
        "ns.yaml": thing("Namespace", "matrix"),
        "z-db.yaml": thing("Cluster", "pg"),
        "values.yaml": "replicas: 1\n",
        "empty.yaml": "# nothing\n",
    }
    assert commands(files) == [
        ["-f", "tree/ns.yaml"],
        ["-f", "tree/z-db.yaml"],
        ["-f", "tree/b.yaml", "-f", "tree/c.json"],
        ["-f", "tree/a-li.yaml"],
    ]
    assert skipped(files) == {"values.yaml": "no Kubernetes objects, such as chart values"}


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("values.yaml", "a: 1\n", "no Kubernetes objects, such as chart values"),
        ("compose.yaml", "kind: Secret\n", "no Kubernetes objects, such as chart values"),
        ("mixed.yaml", f"{SECRET}---\na: 1\n", "no Kubernetes objects, such as chart values"),
        ("t.yaml", "{{ if .x }}\na: b\n{{ end }}\n", "a Go template"),
        ("broken.yaml", "a: [\n", "not valid YAML"),
        ("sealed.yaml", f"{SECRET}sops: {{mac: x}}\n", "encrypted by sops"),
        ("livekit.yaml", SECRET, "switched off"),
        ("sub/Chart.yaml", "name: x\n", "of a Helm chart"),
    ],
)
def test_what_is_not_to_be_applied_is_left_out_and_named(name: str, text: str, why: str) -> None:
    files = {"d/a.yaml": SECRET, "d/in/b.yaml": SECRET, f"d/{name}": text}
    assert commands(files) == [["-R", "-f", "tree/d/a.yaml", "-f", "tree/d/in/"]]
    assert list(skipped(files).values()) == [why]
    assert commands({f"d/{name}": text}) == []
    assert [path.partition("/")[0] for path in skipped({f"d/{name}": text})] == ["d"]


def test_a_chart_is_left_out_with_all_that_is_in_it() -> None:
    files = {"a.yaml": SECRET, "c/Chart.yaml": "name: x\n", "c/templates/a.yaml": SECRET, "c/values.yaml": "a: 1\n"}
    assert commands(files) == [["-f", "tree/a.yaml"]]
    assert skipped(files) == {"c/": "of a Helm chart"}


def kustomization(*named: str, more: str = "") -> str:
    return f"resources: [{', '.join(named)}]\n{more}"


def test_a_directory_with_a_kustomization_is_applied_by_it() -> None:
    files = {
        "app/kustomization.yaml": kustomization("a.yaml", "../shared", more="patches: [{path: patch.yaml}]\n"),
        "app/a.yaml": SECRET,
        "app/patch.yaml": SECRET,
        "app/other.yaml": SECRET,
        "shared/kustomization.yml": kustomization("ns.yaml"),
        "shared/ns.yaml": thing("Namespace"),
        "comp/Kustomization": "kind: Component\n",
        "li/x.yaml": SECRET,
    }
    assert commands(files) == [["-k", "tree/app"], ["-R", "-f", "tree/li/"]]
    assert skipped(files) == {"app/other.yaml": "not named by its kustomization"}
    assert commands({"kustomization.yaml": kustomization("a.yaml"), "a.yaml": SECRET}) == [["-k", "tree"]]


def test_a_kustomization_that_is_but_a_list_kept_here_changes_no_command() -> None:
    label = "metadata: {labels: {app.kubernetes.io/managed-by: matrix-wizard}}\n"
    files = {"ns.yaml": thing("Namespace"), "b/x.yaml": SECRET, "values.yaml": "a: 1\n"}
    kept = kustomization("ns.yaml", "b/x.yaml", more=label)
    assert (
        commands({**files, "Kustomization": kept})
        == commands(files)
        == [["-f", "tree/ns.yaml"], ["-R", "-f", "tree/b/"]]
    )
    assert skipped({**files, "Kustomization": kept}) == skipped(files)
    for other in (kustomization("ns.yaml", "b/x.yaml"), f"{kept}namespace: other\n", f"{kept}namePrefix: a-\n"):
        assert commands({**files, "Kustomization": other}) == [["-k", "tree"]]
    assert commands({**files, "kustomization.yaml": kept}) == [["-k", "tree"]]
    over = {"over/kustomization.yaml": kustomization("..", more="namePrefix: a-\n")}
    assert commands({**files, "Kustomization": kept, **over}) == [["-k", "tree/over"]]


def test_overlays_of_one_base_are_not_applied_together() -> None:
    files = {
        "base/kustomization.yaml": kustomization("a.yaml"),
        "base/a.yaml": SECRET,
        "over/prod/kustomization.yaml": kustomization("../../base"),
        "over/test/kustomization.yaml": kustomization("../../base"),
    }
    assert commands(files) == []
    assert skipped(files) == {
        "over/prod/": "it builds on the same files as over/test/: apply one",
        "over/test/": "it builds on the same files as over/prod/: apply one",
    }


def test_a_switched_off_part_of_a_kustomization_is_told() -> None:
    files = {"kustomization.yaml": kustomization("livekit.yaml", "a.yaml"), "livekit.yaml": SECRET, "a.yaml": SECRET}
    assert commands(files) == [["-k", "tree"]]
    assert skipped(files) == {"livekit.yaml": "switched off, but its kustomization applies it"}
    assert skipped(files, LIVEKIT) == {}


@pytest.mark.parametrize(
    "name", ["a b.yaml", "a,b.yaml", 'a"b.yaml', "it's $x.yaml", "-a.yaml", "ä.yaml", 'a,"b",c.yaml']
)
def test_any_name_reaches_kubectl_whole(name: str, tmp_path: Path) -> None:
    files = {name: SECRET, "values.yaml": "a: 1\n", f"d/{name}": SECRET, f"e {name}/x.yaml": SECRET}
    root = tmp_path / "a tree,"
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    read = [line for command in of(files, root=str(root)).rollout.commands for line in kubectl(command)]
    assert read == ["secret/x"] * 3


def kubectl(command: str) -> Iterable[str]:
    """Return what kubectl reads by *command*, its paths through a shell: nothing is sent."""
    local = command.replace(rollout.APPLY, f"{shlex.quote(KUBECTL)} annotate --local -o name a=b")
    done = subprocess.run(["bash", "-c", local], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()
