"""Placeholders in every spelling and place that other people's trees have, and what only looks like one."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import uuid
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from signedjson.key import read_signing_keys

from .reading import by_pyyaml, entries, every
from .runs import Deployment, Run, run
from .small import MINIMUM, SMTP, LayOut, answer, config, found_ids, go_round, ingress, secret, succeed

SPELLINGS = [
    "CHANGEME_SECURE_DB_PASSWORD", "CHANGE_ME_DB_PASSWORD", "CHANGE_ME", "changeme", "change-me", "ChangeMe",
    "changeme123", "CHANGE_TO_DB_PASSWORD", "REPLACE_WITH_DB_PASSWORD", "REPLACE_ME", "replace-me", "YOUR_DB_PASSWORD",
    "your-db-password", "your_db_password", "<your-db-password>", "<db-password>", "<DB_PASSWORD>", "<dbPassword>",
    "<your password here>", "DB_PASSWORD_PLACEHOLDER", "db-password-placeholder", "PLACEHOLDER", "change-in-production",
    "super-secret-change-in-production", "change-this-in-production", "changethis", "xxxxxxxx", "XXXX-XXXX",
    "insert-your-password",
]  # fmt: skip


def refused(done: Run) -> list[dict[str, str]]:
    return list(done.data["refused"])


def untouched(deployment: Deployment) -> Run:
    """Set up a tree in which nothing is to be filled, and return the run."""
    before = deployment.files()
    done = deployment.setup("--json")
    assert done.code == 0, done.text
    assert deployment.files() == before
    return done


# --- spellings


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_replaced_whole(lay_out: LayOut, spelling: str) -> None:
    encoded = base64.b64encode(spelling.encode()).decode()
    data = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: synapse-db-credentials}}\ndata:\n  password: {encoded}\n"
    deployment = lay_out({"a.yaml": secret("synapse-secrets", DB_PASSWORD=json.dumps(spelling)), "b.yaml": data})
    objects = every(go_round(deployment), "Secret")
    made = deployment.show("synapse-db-password")
    assert len(made) == 40
    assert entries(objects["synapse-secrets"])["DB_PASSWORD"] == made
    assert entries(objects["synapse-db-credentials"])["password"] == made


@pytest.mark.parametrize("spelling", ["a_XXXX", "ed25519 a_XXXX", "ed25519 a_XXXX <base64 of the key>"])
def test_the_signing_key_in_the_spelling_of_manuals(lay_out: LayOut, spelling: str) -> None:
    deployment = lay_out(secret("synapse-secrets", **{"signing.key": f"|\n    {spelling}"}))
    objects = every(go_round(deployment), "Secret")
    assert entries(objects["synapse-secrets"])["signing.key"].startswith("ed25519 a_")
    assert re.fullmatch(r"ed25519 a_\w{4,6} [A-Za-z0-9+/]{43}\n", entries(objects["synapse-secrets"])["signing.key"])


@pytest.mark.parametrize(
    "host", ["matrix.example.com", "matrix.your-domain.com", "matrix.YOUR_DOMAIN", "matrix.yourdomain.org"]
)
def test_hosts_under_names_that_are_nobodys(lay_out: LayOut, host: str) -> None:
    objects = go_round(lay_out(ingress("matrix", hosts=(host,))))
    assert every(objects, "Ingress")["matrix"]["spec"]["rules"][0]["host"] == "matrix.chat-corp.net"


def test_a_reserved_address_is_the_turn_servers_under_its_key_and_asked_about_elsewhere(lay_out: LayOut) -> None:
    text = config("coturn", "external-ip=203.0.113.5\nrealm=turn.example.com\n", "turnserver.conf")
    deployment = lay_out(text, MINIMUM + "turn: {external_ip: 185.60.113.10}\n")
    read = every(go_round(deployment), "ConfigMap")["coturn"]["data"]["turnserver.conf"]
    assert read == "external-ip=185.60.113.10\nrealm=turn.chat-corp.net\n"
    deployment.edit("main.yaml", "external-ip=185.60.113.10", "syslog-host=198.51.100.7")
    asked = deployment.setup()
    assert asked.code == 2
    assert "198.51.100.7" in asked.err


# --- what is none


CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.io}
spec:
  versions:
  - schema:
      openAPIV3Schema:
        description: set your-token or CHANGEME, see https://docs.example.com
        pattern: ^<name>$
        default: CHANGEME
"""
XML = config("x", "<clickhouse>\n<users>\n  <password>\n  </password>\n</users>\nre=^<[a-z]+>$\n", "users.xml")
KUSTOMIZED = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
replacements:
- source: {kind: ConfigMap, name: names, fieldPath: data.host}
  targets:
  - select: {kind: Deployment, name: web}
    fieldPaths:
    - spec.template.spec.containers.[name=web].env.[name=HOST].value
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, env: [{name: HOST, value: HOST_PLACEHOLDER}]}]}}}
"""
SED = config("redis", "requirepass REDIS_PASSWORD_PLACEHOLDER\nmasterauth <redis-password>\n", "redis.conf") + (
    "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: redis}\nspec: {template: {spec: {"
    "initContainers: [{name: i,"
    ' command: [sh, -c, \'sed -e "s|REDIS_PASSWORD_PLACEHOLDER|$P|" -e "s|<redis-password>|$P|" /a > /b\']}]}}}\n'
)
ARGUMENTS = config("app", "key=REPLACE_KEY\n", "app.conf") + (
    "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\n"
    "spec: {template: {spec: {containers: [{name: c, command: [sed], args: [-i, s#REPLACE_KEY#x#g, /app.conf]}]}}}\n"
)
SCRIPT = config(
    "run", '#!/bin/sh\n# CHANGEME: what this is\necho "$CHANGEME_TOKEN ${YOUR_KEY:-x}"\nYOUR_KEY=1\n', "run.sh"
)
NAMES = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, "
    "env: [{name: YOUR_API_KEY, valueFrom: {secretKeyRef: {name: a, key: b}}}], args: ['$(CHANGEME_X)']}]}}}\n"
)
REFUSING = (
    config("s", "ip_range_blacklist:\n- 192.0.2.0/24\n- 203.0.113.0/24\n- 2001:db8::/32\n")
    + "---\n"
    + config("c", "denied-peer-ip=192.0.2.0-192.0.2.255\ndenied-peer-ip=198.51.100.7\n", "turnserver.conf")
)
QUALIFIED = """\
apiVersion: apps.example.com/v1
kind: Matrix
metadata:
  name: m
  labels: {app.example.com/part: server}
  finalizers: [matrix.example.com/keep]
spec:
  readinessGates: [{conditionType: www.example.com/ready}]
  selector: {matchExpressions: [{key: app.example.com/part, operator: Exists}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: r}
rules: [{apiGroups: [apps.example.com], resources: [matrices], verbs: [get]}]
"""
WORDS = config("w", "CHANGEME\n", "README.md") + "  description: put your-token here\n"


@pytest.mark.parametrize(
    "text", [CRD, XML, KUSTOMIZED, SED, ARGUMENTS, SCRIPT, NAMES, REFUSING, WORDS, QUALIFIED],
    ids=["crd", "xml", "kustomize", "sed", "arguments", "script", "names", "refusing", "words", "qualified"],
)  # fmt: skip
def test_what_only_looks_like_a_placeholder_is_left_alone(lay_out: LayOut, text: str) -> None:
    deployment = lay_out({"a.yaml": text, "README.md": "CHANGEME your-domain\n", "install.sh": "# CHANGEME\n"})
    untouched(deployment)
    assert found_ids(deployment, "error") == []


def test_a_whole_entry_of_a_secret_is_the_operators_even_where_a_script_replaces_such_a_token(lay_out: LayOut) -> None:
    deployment = lay_out(f"{SED}---\n{secret('redis-password', password='REDIS_PASSWORD_PLACEHOLDER')}")
    objects = go_round(deployment)
    assert entries(every(objects, "Secret")["redis-password"])["password"] == deployment.show("redis-password")
    assert "REDIS_PASSWORD_PLACEHOLDER" in every(objects, "ConfigMap")["redis"]["data"]["redis.conf"]


def test_comments_lose_what_the_final_grep_trips_on_and_nothing_else(lay_out: LayOut) -> None:
    text = "# CHANGEME and CHANGE_ME_X\n# your-domain and YOUR_KEY\n" + secret("redis-password", password="changeme")
    text += "type: Opaque\t# no CHANGEME, behind a tab\n"
    deployment = lay_out(text)
    succeed(deployment.setup())
    lines = (deployment.tree / "main.yaml").read_text().splitlines()
    assert lines[:2] == ["# (filled in) and (filled in)", "# your-domain and YOUR_KEY"]
    assert lines[-1] == "type: Opaque\t# no (filled in), behind a tab"
    assert found_ids(deployment, "warning") == [("placeholder-left", "main.yaml", 2)] * 2


# --- the comment that marks a value


def test_a_comment_behind_a_value_marks_it(lay_out: LayOut) -> None:
    text = secret("synapse-secrets", FORM_SECRET="synapse   #  CHANGEME", MACAROON_SECRET='"abc"  # TODO: change-me!')
    deployment = lay_out(text + "---\n" + secret("coturn-secrets", TURN_SECRET="letmein # CHANGEME_TURN_SECRET"))
    objects = every(go_round(deployment), "Secret")
    read = {**entries(objects["synapse-secrets"]), **entries(objects["coturn-secrets"])}
    assert read["FORM_SECRET"] == deployment.show("form-secret") != "synapse"
    assert read["MACAROON_SECRET"] == deployment.show("macaroon-secret") != "abc"
    assert read["TURN_SECRET"] == deployment.show("turn-secret") != "letmein"


@pytest.mark.parametrize(
    "body", ["synapse", "  deeper\n    than the first", "CHANGEME_FORM_SECRET", "two\n\n    lines\n"]
)
def test_a_mark_in_the_header_of_a_block(lay_out: LayOut, body: str) -> None:
    text = secret(
        "synapse-secrets", FORM_SECRET=f"|-  # CHANGEME_FORM_SECRET\n    {body}", other="|  # or CHANGEME\n    x"
    )
    deployment = lay_out(text.replace("|-", "|2-") if body.startswith(" ") else text)
    read = entries(every(go_round(deployment), "Secret")["synapse-secrets"])
    assert (read["FORM_SECRET"], read["other"]) == (deployment.show("form-secret"), "x\n")
    assert "CHANGEME" not in (deployment.tree / "main.yaml").read_text()


def test_a_marked_value_that_was_clearly_made_is_kept_and_told(lay_out: LayOut) -> None:
    made = "Zk4Yx8Qw2Lm6Np0Rt3Vb"
    deployment = lay_out(secret("synapse-secrets", FORM_SECRET=f"{made}  # CHANGEME"))
    done = deployment.setup()
    succeed(done)
    assert deployment.show("form-secret") == made
    assert "main.yaml:5:16" in done.err
    assert made not in done.text


def test_a_marked_value_that_nobody_knows_is_asked_about(lay_out: LayOut) -> None:
    deployment = lay_out("kind: Deployment\nspec:\n  replicas: 3  # CHANGEME\n")
    asked = deployment.setup()
    assert asked.code == 2
    place = "CHANGEME @ Deployment//:spec.replicas"
    assert place in asked.err
    answer(deployment, f"{MINIMUM}placeholders: {{'{place}': {{value: '5'}}}}\n")
    succeed(deployment.setup())
    assert (deployment.tree / "main.yaml").read_text() == "kind: Deployment\nspec:\n  replicas: 5  # (filled in)\n"


# --- groups and hints


def stanza(asked: Run) -> dict[str, dict[str, Any]]:
    assert asked.code == 2, asked.text
    return dict(yaml.safe_load(asked.err[asked.err.index("\nplaceholders:") :])["placeholders"])


def test_equal_text_is_not_equal_secret_and_one_secret_has_several_spellings(lay_out: LayOut) -> None:
    bare = "---\n".join(secret(name, password="CHANGE_ME") for name in ("grafana", "harbor", "kibana"))
    named = secret("a", x="CHANGEME_SYNC_TOKEN") + "---\n" + secret("b", y="your-sync-token")
    keyed = "---\n".join(secret(name, HOOKSHOT_PASSWORD="changeme") for name in ("c", "d"))
    deployment = lay_out("---\n".join([bare, named, keyed]))
    asked = deployment.setup()
    offered = stanza(asked)
    assert offered["CHANGEME_SYNC_TOKEN"] == {"generate": "password"}
    assert offered["your-sync-token"] == {"same_as": "CHANGEME_SYNC_TOKEN"}
    assert "one value in 2 places?" in asked.err
    answer(deployment, MINIMUM + yaml.safe_dump({"placeholders": offered}))
    done = deployment.plan()
    assert "One value in 2 places, CHANGEME_SYNC_TOKEN: main.yaml:" in done.out
    objects = every(go_round(deployment), "Secret")
    passwords = {entries(objects[name])["password"] for name in ("grafana", "harbor", "kibana")}
    assert len(passwords) == 3
    assert entries(objects["a"])["x"] == entries(objects["b"])["y"]
    assert entries(objects["c"]) == entries(objects["d"])


HINTS = {
    "changeme_32_CHARS": r"[A-Za-z0-9]{32}",
    "changeme # openssl rand -hex 32": r"[0-9a-f]{64}",
    "CHANGE_ME # hex 64": r"[0-9a-f]{64}",
    "<Base64Key>": r"[A-Za-z0-9+/]{43}=",
    "changeme # at least 64 characters": r"[A-Za-z0-9]{64}",
    "changeme # min 8": r"[A-Za-z0-9]{40}",
}


@pytest.mark.parametrize("hinted", HINTS)
def test_a_hint_chooses_the_generator(lay_out: LayOut, hinted: str) -> None:
    deployment = lay_out(secret("thing", password=hinted))
    answer(deployment, MINIMUM + yaml.safe_dump({"placeholders": stanza(deployment.setup())}))
    read = entries(every(go_round(deployment), "Secret")["thing"])["password"]
    assert re.fullmatch(HINTS[hinted], read)
    if "Base64" in hinted:
        assert len(base64.b64decode(read)) == 32


def test_a_containers_variable_is_the_key_of_its_value(lay_out: LayOut) -> None:
    text = (
        "kind: Deployment\nmetadata: {name: web}\nspec:\n  template: {spec: {containers: [{env: ["
        "{name: SYNAPSE_SERVER_NAME, value: matrix.example.com}, {name: HOST, value: matrix.example.com}, "
        "{name: STORE_PASSWORD, value: REPLACE-VIA-SECRET}]}]}}\n"
    )
    deployment = lay_out(text)
    offered = stanza(deployment.setup())
    assert offered == {"REPLACE-VIA-SECRET": {"generate": "password"}}
    answer(deployment, MINIMUM + yaml.safe_dump({"placeholders": offered}))
    (read,) = go_round(deployment)["main.yaml"]
    env = {each["name"]: each["value"] for each in read["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert (env["SYNAPSE_SERVER_NAME"], env["HOST"]) == ("chat-corp.net", "matrix.chat-corp.net")
    assert len(env["STORE_PASSWORD"]) == 40


def test_a_uuid_is_made_where_one_is_asked_for_in_the_line_above(lay_out: LayOut) -> None:
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: thing}\nstringData:\n"
    deployment = lay_out(head + "  # a UUIDv4, by uuidgen\n  id: changeme\n  other: changeme\n")
    offered = stanza(deployment.setup())
    assert sorted(map(str, offered.values())) == ["{'generate': 'password'}", "{'generate': 'uuid4'}"]
    answer(deployment, MINIMUM + yaml.safe_dump({"placeholders": offered}))
    read = entries(every(go_round(deployment), "Secret")["thing"])
    assert uuid.UUID(read["id"]).version == 4


@pytest.mark.parametrize(
    ("decision", "why"),
    [("{generate: words}", "cannot be generated"), ("{generate: hex, length: 7}", "cannot be made"),
     ("{value: …}", "still has to be written"), ("{generate: password, length: 5001}", "cannot be made")],
)  # fmt: skip
def test_a_decision_that_cannot_be_followed_is_told_at_its_place(lay_out: LayOut, decision: str, why: str) -> None:
    done = lay_out(secret("t", x="CHANGEME"), f"{MINIMUM}placeholders:\n  CHANGEME: {decision}\n").setup()
    assert done.code == 2
    assert why in done.err
    assert "answers.yaml:5:" in done.err


@pytest.mark.parametrize("length", [12, 200, 5000])
def test_a_password_of_any_length_that_its_consumer_takes(lay_out: LayOut, length: int) -> None:
    text = f"{MINIMUM}placeholders:\n  CHANGEME_X: {{generate: password, length: {length}}}\n"
    deployment = lay_out(secret("t", x="CHANGEME_X"), text)
    succeed(deployment.setup())
    assert len(deployment.show("CHANGEME_X")) == length


# --- defaults


DEFAULTS = {"password": "password", "admin_password": "admin123", "SECRET_KEY": "minioadmin", "store-pass": "changeit"}


def test_well_known_defaults_are_told_and_never_changed(lay_out: LayOut) -> None:
    values = "auth:\n  password: admin\n  existingSecret: redis\n  passwordKey: password\n"
    environment = "DB_PASSWORD=postgres\nDB_USER=postgres\n"
    deployment = lay_out({
        "a.yaml": secret("grafana", **DEFAULTS, user="admin", empty='""'), "values.yaml": values, "b.env": environment,
    })  # fmt: skip
    done = untouched(deployment)
    assert sum("default that everybody knows" in note["what"] for note in done.data["notes"]) == len(DEFAULTS) + 2
    ids = found_ids(deployment)
    assert {(found[0], found[1], found[2]) for found in ids} == {
        *(("weak-default", "a.yaml", line) for line in range(5, 9)),
        ("secret-empty", "a.yaml", 10), ("weak-default", "values.yaml", 2), ("weak-default", "b.env", 1),
    }  # fmt: skip


# --- half filled


def test_a_well_known_default_in_a_text_of_lines_is_told_at_its_line(lay_out: LayOut) -> None:
    text = "[security]\nadmin_user = admin\nadmin_password = admin\n"
    deployment = lay_out({"grafana.ini": text, "main.yaml": config("grafana", text, "grafana.ini")})
    assert found_ids(deployment) == [("weak-default", "grafana.ini", 3), ("weak-default", "main.yaml", 8)]


def test_what_was_filled_in_by_hand_is_carried_to_the_rest(lay_out: LayOut) -> None:
    homeserver = (
        "server_name: chat-corp.net\nmacaroon_secret_key: by-hand-1\nform_secret: changeme\n"
        "turn_shared_secret: CHANGEME\nregistration_shared_secret: ${R}\n"
        "database: {args: {password: by-hand-2}}\n"
    )
    files = {
        "a.yaml": config("synapse-config", homeserver),
        "b.yaml": secret("synapse-secrets", MACAROON_SECRET="CHANGEME", DB_PASSWORD="your-db-password"),
        "c.yaml": config("coturn", "realm=x\nstatic-auth-secret=by-hand-3\n", "turnserver.conf"),
        "turnserver.conf": "static-auth-secret=<turn-secret>\n",
    }
    deployment = lay_out(files)
    objects = go_round(deployment)
    read = yaml.safe_load(every(objects, "ConfigMap")["synapse-config"]["data"]["homeserver.yaml"])
    assert read["macaroon_secret_key"] == "by-hand-1"
    assert read["registration_shared_secret"] == "${R}"
    assert read["turn_shared_secret"] == "by-hand-3"
    assert read["form_secret"] == deployment.show("form-secret")
    held = entries(every(objects, "Secret")["synapse-secrets"])
    assert (held["MACAROON_SECRET"], held["DB_PASSWORD"]) == ("by-hand-1", "by-hand-2")
    assert (deployment.tree / "turnserver.conf").read_text() == "static-auth-secret=by-hand-3\n"


def test_what_stands_in_environments_and_redis_conf_is_recognised_too(lay_out: LayOut) -> None:
    workload = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: synapse}\nspec: {template: {spec: {containers: [{"
        "env: [{name: FORM_SECRET, value: form-by-hand}, {name: URL, value: 'postgres://u:held-by-hand@db/x'}]}]}}}\n"
    )
    files = {
        "a.yaml": config("redis", 'requirepass "by hand #1"\nmasterauth CHANGEME_REDIS_PASSWORD\n', "redis.conf"),
        "b.env": "MACAROON_SECRET=macaroon-by-hand\nPASSWORD=another\nDOMAIN=another.net\n",
        "c.yaml": secret(
            "synapse-secrets", REDIS_PASSWORD="changeme", FORM_SECRET="changeme", MACAROON_SECRET="changeme"
        ),
        "d.yaml": workload,
        "e.yaml": config("livekit-redis", "requirepass apart\n", "redis.conf"),
    }
    deployment = lay_out(files, MINIMUM + "livekit: {}\n")
    objects = go_round(deployment)
    held = entries(every(objects, "Secret")["synapse-secrets"])
    assert held == {
        "REDIS_PASSWORD": "by hand #1", "FORM_SECRET": "form-by-hand", "MACAROON_SECRET": "macaroon-by-hand",
    }  # fmt: skip
    redis = every(objects, "ConfigMap")["redis"]["data"]["redis.conf"]
    assert redis == 'requirepass "by hand #1"\nmasterauth "by hand #1"\n'
    assert deployment.show("livekit-redis-password") == "apart"
    told = deployment.plan("--json")
    assert [note["where"] for note in told.data["notes"] if "URL" in note["what"]] == ["d.yaml:4:108"]
    assert "held-by-hand" not in told.text


def test_two_values_for_one_secret_are_refused_with_both_places(lay_out: LayOut) -> None:
    deployment = lay_out({
        "a.yaml": config("synapse-config", "server_name: chat-corp.net\nmacaroon_secret_key: first-text\n"),
        "b.yaml": secret("synapse-secrets", MACAROON_SECRET="second-text", FORM_SECRET="CHANGEME"),
    })  # fmt: skip
    before = deployment.everything()
    done = deployment.setup()
    assert done.code == 3
    assert "a.yaml:7:26" in done.err
    assert "b.yaml:5:20" in done.err
    assert deployment.everything() == before
    assert "-text" not in done.err


def test_a_value_that_its_server_would_not_take_is_refused_at_its_place(lay_out: LayOut) -> None:
    held = {"REPLICATION_SECRET": '"two words"', "S3_SECRET_KEY": "short", "FORM_SECRET": "CHANGEME"}
    deployment = lay_out(secret("synapse-secrets", **held))
    before = deployment.everything()
    done = deployment.setup()
    assert done.code == 3
    assert "main.yaml:5:24: worker-replication-secret cannot stand here" in done.err
    assert "main.yaml:6:18: s3-password cannot stand here" in done.err
    assert "two words" not in done.text
    assert deployment.everything() == before


def test_another_server_name_in_the_tree_is_refused(lay_out: LayOut) -> None:
    text = config("synapse-config", "server_name: other-corp.net\nform_secret: CHANGEME\n")
    deployment = lay_out(text)
    done = deployment.setup()
    assert done.code == 3
    assert "main.yaml:6:18: server-name is other-corp.net here" in done.err
    answer(deployment, "domains: {base: chat-corp.net, server_name: other-corp.net}\n")
    succeed(deployment.setup())


# --- mapping keys


KEYED = """\
livekit:
  keys:
    CHANGEME_LIVEKIT_API_KEY: CHANGEME_LIVEKIT_API_SECRET   # one pair
    other: CHANGEME_REDIS_PASSWORD
  flow: {"your-livekit-api-key": 'x', <livekit-api-key>: y}
"""


def test_a_mapping_key_is_a_place_too(lay_out: LayOut) -> None:
    files = {"values.yaml": KEYED, "b.yaml": config("livekit", KEYED, "livekit.yaml")}
    deployment = lay_out(files, MINIMUM + "livekit: {}\n")
    objects = go_round(deployment)
    key, password = deployment.show("livekit-api-key"), deployment.show("livekit-api-secret")
    for text in (
        objects["values.yaml"][0],
        yaml.safe_load(every(objects, "ConfigMap")["livekit"]["data"]["livekit.yaml"]),
    ):
        assert text["livekit"]["keys"] == {key: password, "other": deployment.show("redis-password")}
        assert text["livekit"]["flow"] == {key: "y"}
    shown = deployment.plan("--json").out + deployment.run("show", "--json").out + deployment.run("check").text
    assert key not in shown
    assert key.encode() not in (deployment.state / "sites.lock").read_bytes()
    succeed(deployment.blank())
    deployment.edit("values.yaml", "livekit:", "# more\n\nlivekit:")
    succeed(deployment.setup())
    assert key in (deployment.tree / "values.yaml").read_text()


def test_a_file_of_many_objects_and_one_of_long_words_are_read_whole(lay_out: LayOut) -> None:
    """Reading the file anew for each object took minutes; ``bench`` measures how the time grows."""
    many = "---\n".join(secret(f"s{number}", password=f"CHANGEME_P{number % 9}") for number in range(800))
    words = f"a: {'change-' * 4000}\nb: {'A_' * 20000}\nc: {'your.domain.' * 2000}\n"
    deployment = lay_out({"many.yaml": many, "words.yaml": words})
    offered = stanza(deployment.plan())
    assert {f"CHANGEME_P{number}" for number in range(9)} <= offered.keys()


@pytest.mark.parametrize("section", ["data", "stringData"])
def test_a_mapping_key_behind_base64_or_escapes_is_one_too(lay_out: LayOut, section: str) -> None:
    login = {"auths": {"registry.example.com": {"username": "robot", "password": "CHANGEME_REGISTRY_PASSWORD"}}}
    text = json.dumps(login)
    text = base64.b64encode(text.encode()).decode() if section == "data" else json.dumps(text)
    files = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: pull}}\n{section}:\n  .dockerconfigjson: {text}\n"
    decided = (
        "placeholders:\n  registry.example.com: {value: registry.chat-corp.net}\n"
        "  CHANGEME_REGISTRY_PASSWORD: {value: given-text}\n"
    )
    objects = go_round(lay_out(files, MINIMUM + decided))
    read = json.loads(entries(every(objects, "Secret")["pull"])[".dockerconfigjson"])
    assert read == {"auths": {"registry.chat-corp.net": {"username": "robot", "password": "given-text"}}}


# --- files beside the manifests


def test_environment_and_configuration_files_are_filled(lay_out: LayOut) -> None:
    environment = (
        "# CHANGEME\r\nexport DB_PASSWORD=changeme\r\nREDIS_PASSWORD='your-redis-password'\r\nHOST=matrix.example.com"
    )
    files = {
        "a.yaml": secret("synapse-secrets", DB_PASSWORD="changeme", REDIS_PASSWORD="changeme"),
        "config/deployment.env": environment,
        "coturn/turnserver.conf": "static-auth-secret=CHANGEME_TURN_SECRET\nrealm=turn.example.com\n",
        "app.ini": "[server]\npassword = CHANGEME_REDIS_PASSWORD\n; your-domain\n",
    }
    deployment = lay_out(
        files,
        MINIMUM
        + "placeholders: {'changeme @ config/deployment.env#1:~.DB_PASSWORD': {same_as: synapse-db-password}}\n",
    )
    go_round(deployment)
    out = subprocess.run(
        ["bash", "-c", 'set -a; . <(tr -d "\\r" < "$0"); printf "%s\\n" "$DB_PASSWORD" "$REDIS_PASSWORD" "$HOST"',
         str(deployment.tree / "config/deployment.env")], capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    redis = deployment.show("redis-password")
    assert out.splitlines() == [deployment.show("synapse-db-password"), redis, "matrix.chat-corp.net"]
    assert b"# (filled in)\r\n" in (deployment.tree / "config/deployment.env").read_bytes()
    parser = ConfigParser()
    parser.read(deployment.tree / "app.ini")
    assert parser["server"]["password"] == redis
    assert "realm=turn.chat-corp.net\n" in (deployment.tree / "coturn/turnserver.conf").read_text()


def test_key_files_are_filled_whole(lay_out: LayOut) -> None:
    pem = "-----BEGIN RSA PRIVATE KEY-----\nCHANGEME_GENERATE_RSA_2048_BIT_PRIVATE_KEY\n-----END RSA PRIVATE KEY-----\n"
    files = {
        "a.yaml": secret("synapse-secrets", **{"signing.key": "CHANGEME"}),
        "keys/chat.signing.key": "# put the key here\ned25519 a_XXXX CHANGEME\n",
        "keys/vault.pem": pem,
        ".env.production": "FORM_SECRET=CHANGEME_FORM_SECRET\n",
        ".env.example": "FORM_SECRET=CHANGEME_FORM_SECRET\n",
    }
    deployment = lay_out(files)
    objects = go_round(deployment)
    key = (deployment.tree / "keys/chat.signing.key").read_text()
    assert read_signing_keys(io.StringIO(key))
    assert key == entries(every(objects, "Secret")["synapse-secrets"])["signing.key"] + "\n"
    load_pem_private_key((deployment.tree / "keys/vault.pem").read_bytes(), None)
    assert (deployment.tree / ".env.production").read_text() == f"FORM_SECRET={deployment.show('form-secret')}\n"
    assert (deployment.tree / ".env.example").read_text() == files[".env.example"]


# --- Go templates


TEMPLATE = """\
{{- if .Values.enabled }}
apiVersion: v1
kind: Secret
metadata:
  name: {{ include "x.fullname" . }}
  labels:
    {{- include "x.labels" . | nindent 4 }}
stringData:
  {{- if not .Values.password }}
  {{- fail "CHANGEME must be replaced in your-values" }}
  {{- end }}
  a: "CHANGEME_REDIS_PASSWORD"
  b: 'your-redis-password'
  c: CHANGEME_REDIS_PASSWORD
  d: "{{ .Values.prefix }}-CHANGEME_REDIS_PASSWORD"
  e: {{ .Values.password | default "changeme" | quote }}
{{- end }}
"""


def test_go_templates_are_edited_where_a_value_stands_plainly_quoted(lay_out: LayOut) -> None:
    deployment = lay_out(
        {"chart/templates/secret.yaml": TEMPLATE, "a.yaml": secret("redis-password", password="CHANGEME")}
    )
    before = deployment.files()
    done = deployment.setup("--json")
    succeed(done)
    made = deployment.show("redis-password")
    wanted = TEMPLATE.replace('"CHANGEME_REDIS_PASSWORD"', f'"{made}"').replace("'your-redis-password'", f"'{made}'")
    assert (deployment.tree / "chart/templates/secret.yaml").read_text() == wanted
    assert [(each["token"], each["where"]) for each in refused(done)] == [
        ("CHANGEME_REDIS_PASSWORD", "chart/templates/secret.yaml:14:6"),
        ("CHANGEME_REDIS_PASSWORD", "chart/templates/secret.yaml:15:28"),
    ]
    assert "Go template" in refused(done)[0]["why"]
    succeed(deployment.blank())
    assert deployment.files() == before


def test_an_li_ingress_in_a_go_template_is_reported_as_open(lay_out: LayOut) -> None:
    text = ingress(
        "{{ .Release.Name }}-synapse-li", hosts=("matrix-li.example.com",), spec="  {{- with .x }}\n  {{- end }}\n"
    )
    deployment = lay_out({"chart/li.yaml": text.replace("matrix-li.example.com", '"matrix-li.example.com"')})
    done = deployment.setup()
    succeed(done)
    assert "Note: chart/li.yaml:1:1: Ingress//" in done.err
    assert ("li-open", "chart/li.yaml", 1) in found_ids(deployment)
    assert '"matrix-li.chat-corp.net"' in (deployment.tree / "chart/li.yaml").read_text()


def test_lines_of_one_form_that_hold_different_values_go_back_each_to_its_own(lay_out: LayOut) -> None:
    spellings = ["YOUR_A", "CHANGEME_B", "YOUR_A", "REPLACE_C", "CHANGEME_D", "YOUR_A", "CHANGEME_B"]
    decided = "placeholders:\n  YOUR_A: {value: one}\n  CHANGEME_B: {value: two}\n" + (
        "  REPLACE_C: {value: two}\n  CHANGEME_D: {value: two}\n"
    )
    text = config("c", "".join(f"- {spelling}\n" for spelling in spellings), "list.txt2")
    go_round(lay_out(text, MINIMUM + decided))


# --- what cannot be edited


DEEP = config(
    "deep", 'config: |\n  {"password": "CHANGEME_REDIS_PASSWORD"}\nflat: CHANGEME_REDIS_PASSWORD\n', "app.yaml"
)


def test_what_cannot_be_edited_is_named_and_counted_and_the_rest_is_done(lay_out: LayOut) -> None:
    deployment = lay_out({"a.yaml": DEEP, "b.toml": 'password = "CHANGEME"\n'})
    (deployment.tree / "c.yaml").write_bytes(secret("x", y="CHANGEME").encode("utf-16"))
    (deployment.tree / "d.yaml").write_bytes("a: Gr\u00f6\u00dfe\nb: CHANGEME\n".encode("latin-1"))
    before = deployment.files()
    done = deployment.setup("--json")
    succeed(done)
    assert [each["where"] for each in refused(done)] == ["a.yaml:7:21", "b.toml:1:13", "c.yaml:5:6", "d.yaml:2:4"]
    text = (deployment.tree / "a.yaml").read_text()
    assert f"flat: {deployment.show('redis-password')}" in text
    assert "CHANGEME" in text
    told = deployment.plan()
    assert "4 places left to you" in told.out
    assert {found[1] for found in found_ids(deployment)} == {"a.yaml", "b.toml", "c.yaml", "d.yaml"}
    succeed(deployment.blank())
    assert deployment.files() == before


def test_a_file_that_sops_guards_is_left_to_sops(lay_out: LayOut) -> None:
    guarded = secret(
        "redis-password", password="ENC[AES256_GCM,data:CHANGEME,type:str]", more="CHANGEME_REDIS_PASSWORD"
    )
    deployment = lay_out({"a.yaml": f"{guarded}sops:\n  mac: ENC[AES256_GCM,data:x]\n"})
    done = untouched(deployment)
    assert {each["where"] for each in refused(done)} == {"a.yaml:5:33", "a.yaml:6:9"}
    assert all("sops" in each["why"] for each in refused(done))


# --- instances


def test_the_answers_say_which_instance_an_object_belongs_to(lay_out: LayOut) -> None:
    files = {
        "twin/synapse.yaml": secret("synapse-secrets", DB_PASSWORD="CHANGEME_DB_PASSWORD"),
        "twin/web.yaml": ingress("web", hosts=("matrix.example.com",)),
        "twin/apart.yaml": secret("synapse-db-credentials", password="CHANGEME_DB_PASSWORD"),
    }
    answers = f"{MINIMUM}instances: {{twin/: li, Secret/matrix/synapse-db-credentials: main}}\n"
    deployment = lay_out(files, answers)
    shown = deployment.plan()
    assert "by answers: " in shown.out
    objects = go_round(deployment)
    assert entries(every(objects, "Secret")["synapse-secrets"])["DB_PASSWORD"] == deployment.show("li-db-password")
    main = entries(every(objects, "Secret")["synapse-db-credentials"])["password"]
    assert main == deployment.show("synapse-db-password") != deployment.show("li-db-password")
    notes = every(objects, "Ingress")["web"]["metadata"]["annotations"]
    assert "185.60.112.0/24" in notes.values()
    assert run("check", "--tree", str(deployment.tree)).code == 0, "check reads them in sites.lock"
    bad = deployment.setup("--set", "instances.twin/=both")
    assert bad.code == 2
    assert "main or li" in bad.err


def test_an_li_instance_with_a_redis_of_its_own_has_a_password_of_its_own(lay_out: LayOut) -> None:
    files = {
        "main/redis.yaml": secret("redis-secret", password="CHANGEME_REDIS_PASSWORD"),
        "main/synapse.yaml": secret("synapse-secrets", REDIS_PASSWORD="CHANGEME_REDIS_PASSWORD"),
        "li-instance/redis.yaml": secret("redis-secret", password="CHANGEME_REDIS_PASSWORD").replace("matrix}", "li}"),
        "li-instance/synapse.yaml": secret("synapse-li-secrets", REDIS_PASSWORD="CHANGEME_REDIS_PASSWORD"),
    }
    deployment = lay_out(files)
    succeed(deployment.setup())
    main, li = deployment.show("redis-password"), deployment.show("li-redis-password")
    assert main != li
    held = {path: (deployment.tree / path).read_text() for path in files}
    assert [(main in text, li in text) for text in held.values()] == [(True, False)] * 2 + [(False, True)] * 2
    (deployment.tree / "li-instance/redis.yaml").unlink()


def test_an_li_instance_behind_mains_host_names_with_key_vault_on_its_side(lay_out: LayOut) -> None:
    vault = secret(
        "key-vault-secrets", DB_PASSWORD="CHANGEME_SECURE_KEY_VAULT_DB_PASSWORD", API_KEY="CHANGEME_KEY_VAULT_API_KEY"
    )
    files = {
        "main/web.yaml": ingress("matrix", hosts=("matrix.example.com",)),
        "main/synapse.yaml": secret("synapse-secrets", KEY_VAULT_API_KEY="CHANGEME_SECURE_KEY_VAULT_API_KEY"),
        "li-instance/05-key-vault/deployment.yaml": vault,
        "li-instance/proxy.yaml": ingress("proxy", hosts=("matrix.example.com", "element.example.com")),
    }
    deployment = lay_out(files)
    objects = go_round(deployment)
    by_name = every(objects, "Ingress")
    assert "185.60.112.0/24" in by_name["proxy"]["metadata"]["annotations"].values()
    assert "185.60.112.0/24" not in by_name["matrix"]["metadata"]["annotations"].values()
    assert [rule["host"] for rule in by_name["proxy"]["spec"]["rules"]] == [
        "matrix.chat-corp.net",
        "element.chat-corp.net",
    ]
    held = every(objects, "Secret")
    assert entries(held["key-vault-secrets"])["API_KEY"] == entries(held["synapse-secrets"])["KEY_VAULT_API_KEY"]
    assert entries(held["key-vault-secrets"])["DB_PASSWORD"] == deployment.show("key-vault-db-password")


def test_a_scalar_that_parsers_read_differently_is_named_and_the_rest_is_done(lay_out: LayOut) -> None:
    text = secret("redis-password", password="CHANGEME", other='"one\x85two CHANGEME_OTHER"')
    deployment = lay_out(text)
    assert [found for found in found_ids(deployment) if found[0] == "placeholder-left"] == [
        ("placeholder-left", "main.yaml", 5),
        ("placeholder-left", "main.yaml", 6),
    ]
    done = deployment.setup("--json")
    succeed(done)
    assert [(each["token"], each["where"]) for each in refused(done)] == [("CHANGEME_OTHER", "main.yaml:6:19")]
    assert f"password: {deployment.show('redis-password')}\n" in (deployment.tree / "main.yaml").read_text()
    succeed(deployment.blank())
    assert deployment.files() == {"main.yaml": text.encode()}


@pytest.mark.parametrize(
    ("metadata", "column"), [("{name: CHANGEME_NAME}", 18), ("{name: a, namespace: your-namespace}", 32)]
)
def test_the_name_of_an_object_is_left_to_the_operator(lay_out: LayOut, metadata: str, column: int) -> None:
    text = (
        f"apiVersion: v1\nkind: Secret\nmetadata: {metadata}\nstringData: {{REDIS_PASSWORD: CHANGEME_REDIS_PASSWORD}}\n"
    )
    deployment = lay_out(text)
    done = deployment.plan("--json")
    succeed(done)
    (named,) = refused(done)
    assert (named["where"], "by hand" in named["why"]) == (f"main.yaml:3:{column}", True)
    read = yaml.safe_load((deployment.tree / "main.yaml").read_text())
    go_round(deployment)
    assert yaml.safe_load((deployment.tree / "main.yaml").read_text())["metadata"] == read["metadata"]


@pytest.mark.parametrize("spelling", ["<your password here>", "<API key of the gateway>", "ed25519 a_XXXX tail"])
def test_what_is_printed_to_paste_can_be_pasted_for_spellings_and_files_with_blanks(
    lay_out: LayOut, spelling: str
) -> None:
    deployment = lay_out({"my chart/values.yaml": f"gateway: {{setting: {json.dumps(spelling)}, token: CHANGEME}}\n"})
    asked = deployment.setup()
    assert asked.code == 2
    stanza = (asked.out + asked.err).partition("\nplaceholders:\n")[2]
    answer(deployment, f"{MINIMUM}placeholders:\n{stanza.replace('value: …', 'value: given-text')}")
    go_round(deployment)


@pytest.mark.parametrize("name", [".env", "app.ini", "scalar.json"])
def test_what_is_printed_to_paste_can_be_pasted_for_a_file_that_is_one_text(lay_out: LayOut, name: str) -> None:
    text = '"CHANGEME"' if name.endswith(".json") else "SETTING=changeme\n"
    deployment = lay_out({name: text, "a.yaml": "a: b\n"})
    asked = deployment.setup()
    assert asked.code == 2
    stanza = (asked.out + asked.err).partition("\nplaceholders:\n")[2]
    answer(deployment, f"{MINIMUM}placeholders:\n{stanza.replace('value: …', 'value: given-text')}")
    go_round(deployment)
    assert "given-text" in (deployment.tree / name).read_text()


# --- what is not read at all


def test_links_stay_inside_and_closed_directories_are_not_read(lay_out: LayOut, tmp_path: Path) -> None:
    deployment = lay_out(
        {"a.yaml": secret("redis-password", password="CHANGEME"), "node_modules/x/b.yaml": "a: CHANGEME\n"}
    )
    (deployment.tree / "c.tar").write_bytes(b"CHANGEME")
    (deployment.tree / "d.bin").write_bytes(b"\0CHANGEME")
    succeed(deployment.setup())
    assert (deployment.tree / "node_modules/x/b.yaml").read_text() == "a: CHANGEME\n"
    outside = tmp_path / "outside.yaml"
    outside.write_text("a: CHANGEME\n")
    (deployment.tree / "link.yaml").symlink_to(outside)
    done = deployment.setup()
    assert done.code == 3
    assert outside.read_text() == "a: CHANGEME\n"


def test_the_password_of_a_url_is_never_told(lay_out: LayOut) -> None:
    url = "postgres://synapse:Real5ecretOfUrl@db.example.com/synapse"
    deployment = lay_out({"app.env": f"DATABASE_URL={url}\n", "a.yaml": config("c", "a: 1\n")})
    asked = deployment.setup()
    assert asked.code == 2
    assert '"db.example.com": {value: db.chat-corp.net}' in asked.text
    assert "Real5ecret" not in asked.text
    answer(deployment, MINIMUM + "placeholders: {db.example.com: {value: db.chat-corp.net}}\n")
    done = deployment.setup("--json")
    succeed(done)
    assert "Real5ecret" not in done.text + (deployment.state / "sites.lock").read_text()
    assert (deployment.tree / "app.env").read_text().endswith("Real5ecretOfUrl@db.chat-corp.net/synapse\n")


def test_what_was_filled_in_beside_a_placeholder_is_recognised_too(lay_out: LayOut) -> None:
    text = config("coturn", "static-auth-secret=Turn5ecretInUse\nrealm=turn.example.com\n", "turnserver.conf")
    deployment = lay_out(text + "---\n" + secret("synapse-secrets", TURN_SECRET="CHANGEME_TURN_SECRET"))
    objects = go_round(deployment)
    assert entries(every(objects, "Secret")["synapse-secrets"])["TURN_SECRET"] == "Turn5ecretInUse"
    read = every(objects, "ConfigMap")["coturn"]["data"]["turnserver.conf"]
    assert read == "static-auth-secret=Turn5ecretInUse\nrealm=turn.chat-corp.net\n"
    deployment.edit("main.yaml", "static-auth-secret=Turn5ecretInUse", "static-auth-secret=another")
    assert deployment.setup().code == 3


@pytest.mark.parametrize("name", ["{{ .Release.Name }}-s", "'{{ .Release.Name }}-s'"])
@pytest.mark.parametrize("given", ["a{{b", "a{{ b }}c"])
def test_a_template_expands_no_secret(lay_out: LayOut, name: str, given: str) -> None:
    entry = 'SMTP_PASSWORD: "CHANGEME_SMTP_PASSWORD"'
    text = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\nstringData:\n  {entry}\n"
    deployment = lay_out({"templates/s.yaml": text}, MINIMUM + SMTP)
    before = deployment.files()
    (deployment.answers.parent / "given.txt").write_text(f"{given}\n")
    done = deployment.setup()
    assert done.code == 3
    assert "templates/s.yaml:6:19: smtp-password cannot be written here: this file is a Go template" in done.err
    assert given not in done.text
    assert deployment.files() == before


def test_a_consumed_token_is_filled_where_the_answers_name_its_place(lay_out: LayOut) -> None:
    deployment = lay_out(ARGUMENTS.replace("args: [", "env: [{name: K, value: REPLACE_KEY}], args: ["))
    place = "REPLACE_KEY @ Job//j:spec.template.spec.containers.[name=c].env.[name=K].value"
    answer(deployment, f"{MINIMUM}placeholders: {{'{place}': {{value: chosen}}}}\n")
    objects = go_round(deployment)
    container = every(objects, "Job")["j"]["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "K", "value": "chosen"}]
    assert container["args"][1] == "s#REPLACE_KEY#x#g"
    assert every(objects, "ConfigMap")["app"]["data"]["app.conf"] == "key=REPLACE_KEY\n"


def test_an_object_that_the_answers_put_into_the_other_instance_later_gets_its_own_secret(lay_out: LayOut) -> None:
    entry = {key: f"CHANGEME_{key}" for key in ("FORM_SECRET", "SIGNING_KEY")}
    there = secret("synapse-secrets", **entry).replace("namespace: matrix", "namespace: beta")
    deployment = lay_out({"a.yaml": secret("synapse-secrets", **entry), "b.yaml": there})
    originals = deployment.files()
    succeed(deployment.setup())
    main = deployment.show("form-secret")
    answer(deployment, f"{MINIMUM}instances: {{Secret/beta/synapse-secrets: li}}\n")
    before = deployment.everything()
    refused = deployment.setup("--accept-new-sites")
    assert (refused.code, deployment.everything()) == (3, before), refused.text
    assert "b.yaml:5:16: Secret/beta/synapse-secrets was main's" in refused.err
    succeed(deployment.setup("--accept-site", "Secret/beta/synapse-secrets"))
    read = {path: entries(documents[0]) for path, documents in by_pyyaml(deployment.files()).items()}
    assert (read["a.yaml"]["FORM_SECRET"], read["b.yaml"]["FORM_SECRET"]) == (main, deployment.show("li-form-secret"))
    assert read["a.yaml"]["FORM_SECRET"] != read["b.yaml"]["FORM_SECRET"]
    assert read["a.yaml"]["SIGNING_KEY"] == read["b.yaml"]["SIGNING_KEY"]
    assert "No byte was changed" in deployment.setup().out
    succeed(deployment.blank())
    assert deployment.files() == originals


def test_a_call_behind_the_header_of_a_document_marks_none_of_it(lay_out: LayOut) -> None:
    text = config("c", "server_name: CHANGEME_SERVER_NAME\nlisteners: []\n", style="|  # CHANGEME below")
    read = every(go_round(lay_out(text)), "ConfigMap")["c"]["data"]["homeserver.yaml"]
    assert read == "server_name: chat-corp.net\nlisteners: []\n"


def test_an_environment_in_utf_16_is_told_too(lay_out: LayOut) -> None:
    deployment = lay_out(secret("synapse-secrets", FORM_SECRET="CHANGEME"))
    (deployment.tree / "app.env").write_bytes("A=1\nB=CHANGEME_FORM_SECRET\n".encode("utf-16"))
    (deployment.tree / "key.cfg").write_bytes(b"\0\1CHANGEME")
    assert [each["where"] for each in refused(deployment.setup("--json"))] == ["app.env:2:3"]


@pytest.mark.parametrize("text", ["${FORM}", "'{{ .Values.form }}'", "$(FORM)"])
def test_what_another_program_expands_is_no_value_of_its_own(lay_out: LayOut, text: str) -> None:
    entry = secret("synapse-secrets", FORM_SECRET=f"{text}  # please CHANGEME", MACAROON_SECRET=text)
    deployment = lay_out(entry + "---\n" + secret("other", FORM_SECRET="CHANGEME_FORM_SECRET"))
    objects = every(go_round(deployment), "Secret")
    left = text.strip("'")
    assert entries(objects["synapse-secrets"]) == {"FORM_SECRET": left, "MACAROON_SECRET": left}
    assert len(entries(objects["other"])["FORM_SECRET"]) == 40


def test_a_decision_on_a_bare_spelling_reaches_no_place_that_is_known(lay_out: LayOut) -> None:
    text = secret("synapse-secrets", FORM_SECRET="CHANGE_ME") + "---\n" + secret("other", thing="CHANGE_ME")
    deployment = lay_out(text, MINIMUM + "placeholders: {CHANGE_ME: {value: chosen}}\n")
    objects = every(go_round(deployment), "Secret")
    assert entries(objects["other"])["thing"] == "chosen"
    assert entries(objects["synapse-secrets"])["FORM_SECRET"] == deployment.show("form-secret") != "chosen"


def test_a_length_that_cannot_be_made_is_not_proposed(lay_out: LayOut) -> None:
    asked = lay_out(secret("other", thing="CHANGEME_THING_KEY_99999_CHARS")).setup()
    assert asked.code == 2
    assert '"CHANGEME_THING_KEY_99999_CHARS": {generate: password}' in asked.err


def test_kustomize_fills_in_the_objects_that_it_selects_and_no_others(lay_out: LayOut) -> None:
    asked = lay_out(KUSTOMIZED.replace("select: {kind: Deployment, name: web}", "select: {kind: Job}")).setup()
    assert asked.code == 2
    assert "HOST_PLACEHOLDER" in asked.err


@pytest.mark.parametrize("as_text", [False, True])
def test_a_key_that_is_a_value_is_found_again_behind_another_one(lay_out: LayOut, *, as_text: bool) -> None:
    text = "keys:\n  CHANGEME_LIVEKIT_API_KEY: CHANGEME_LIVEKIT_API_SECRET\n"
    files = {"livekit.yaml": config("livekit", text, "livekit.yaml") if as_text else f"rtc: {{}}\n{text}"}
    deployment = lay_out({**files, "a.yaml": config("c", "a: 1\n")}, MINIMUM + "livekit: {}\n")
    before = deployment.files()["livekit.yaml"].decode()
    succeed(deployment.setup())
    added = "      own: 0therSecret\n" if as_text else "  own: 0therSecret\n"
    deployment.edit("livekit.yaml", "keys:\n", f"keys:\n{added}")
    filled = deployment.files()
    succeed(deployment.setup())
    assert deployment.files() == filled
    assert "livekit.yaml:" in deployment.run("show").out.partition("livekit-api-key")[2].partition("\n")[2][:30]
    succeed(deployment.blank())
    assert deployment.files()["livekit.yaml"].decode() == before.replace("keys:\n", f"keys:\n{added}")
    succeed(deployment.setup())
    assert deployment.files() == filled
    key = deployment.show("livekit-api-key")
    deployment.edit("livekit.yaml", f"{key}: {deployment.show('livekit-api-secret')}\n", "own2: third\n")
    assert deployment.setup().code == 3


def test_what_is_left_is_told_when_nothing_changes_too(lay_out: LayOut) -> None:
    deployment = lay_out(
        {"a.yaml": secret("synapse-secrets", FORM_SECRET="CHANGEME"), "b.env": "A=CHANGEME_FORM_SECRET"}
    )
    (deployment.tree / "c.yaml").write_bytes("a: CHANGEME\n".encode("utf-16"))
    succeed(deployment.setup())
    (deployment.tree / "b.env").rename(deployment.tree / "d.env")
    done = deployment.setup()
    succeed(done)
    assert "c.yaml:1:4: CHANGEME: the file is UTF-16" in done.out
    assert "b.env: form-secret was written here" in done.out
    assert done.out.endswith("the rest is as it should be. No byte was changed.\n")


def test_a_general_consent_reaches_no_file_that_is_no_manifest(lay_out: LayOut) -> None:
    deployment = lay_out(secret("synapse-secrets", FORM_SECRET="CHANGEME"))
    succeed(deployment.setup())
    (deployment.tree / "new.conf").write_text("x = CHANGEME_FORM_SECRET\n")
    before = deployment.files()
    for consent in ((), ("--accept-new-sites",)):
        asked = deployment.setup(*consent)
        assert (asked.code, deployment.files()) == (3, before)
        assert "--accept-site 'new.conf#1:'." in asked.err
    succeed(deployment.setup("--accept-site", "new.conf#1:"))
    assert (deployment.tree / "new.conf").read_text() == f"x = {deployment.show('form-secret')}\n"


def test_what_a_comment_of_a_script_says_is_no_substitution(lay_out: LayOut) -> None:
    script = config("run", "#!/bin/sh\n# sed s/REPLACE_KEY/$K/ was here\nsed -i s/REPLACE_OTHER/$O/ /x\n", "run.sh")
    asked = lay_out(script + "---\n" + config("app", "a=REPLACE_KEY\nb=REPLACE_OTHER\n", "app.conf")).setup()
    assert asked.code == 2
    assert "REPLACE_KEY" in asked.err
    assert "REPLACE_OTHER" not in asked.err


def test_the_name_of_a_secret_is_no_weak_one(lay_out: LayOut) -> None:
    deployment = lay_out(config("c", "EXISTING_SECRET=secret\nDB_PASSWORD=secret\n", "app.env"))
    assert [found[0] for found in found_ids(deployment)] == ["weak-default"]


def test_check_knows_the_instances_that_the_answers_named(lay_out: LayOut) -> None:
    text = ingress("web", hosts=("web.chat-corp.net",), metadata="  annotations: {x: text}\n")
    deployment = lay_out(text, MINIMUM + "instances: {Ingress//web: li}\n")
    succeed(deployment.setup())
    assert found_ids(deployment) == []
    (deployment.tree / "main.yaml").write_text(text)
    assert [found[0] for found in found_ids(deployment)] == ["li-open"]


@pytest.mark.parametrize("other", ["same_as: CHANGEME_AA", "keep: true", "split: true"])
def test_what_is_to_be_the_same_needs_one_value(lay_out: LayOut, other: str) -> None:
    decisions = f"placeholders:\n  CHANGEME_AA: {{same_as: CHANGEME_BB}}\n  CHANGEME_BB: {{{other}}}\n"
    asked = lay_out(secret("s", x="CHANGEME_AA", y="CHANGEME_BB"), MINIMUM + decisions).setup()
    assert asked.code == 2
    assert "answers.yaml:5:16: placeholders.CHANGEME_AA: CHANGEME_BB is decided by" in asked.err


def test_utf_16_is_told_without_its_mark_too(lay_out: LayOut) -> None:
    deployment = lay_out(secret("synapse-secrets", FORM_SECRET="CHANGEME"))
    (deployment.tree / "b.yaml").write_bytes("a: CHANGEME\n".encode("utf-16-le"))
    (told,) = refused(deployment.setup("--json"))
    assert (told["where"], told["why"]) == ("b.yaml:1:1", "the file is no UTF-8; write it as UTF-8")


def test_what_cannot_be_written_is_refused_at_its_own_line(lay_out: LayOut) -> None:
    files = {"a.env": "A='CHANGEME_X'\n", "b.conf": "x = 1\n\ny CHANGEME_X z\n", "c.yaml": config("c", "a: 1\n")}
    deployment = lay_out(files, MINIMUM + "placeholders: {CHANGEME_X: {value: a b}}\n")
    asked = deployment.setup()
    assert asked.code == 3
    assert [line.partition(": ")[0] for line in asked.err.splitlines() if "cannot" in line] == ["b.conf:3:3"]
    (deployment.tree / "b.conf").unlink()
    go_round(deployment)
    succeed(deployment.setup())
    assert (deployment.tree / "a.env").read_text() == "A='a b'\n"


def test_an_instance_of_nothing_is_told(lay_out: LayOut) -> None:
    named = "instances: {Secret/x/typo: li, main.yaml: main, other/: li}\n"
    done = lay_out(secret("synapse-secrets", FORM_SECRET="CHANGEME"), MINIMUM + named).setup("--json")
    strange = [note["what"].partition(":")[0] for note in done.data["notes"] if note["what"].startswith("instances.")]
    assert strange == ["instances.Secret/x/typo", "instances.other/"]


def test_the_nearest_directory_says_the_instance(lay_out: LayOut) -> None:
    files = {"a/b/x.yaml": ingress("one", hosts=("one.chat-corp.net",)), "a/y.yaml": ingress("two", hosts=("two.net",))}
    done = lay_out(files, MINIMUM + "instances: {a/: li, a/b/: main}\n").setup("--json")
    assert done.data["li"] == {"Ingress//two": "answers"}


def test_an_ingress_for_hosts_of_both_instances_is_mains(lay_out: LayOut) -> None:
    both = ingress("both", hosts=("matrix.example.com", "matrix-li.example.com"))
    done = lay_out({"a.yaml": both, "b.yaml": ingress("own", hosts=("matrix-li.example.com",))}).setup("--json")
    assert done.data["li"] == {"Ingress//own": "host"}


def test_a_containers_variable_is_no_file_that_a_script_reads(lay_out: LayOut) -> None:
    deployment = lay_out(ARGUMENTS.replace("args: [", "env: [{name: K, value: REPLACE_KEY}], args: ["))
    asked = deployment.setup()
    assert asked.code == 2
    assert "REPLACE_KEY @ Job//j:spec.template.spec.containers.[name=c].env.[name=K].value" in asked.err
    assert "app.conf" not in asked.err


def test_no_password_of_a_configuration_stands_in_the_diff(lay_out: LayOut) -> None:
    text = "requirepass gamma3ecret\nuser default on >delta4ecret ~*\ntimeout 5\nx CHANGEME_FORM_SECRET\n"
    env = "SMTP_PASS=alpha1ecret\nX_API_KEY='beta2ecret'\nURL=a://b:eps5ecret@c\nPLAIN=shown\nQ=CHANGEME_FORM_SECRET\n"
    drawn = lay_out({"a.env": env, "b.yaml": config("c", text, "redis.conf")}).setup("--json").data["diff"]
    assert "ecret" not in drawn
    assert {" PLAIN=shown", "     timeout 5", "-Q=CHANGEME_FORM_SECRET"} <= set(drawn.splitlines())
