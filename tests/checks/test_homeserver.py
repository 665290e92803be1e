"""What Synapse makes of the texts that it is given: files in the order of its command line, in one object or several.

``tests/real/test_synapse.py`` holds the same against Synapse's own reading.
"""

from __future__ import annotations

import textwrap

import pytest

from checks.asking import NOW, told
from wizard.homeserver import Homeserver
from wizard.structure import Tree
from wizard.survey import survey

NAME = "server_name: corp.net\nlisteners: []\n"
ALONE = "federation_domain_whitelist: []\n"
PEPPER = "password_config: {enabled: true, pepper: %s}\n"


def held(name: str, kind: str = "ConfigMap", **texts: str) -> str:
    """Return an object of *texts* by their names, in which __ stands for a dot."""
    lines = "".join(f"  {key.replace('__', '.')}: |\n{textwrap.indent(text, '    ')}" for key, text in texts.items())
    section = "data" if kind == "ConfigMap" else "stringData"
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: matrix}}\n{section}:\n{lines}---\n"


def pod(name: str, args: str, mounts: dict[str, str], *, before: str = "", env: str = "") -> str:
    """Return a Deployment whose container runs Synapse with *args*; *mounts* are volumes by their paths."""
    volumes = "".join(f"        - {{name: v{at}, {each}}}\n" for at, each in enumerate(mounts.values()))
    mounted = "".join(f"            - {{name: v{at}, mountPath: {path}}}\n" for at, path in enumerate(mounts))
    init = f"      initContainers:\n        - name: fill\n{before}          volumeMounts:\n{mounted}" if before else ""
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: matrix}}\n"
        f"spec:\n  template:\n    spec:\n{init}      containers:\n        - name: synapse\n"
        f"          image: ghcr.io/element-hq/synapse:v1.163.2\n{env}          {args}\n"
        f"          volumeMounts:\n{mounted}      volumes:\n{volumes}---\n"
    )


def of(name: str, kind: str = "configMap") -> str:
    return f"{kind}: {{{'name' if kind == 'configMap' else 'secretName'}: {name}}}"


def runs(*paths: str) -> str:
    return f"args: [{', '.join(f'-c, {path}' for path in paths)}]"


def servers(files: dict[str, str] | str) -> list[Homeserver]:
    texts = {"a.yaml": files} if isinstance(files, str) else files
    return list(survey(Tree({path: text.encode() for path, text in texts.items()}), None, NOW).homeservers)


MAIN = held("synapse-config", homeserver__yaml=NAME) + pod(
    "synapse", runs("/c/homeserver.yaml"), {"/c": of("synapse-config")}
)


def twin(more: str, **texts: str) -> str:
    """Return LI's Synapse, whose file has the lines *more*, and which is given a directory of a Secret's *texts*."""
    return (
        held("synapse-li-config", homeserver__yaml=NAME + ALONE + more)
        + held("synapse-li-more", "Secret", **texts)
        + pod(
            "synapse-li",
            runs("/c/homeserver.yaml", "/more"),
            {"/c": of("synapse-li-config"), "/more": of("synapse-li-more", "secret")},
        )
    )


def test_a_later_file_of_another_object_stands_over_an_earlier_one() -> None:
    redis = "redis: {enabled: true, host: redis.matrix.svc}\n"
    main = MAIN.replace("    listeners: []\n", f"    listeners: []\n    {redis}")
    assert told(main + twin(redis, x__yaml="a: b\n"), "li-shares-redis") != []
    assert told(main + twin(redis, x__yaml="redis: {enabled: false}\n"), "li-shares-redis") == []
    assert told(main + twin("", x__yaml=redis), "li-shares-redis") != []


def test_a_pepper_is_read_where_it_stands() -> None:
    own = "password_config: {enabled: true}\n"
    main = MAIN.replace("    listeners: []\n", f"    listeners: []\n    {PEPPER % 'Rk4nBz8PsD3f'}")
    assert told(main + twin(own, x__yaml=PEPPER % "Rk4nBz8PsD3f"), "peppers-differ") == []
    text = main + twin(own, x__yaml=PEPPER % "Gw6yJc1HtV5x")
    line = next(at for at, each in enumerate(text.splitlines(), 1) if "Gw6yJc1HtV5x" in each)
    assert told(text, "peppers-differ") == [f"a.yaml:{line}"]


def test_of_a_directory_the_yaml_files_count_by_their_names() -> None:
    (home,) = servers(twin("admin_contact: a\n", b__yaml="admin_contact: c\n", a__yaml="admin_contact: b\n"))
    assert home.value("admin_contact") == "c"
    (home,) = servers(twin("admin_contact: a\n", b__yml="admin_contact: c\n"))
    assert home.value("admin_contact") == "a", "Synapse passes over .yml there"
    volume = "configMap: {name: all, items: [{key: b.yaml, path: 1.yaml}, {key: a.yaml, path: 2.yaml}]}"
    texts = held("all", a__yaml=f"{NAME}admin_contact: a\n", b__yaml="email:\n  x: y\nadmin_contact: b\n")
    (home,) = servers(texts + pod("synapse", runs("/c"), {"/c": volume}))
    assert [each.key for each in home.texts] == ["b.yaml", "a.yaml"], "by the names that they are mounted by"


def test_a_projected_volume_brings_what_several_objects_hold() -> None:
    volume = (
        "projected: {sources: [{configMap: {name: one}}, {secret: {name: two, items: [{key: k.yaml, path: z.yaml}]}}]}"
    )
    one, two = held("one", a__yaml=f"{NAME}admin_contact: a\n"), held("two", "Secret", k__yaml=ALONE)
    li = pod("synapse-li", runs("/c"), {"/c": volume})
    (home,) = servers(one + two + li)
    assert ([each.key for each in home.texts], home.is_ordered, home.is_whole) == (["a.yaml", "k.yaml"], True, True)
    assert told(one + two + li, "li-federates") == []
    assert told(one + two.replace(ALONE, "x: y\n") + li, "li-federates") == ["a.yaml:6"]
    assert [each.is_whole for each in servers(one + li)] == [False]


def test_an_empty_later_block_leaves_nothing_of_an_earlier_one() -> None:
    (home,) = servers(twin("email: {smtp_host: mail.corp.net}\n", x__yaml="email:\n"))
    assert (home.value("email", "smtp_host"), home.place("email", "smtp_host").split(":")[1]) == ("", "16")


@pytest.mark.parametrize(
    "args",
    [
        "args: [--config-path=/c/one.yaml, --config-path, /c/two.yaml]",
        'command: [sh, -ec, "exec python -m synapse.app.homeserver -c /c/one.yaml --config-path=/c/two.yaml"]',
        "args: [run, -c, /c//one.yaml, -c, /c/two.yaml]",
    ],
)
def test_the_order_is_read_however_a_command_line_is_written(args: str) -> None:
    texts = held("config", two__yaml="email: {a: b}\nadmin_contact: c\n", one__yaml=f"{NAME}admin_contact: d\n")
    (home,) = servers(texts + pod("synapse", args, {"/c": of("config")}))
    assert ([each.key for each in home.texts], home.is_ordered) == (["one.yaml", "two.yaml"], True)


def test_the_image_has_a_place_of_its_own_where_nothing_is_named() -> None:
    texts = held("config", homeserver__yaml=NAME, other__yaml=f"{NAME}admin_contact: c\n")
    (home, _) = servers(texts + pod("synapse", "ports: []", {"/data": of("config")}))
    assert ([each.key for each in home.texts], home.is_ordered) == (["homeserver.yaml"], True)
    env = "          env: [{name: SYNAPSE_CONFIG_PATH, value: /data/other.yaml}]\n"
    (home, _) = servers(texts + pod("synapse", "ports: []", {"/data": of("config")}, env=env))
    assert home.value("admin_contact") == "c"


def test_what_an_init_container_makes_of_a_template_is_read_by_its_name() -> None:
    texts = held("config", homeserver__yaml__tmpl=f"{NAME}admin_contact: c\n", worker__yaml="worker_app: x\n")
    mounts = {"/from": of("config"), "/to": "emptyDir: {}"}
    fill = "          image: alpine\n          command: [sh, -c, envsubst < /from/x > /to/homeserver.yaml]\n"
    (home,) = [
        each
        for each in servers(texts + pod("synapse", runs("/to/homeserver.yaml"), mounts, before=fill))
        if each.containers
    ]
    assert [each.key for each in home.texts] == ["homeserver.yaml.tmpl"] and home.is_whole


def test_a_process_of_li_that_is_given_mains_file_is_li() -> None:
    mounts = {"/c": of("synapse-config"), "/li": of("override")}
    li = pod("synapse-li", runs("/c/homeserver.yaml", "/li/li.yaml"), mounts)
    assert told(MAIN + held("override", li__yaml="listeners: []\n") + li, "li-federates") == ["a.yaml:6"]
    assert told(MAIN + held("override", li__yaml=f"listeners: []\n{ALONE}") + li, "li-federates") == []


def test_of_one_object_in_several_environments_each_workload_is_given_its_own() -> None:
    files = {
        f"{where}/{what}.yaml": text
        for where in ("prod", "staging")
        for what, text in (
            (
                "config",
                held("synapse-config", homeserver__yaml=f"{NAME}email: {{{where}: x}}\nadmin_contact: {where}\n"),
            ),
            ("pod", pod("synapse", runs("/c/homeserver.yaml"), {"/c": of("synapse-config")})),
        )
    }
    found = {each.containers[0].workload.resource.manifest.path: each.value("admin_contact") for each in servers(files)}
    assert found == {"prod/pod.yaml": "prod", "staging/pod.yaml": "staging"}
    assert told(files, "block-replaced") == []


def test_a_secret_in_both_forms_is_told_across_files() -> None:
    main = held("more", "Secret", x__yaml="form_secret: abcdefgh\n") + held(
        "config", homeserver__yaml=f"{NAME}form_secret_path: /data/form\n"
    )
    both = pod("synapse", runs("/c/homeserver.yaml", "/x/x.yaml"), {"/c": of("config"), "/x": of("more", "secret")})
    assert told(main + both, "option-twice") == ["a.yaml:6"]
    one = pod("synapse", runs("/c/homeserver.yaml"), {"/c": of("config"), "/x": of("more", "secret")})
    assert told(main + one, "option-twice") == [], "the other is not read"


def test_a_block_is_lost_to_a_file_that_is_not_the_next_one() -> None:
    texts = held("config", a__yaml=f"{NAME}email: {{b: c}}\n", b__yaml="database: {a: b}\n", c__yaml="email: {d: e}\n")
    assert told(
        texts + pod("synapse", runs("/c/a.yaml", "/c/b.yaml", "/c/c.yaml"), {"/c": of("config")}), "block-replaced"
    ) == ["a.yaml:12"]


def test_a_file_that_later_ones_replace_is_not_looked_for() -> None:
    config = held("config", a__yaml=f"{NAME}signing_key_path: /keys/gone\n", b__yaml="signing_key_path: /c/a.yaml\n")
    mounts = {"/c": of("config")}
    assert told(config + pod("synapse", runs("/c/a.yaml"), mounts), "file-not-mounted") == ["a.yaml:8"]
    assert told(config + pod("synapse", runs("/c/a.yaml", "/c/b.yaml"), mounts), "file-not-mounted") == []


def test_a_file_for_a_generator_is_a_homeserver_and_compared_with_its_twin() -> None:
    files = {"main/homeserver.yaml": NAME, "li/homeserver.yaml": f"{ALONE}{NAME.replace('corp', 'other')}"}
    assert told(files, "server-names-differ") == ["li/homeserver.yaml:2"]
    assert told(files, "macaroon-missing") == [], "what a generator puts beside it is not known"


def test_a_worker_reads_its_own_file_over_the_homeservers() -> None:
    texts = held("config", homeserver__yaml=NAME, w__yaml="worker_app: synapse.app.generic_worker\n")
    main = pod("synapse", runs("/c/homeserver.yaml"), {"/c": of("config")})
    worker = pod("worker", runs("/c/homeserver.yaml", "/c/w.yaml"), {"/c": of("config")})
    found = servers(texts + main + worker)
    assert [each.value("worker_app") for each in found] == ["", "synapse.app.generic_worker"]
    assert told(texts + main + worker, "macaroon-missing") == ["a.yaml:6"], "once, though both lack it"
    assert [len(each.texts) for each in servers(texts)] == [1], "with nothing that reads it, a worker's is none of it"


def test_a_file_beside_the_homeservers_is_read_for_what_yaml_makes_of_it() -> None:
    more = "email:\n  smtp_pass: ${SMTP}\n  smtp_host: a\n  smtp_host: b\n"
    text = held("smtp", "Secret", SMTP="no text: a block\n") + held("config", homeserver__yaml=NAME, email__yaml=more)
    run = pod("synapse", runs("/c"), {"/c": of("config")})
    assert told(text + run, "unquoted-variable") == ["a.yaml:17"]
    assert told(text + run, "key-twice") == ["a.yaml:19"]
    assert told(text + run.replace("/c]", "/c/homeserver.yaml]"), "key-twice") == [], "it is not read"


KUSTOMIZED = {
    "kustomization.yaml": (
        "namespace: matrix\nresources: [pod.yaml]\n"
        "configMapGenerator:\n  - name: config\n    files: [homeserver.yaml, zz.yaml=files/mail.yaml]\n"
        "secretGenerator:\n  - name: redis\n    files: [redis.conf]\n"
    ),
    "homeserver.yaml": f"{NAME}admin_contact: a\n",
    "files/mail.yaml": "admin_contact: b\n",
    "redis.conf": "protected-mode no\n",
    "pod.yaml": pod("synapse", runs("/c"), {"/c": of("config")})
    + pod("redis", "args: [/r/redis.conf]", {"/r": of("redis", "secret")}).replace("element-hq/synapse", "redis"),
}


def test_a_file_that_a_generator_lists_is_read_as_the_entry_that_becomes_of_it() -> None:
    (home,) = servers(KUSTOMIZED)
    assert [each.key for each in home.texts] == ["homeserver.yaml", "zz.yaml"]
    assert (home.place("admin_contact"), home.is_whole) == ("files/mail.yaml:1:16", True)
    assert told(KUSTOMIZED, "macaroon-missing") == ["homeserver.yaml:1"]
    made = {**KUSTOMIZED, "files/mail.yaml": "macaroon_secret_key: abcdefgh\n"}
    assert told(made, "macaroon-missing") == []
    gone = {path: text for path, text in KUSTOMIZED.items() if path != "files/mail.yaml"}
    assert told(gone, "macaroon-missing") == [], "nobody knows what the file has that is not here"


def test_a_file_of_another_server_is_read_where_a_generator_lists_it() -> None:
    assert told(KUSTOMIZED, "redis-open") == ["redis.conf:1"]
    alone = {path: text for path, text in KUSTOMIZED.items() if path != "kustomization.yaml"}
    assert told(alone, "redis-open") == [], "nobody knows what it is for"


def test_what_a_file_says_that_is_no_yaml_yet_is_not_known() -> None:
    main = MAIN.replace("    listeners: []\n", f"    listeners: []\n    {PEPPER % 'Rk4nBz8PsD3f'}")
    assert told(main + twin("", x__yaml="# nothing\n"), "peppers-differ") != []
    assert (
        told(main + twin("", x__yaml="{% if pepper %}\npassword_config: {pepper: x}\n{% endif %}\n"), "peppers-differ")
        == []
    )


def test_a_file_of_a_volume_that_keeps_what_it_has_is_not_known() -> None:
    texts = held("config", homeserver__yaml=NAME)
    volume = {"/config": of("config"), "/data": "persistentVolumeClaim: {claimName: data}"}
    assert told(texts + pod("synapse", "ports: []", volume), "macaroon-missing") == []
    assert told(texts + pod("synapse", "ports: []", {"/data": of("config")}), "macaroon-missing") == ["a.yaml:6"]
