"""Synapse and its configuration: each mistake is found at its line, and what only looks like it is not."""

from __future__ import annotations

import textwrap

import pytest

from checks.asking import found, told

SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: matrix}
stringData:
  signing.key: ed25519 a_xyz 0123456789012345678901234567890123456789012
---
"""


def synapse(config: str, *, tag: str = "v1.163.2", more: str = "", mounts: str = "", volumes: str = "") -> str:
    """Return a homeserver whose configuration begins in line 6, with its workload."""
    pod = f"""\
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: synapse, namespace: matrix}}
spec:
  template:
    spec:
      containers:
        - name: synapse
          image: ghcr.io/element-hq/synapse:{tag}
          args: ["-c", "/config/homeserver.yaml", "-c", "/more/email.yaml"]
          volumeMounts:
            - {{name: config, mountPath: /config}}
            {mounts}
      volumes:
        - {{name: config, configMap: {{name: synapse-config}}}}
        {volumes}
"""
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: synapse-config, namespace: matrix}\ndata:\n"
    return head + "  homeserver.yaml: |\n" + textwrap.indent(config.rstrip("\n") + "\n", "    ") + more + pod


NAMED = "server_name: chat.pangolin.net\nreport_stats: false\n"
WHOLE = """\
server_name: chat.pangolin.net
macaroon_secret_key: abcdefghijklmnop
worker_replication_secret: abcdefghijklmnop
"""
KEYS = ["- {name: keys, mountPath: /keys}", "- {name: keys, secret: {secretName: keys}}"]
NARROW = "- {name: keys, mountPath: /keys/k, subPath: other.key}"
ALL = "        - {name: all, emptyDir: {}}"


@pytest.mark.parametrize(
    ("option", "last", "first"),
    [
        ("form_secret_path: /data/form", "v1.125.0", "v1.126.0"),
        ("macaroon_secret_key_path: /data/form", "v1.121.1", "v1.122.0"),
        ("turn_shared_secret_path: /data/form", "v1.115.0", "v1.116.0"),
        ("redis: {password_path: /data/form}", "v1.116.0", "v1.117.0@sha256:0123"),
        ("email: {smtp_pass_path: /data/form}", "v1.163.2", "v1.164.0"),
    ],
)
def test_an_option_is_told_where_the_image_is_older_than_it(option: str, last: str, first: str) -> None:
    assert told(synapse(WHOLE + option, tag=last), "option-unknown") == ["a.yaml:9"]
    assert told(synapse(WHOLE + option, tag=first), "option-unknown") == []
    assert told(synapse(WHOLE + option, tag="latest"), "option-unknown") == [], "nobody knows"


def test_a_secret_given_in_both_forms_is_told_where_it_stands_itself() -> None:
    both = "form_secret: abcdefgh\nform_secret_path: /data/form\n"
    assert told(synapse(WHOLE + both), "option-twice") == ["a.yaml:9"]
    assert told(synapse(WHOLE + both.replace("abcdefgh", "")), "option-twice") == [], "an empty one is none"


def test_a_signing_key_that_nothing_mounts_is_told() -> None:
    config = WHOLE + "signing_key_path: /keys/signing.key\n"
    assert told(SECRET + synapse(config), "file-not-mounted") == ["a.yaml:15"]
    assert told(SECRET + synapse(config, mounts=KEYS[0], volumes=KEYS[1]), "file-not-mounted") == []
    config_map, _, workload = synapse(config).rpartition("---\n")
    assert told({"a.yaml": config_map, "b.yaml": workload}, "file-not-mounted") == ["a.yaml:9"], "in files of their own"


AS_K, AS_J = (f"{{secret: {{name: keys, items: [{{key: signing.key, path: {path}}}]}}}}" for path in "kj")


@pytest.mark.parametrize(
    ("path", "mount", "volume", "is_there"),
    [
        ("/keys/other.key", *KEYS, False),
        ("/keys/sub/signing.key", *KEYS, False),
        ("/keys/k", KEYS[0], "- {name: keys, secret: {secretName: keys, items: [{key: signing.key, path: k}]}}", True),
        ("/keys/j", KEYS[0], "- {name: keys, secret: {secretName: keys, items: [{key: signing.key, path: k}]}}", False),
        ("/keys/k", "- {name: keys, mountPath: /keys/k, subPath: signing.key}", KEYS[1], True),
        ("/keys/k", "- {name: keys, mountPath: /keys/k, subPath: other.key}", KEYS[1], False),
        ("/keys/k", KEYS[0], "- {name: keys, emptyDir: {}}", True),
        ("/keys/k", KEYS[0], "- {name: keys, secret: {secretName: of-another-tree}}", True),
        ("keys/k", *KEYS, True),
        ("/keys/k", KEYS[0], f"- {{name: keys, projected: {{sources: [{AS_K}, {AS_J}]}}}}", True),
        ("/keys/j", KEYS[0], f"- {{name: keys, projected: {{sources: [{AS_K}, {AS_J}]}}}}", True),
        ("/keys/i", KEYS[0], f"- {{name: keys, projected: {{sources: [{AS_K}, {AS_J}]}}}}", False),
        ("/keys/i", KEYS[0], f"- {{name: keys, projected: {{sources: [{AS_K}, {{downwardAPI: {{}}}}]}}}}", True),
        ("/keys/k", f"{NARROW}\n            - {{name: all, mountPath: /keys}}", f"{KEYS[1]}\n{ALL}", False),
        ("/keys/j", f"{NARROW}\n            - {{name: all, mountPath: /keys}}", f"{KEYS[1]}\n{ALL}", True),
    ],
)
def test_a_file_is_looked_for_where_the_mounts_put_it(path: str, mount: str, volume: str, is_there: bool) -> None:
    config = WHOLE + f"signing_key_path: {path}\n"
    expected = [] if is_there else ["a.yaml:15"]
    assert told(SECRET + synapse(config, mounts=mount, volumes=volume), "file-not-mounted") == expected


@pytest.mark.parametrize(
    ("mode", "is_open"),
    [("", True), (", defaultMode: 0440", True), (", defaultMode: 0400", False), (", defaultMode: 256", False)],
)
def test_a_password_file_that_others_may_read_is_told(mode: str, is_open: bool) -> None:
    config = WHOLE + "database: {args: {passfile: /keys/signing.key}}\n"
    volume = f"- {{name: keys, secret: {{secretName: keys{mode}}}}}"
    assert told(synapse(config, mounts=KEYS[0], volumes=volume), "file-too-open") == ["a.yaml:9"] * is_open


def test_a_later_file_that_replaces_a_block_names_what_is_lost() -> None:
    email = WHOLE + "email: {smtp_host: mail.pangolin.net, notif_from: a@pangolin.net}\n"
    later = "  email.yaml: |\n    # more\n    email: {smtp_pass: abc}\n"
    whole = "  email.yaml: |\n    # more\n    email: {smtp_pass: abc, smtp_host: a.pan.net, notif_from: b@pan.net}\n"
    mount = "- {name: config, mountPath: /more}"
    told_of = [each for each in found(synapse(email, more=later, mounts=mount)) if each.id == "block-replaced"]
    assert [(each.line, "notif_from, smtp_host" in each.message) for each in told_of] == [(12, True)]
    assert told(synapse(email, more=whole, mounts=mount), "block-replaced") == []
    assert told(synapse(email, more=later), "block-replaced") == [], "that file is not read"


def test_a_macaroon_secret_is_missed_where_no_file_has_one() -> None:
    assert told(synapse(NAMED), "macaroon-missing") == ["a.yaml:6"]
    assert told(synapse(NAMED + "macaroon_secret_key: ''\n"), "macaroon-missing") == ["a.yaml:8"]
    assert told(synapse(NAMED + "macaroon_secret_key_path: /data/m\n"), "macaroon-missing") == []
    beside = "  more.yaml: |\n    macaroon_secret_key: abc\n"
    assert told(synapse(NAMED, more=beside), "macaroon-missing") == []


def test_a_replication_listener_without_a_secret_is_told() -> None:
    listener = "listeners:\n  - {port: 9093, type: http, resources: [{names: [replication]}]%s}\n"
    start = NAMED + "macaroon_secret_key: abc\n"
    assert told(synapse(start + listener % ""), "replication-open") == ["a.yaml:10"]
    assert told(synapse(start + listener % ", bind_addresses: ['127.0.0.1']"), "replication-open") == []
    assert told(synapse(start + listener % "" + "worker_replication_secret_path: /data/r\n"), "replication-open") == []
    assert told(synapse(start + listener % "" + "worker_replication_secret: ''\n"), "replication-open") != []


OPEN = NAMED + "listeners:\n  - {port: 9093, type: http, resources: [{names: [replication]}]}\n"
UNSAFE = ("macaroon-missing", "replication-open")


@pytest.mark.parametrize(
    ("volume", "is_seen"),
    [
        ("secret: {secretName: made-elsewhere}", False),
        ("configMap: {name: made-elsewhere}", False),
        ("projected: {sources: [{secret: {name: keys}}, {configMap: {name: made-elsewhere}}]}", False),
        ("projected: {sources: [{secret: {name: keys}}]}", True),
        ("secret: {secretName: keys}", True),
    ],
)
def test_what_a_file_sets_that_is_not_in_the_tree_is_not_known(volume: str, is_seen: bool) -> None:
    text = SECRET + synapse(OPEN, mounts="- {name: more, mountPath: /more}", volumes=f"- {{name: more, {volume}}}")
    assert [bool(told(text, rule)) for rule in UNSAFE] == [is_seen, is_seen]


def test_an_empty_macaroon_secret_that_another_file_sets_is_none_and_one_in_a_comment_is_no_secret() -> None:
    empty = NAMED + 'macaroon_secret_key: ""\n'
    assert told(synapse(empty, more="  more.yaml: |\n    macaroon_secret_key: abc\n"), "macaroon-missing") == []
    still = synapse(empty, more="  more.yaml: |\n    macaroon_secret_key: ''\n")
    assert told(still, "macaroon-missing") == ["a.yaml:8"]
    assert told(synapse(NAMED + "# macaroon_secret_key: set me\n"), "macaroon-missing") == ["a.yaml:6"]


def test_a_tool_that_reads_the_configuration_needs_no_file_of_the_server() -> None:
    text = synapse(WHOLE + "signing_key_path: /keys/signing.key\n")
    args = 'args: ["-c", "/config/homeserver.yaml", "-c", "/more/email.yaml"]'
    tool = text.replace(args, 'command: [register_new_matrix_user, "-c", /config/homeserver.yaml]')
    server = text.replace(args, 'command: [python, -m, synapse.app.homeserver, "-c", /config/homeserver.yaml]')
    assert told(tool, "file-not-mounted") == []
    assert told(server, "file-not-mounted") == ["a.yaml:9"]


def test_what_is_proposed_for_a_password_file_can_be_read_by_the_servers_user() -> None:
    config = WHOLE + "database: {args: {passfile: /keys/signing.key}}\n"
    text = synapse(config, mounts=KEYS[0], volumes="- {name: keys, secret: {secretName: keys}}")
    (fix,) = [each.fix for each in found(text) if each.id == "file-too-open"]
    assert "PGPASSWORD" in fix and "0400" not in fix, "a file of root's, mode 0400, is not for user 991"
