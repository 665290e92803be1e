"""Trees that others wrote, in spellings that others use: filled, filled again, put back, and filled the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest
import yaml
from signedjson.key import read_signing_keys

from .reading import by_pyyaml, entries, every
from .small import (
    ALLOW,
    GIVEN,
    LIVEKIT,
    MINIMUM,
    RANGE,
    SMTP,
    WHITE,
    LayOut,
    answer,
    config,
    found_ids,
    go_round,
    homeserver,
    ingress,
    noted,
    secret,
    succeed,
)

# --- the mail block


@pytest.mark.parametrize("last", [
    'server_name: "matrix.example.com" # CHANGE_ME to yours', "x: y # what CHANGE_ME says",
    "x: y  # matrix.example.com", "listeners: []\n# CHANGEME: the end",
])  # fmt: skip
def test_the_mail_block_is_appended_behind_a_comment_with_a_placeholder(lay_out: LayOut, last: str) -> None:
    head = "" if "server_name" in last else "server_name: matrix.example.com\n"
    objects = go_round(lay_out(config("synapse-config", f"{head}report_stats: no\n{last}"), MINIMUM + SMTP))
    read = homeserver(objects)
    assert read["email"]["smtp_pass"] == GIVEN
    assert read["email"]["smtp_host"] == "mail.chat-corp.net"
    assert read["server_name"] == "chat-corp.net"
    assert read["report_stats"] is False


def test_a_folded_configuration_takes_the_mail_block(lay_out: LayOut) -> None:
    text = "server_name: matrix.example.com\n\nreport_stats: no"
    objects = go_round(lay_out(config("synapse-config", text, style=">-"), MINIMUM + SMTP))
    read = homeserver(objects)
    assert read["email"]["smtp_pass"] == GIVEN
    assert (read["server_name"], read["report_stats"]) == ("chat-corp.net", False)


def test_mail_switched_off_and_on_and_off_in_a_tree_of_others(lay_out: LayOut) -> None:
    text = config("synapse-config", "server_name: matrix.example.com\nreport_stats: no # or CHANGE_ME")
    deployment = lay_out(
        {"config.yaml": text, "mail.yaml": secret("synapse-email", SMTP_PASSWORD="CHANGEME_SMTP_PASSWORD")},
        MINIMUM + SMTP,
    )
    originals = deployment.files()
    succeed(deployment.setup())
    on = deployment.files()
    answer(deployment, MINIMUM + "smtp: null\n")
    succeed(deployment.setup())
    off = deployment.files()
    assert off["mail.yaml"] == originals["mail.yaml"]
    assert "email" not in homeserver(by_pyyaml(off))
    assert "No byte was changed" in deployment.setup().out
    answer(deployment, MINIMUM + SMTP)
    succeed(deployment.setup())
    assert deployment.files() == on
    answer(deployment, MINIMUM + "smtp: null\n")
    succeed(deployment.setup())
    assert deployment.files() == off
    succeed(deployment.blank())
    assert deployment.files() == originals


# --- the allow-list

LISTS = {
    "old": f"  annotations:\n    {WHITE}: YOUR_LAW_ENFORCEMENT_IPS\n",
    "new": f"  annotations:\n    {ALLOW}: YOUR_LAW_ENFORCEMENT_IPS\n",
    "both": f"  annotations:\n    {WHITE}: YOUR_LAW_ENFORCEMENT_IPS\n    {ALLOW}: YOUR_LAW_ENFORCEMENT_IPS\n",
    "both, each its own": f"  annotations:\n    {ALLOW}: 10.1.0.0/16\n    x: z\n    {WHITE}: 10.2.0.0/16\n",
    "null and another key": f"  annotations:\n    {WHITE}:\n    x: z\n",
    "null at the end": f"  annotations:\n    x: z\n    {WHITE}:\n",
}


@pytest.mark.parametrize("notes", LISTS.values(), ids=LISTS)
def test_an_allow_list_in_every_spelling(lay_out: LayOut, notes: str) -> None:
    deployment = lay_out(ingress(notes=notes))
    found = noted(go_round(deployment))
    assert [found[key] for key in (WHITE, ALLOW) if key in found] == [RANGE]
    assert found.get("x", "z") == "z"
    assert found_ids(deployment) == []


BY_ONE_SIGNAL = {
    "label": ("main.yaml", ingress("web", hosts=("matrix.chat-corp.net",), metadata="  labels: {tier: li}\n")),
    "namespace": ("main.yaml", ingress("web", hosts=("matrix.chat-corp.net",), metadata="  namespace: matrix-li\n")),
    "hosts": ("main.yaml", ingress("web", hosts=("matrix-li.chat-corp.net", "chat-li.chat-corp.net"))),
    "directory": ("lawful-intercept/web.yaml", ingress("web", hosts=("matrix.chat-corp.net",))),
}


@pytest.mark.parametrize(("path", "text"), BY_ONE_SIGNAL.values(), ids=BY_ONE_SIGNAL)
def test_one_sign_of_lawful_intercept_is_enough(lay_out: LayOut, path: str, text: str) -> None:
    deployment = lay_out({path: text, "other.yaml": ingress("main", hosts=("matrix.example.com",))})
    assert [file for rule, file, _ in found_ids(deployment) if rule == "li-open"] == [path]
    objects = go_round(deployment)
    assert noted(objects, "web")[WHITE] == RANGE
    assert WHITE not in noted(objects, "main")
    assert found_ids(deployment) == []


def test_a_directory_renamed_keeps_its_places(lay_out: LayOut) -> None:
    name = "  namespace: matrix-li\n"
    deployment = lay_out({"li-instance/web.yaml": ingress("web", metadata=name, notes=LISTS["null and another key"])})
    originals = deployment.files()
    succeed(deployment.setup())
    (deployment.tree / "li-instance").rename(deployment.tree / "twin")
    moved = deployment.files()
    assert "No file changes" in deployment.setup().out
    assert deployment.files() == moved
    assert "No byte was changed" in deployment.setup().out
    succeed(deployment.blank())
    assert list(deployment.files().values()) == list(originals.values())
    succeed(deployment.setup())
    assert deployment.files() == moved


def test_li_beside_other_hosts_and_behind_another_controller_is_found(lay_out: LayOut) -> None:
    allowed = f"  annotations:\n    {WHITE}: {RANGE}\n"
    deployment = lay_out({
        "mixed.yaml": ingress("web", hosts=("matrix.chat-corp.net", "matrix-li.chat-corp.net")),
        "traefik.yaml": ingress("web-li", notes=allowed, spec="  ingressClassName: traefik\n"),
        "nginx.yaml": ingress("web2-li", notes=allowed, spec="  ingressClassName: nginx-internal\n",
                              hosts=("matrix-li.chat-corp.net",)),
    })  # fmt: skip
    assert [file for rule, file, _ in found_ids(deployment) if rule == "li-open"] == ["mixed.yaml", "traefik.yaml"]


def test_an_issuer_that_stands_there_is_kept_until_a_mode_is_answered(lay_out: LayOut) -> None:
    notes = "  annotations:\n    cert-manager.io/cluster-issuer: house-ca\n"
    deployment = lay_out(ingress("web", notes, hosts=("matrix.example.com",)), "domains: {base: chat-corp.net}\n")
    found = noted(go_round(deployment), "web")
    assert found == {"cert-manager.io/cluster-issuer": "house-ca"}
    succeed(deployment.setup("--set", "tls.mode=selfsigned"))
    assert noted(by_pyyaml(deployment.files()), "web") == {"cert-manager.io/cluster-issuer": "selfsigned"}


# --- spellings


def test_a_placeholder_as_it_is_under_data_of_a_secret(lay_out: LayOut) -> None:
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: synapse-secrets}\ndata:\n"
        "  FORM_SECRET: |\n    CHANGEME_SECURE_FORM_SECRET\n  TURN_SECRET: CHANGEME_TURN_SECRET\n"
    )
    deployment = lay_out(text)
    found = entries(every(go_round(deployment), "Secret")["synapse-secrets"])
    assert found["FORM_SECRET"].strip() == deployment.show("form-secret")
    assert found["TURN_SECRET"] == deployment.show("turn-secret")


def test_two_objects_of_one_name(lay_out: LayOut) -> None:
    text = "---\n".join([
        secret("synapse-secrets", FORM_SECRET="CHANGEME_FORM_SECRET"),
        secret("synapse-secrets", FORM_SECRET="'<CHANGEME_FORM_SECRET>'", TURN_SECRET="CHANGEME"),
    ])  # fmt: skip
    deployment = lay_out(text)
    (first, second) = go_round(deployment)["main.yaml"]
    assert first["stringData"] == {"FORM_SECRET": deployment.show("form-secret")}
    assert second["stringData"]["FORM_SECRET"] == deployment.show("form-secret")
    assert second["stringData"]["TURN_SECRET"] == deployment.show("turn-secret")


@pytest.mark.parametrize("token", [
    "CHANGEME_", "_CHANGEME", "__CHANGE_ME__", "<CHANGEME>", "<CHANGE_ME_TURN_SECRET>", "CHANGEME_TURN_SECRET_",
])  # fmt: skip
def test_what_clings_to_a_placeholder_goes_with_it(lay_out: LayOut, token: str) -> None:
    deployment = lay_out(secret("coturn-secrets", TURN_SECRET=f"'{token}'", TURN_PASSWORD="CHANGEME"))
    found = entries(every(go_round(deployment), "Secret")["coturn-secrets"])
    assert found == {"TURN_SECRET": deployment.show("turn-secret"), "TURN_PASSWORD": deployment.show("turn-password")}
    assert len(found["TURN_SECRET"]) == 40


@pytest.mark.parametrize("command", [
    "sed -i 's/CHANGEME_TURN_SECRET/'\"$TURN\"'/' f.conf", "echo CHANGEME_TURN_SECRET | sed 's/x/y/'",
])  # fmt: skip
def test_a_command_in_a_comment_is_no_value(lay_out: LayOut, command: str) -> None:
    text = f"# {command}\n" + secret("coturn-secrets", TURN_SECRET="CHANGEME_TURN_SECRET")
    deployment = lay_out(text)
    objects = go_round(deployment)
    turn = deployment.show("turn-secret")
    assert entries(every(objects, "Secret")["coturn-secrets"]) == {"TURN_SECRET": turn}
    comment, _, _ = (deployment.tree / "main.yaml").read_text().partition("\n")
    assert comment.startswith("# ")
    assert "CHANGEME" not in comment
    assert turn not in comment


@pytest.mark.parametrize("dsn", [
    "host=db dbname=matrix user=synapse password='CHANGEME_DB_PASSWORD' sslmode=require",
    "host=db password=CHANGEME_DB_PASSWORD",
    "host='a b' password = 'CHANGEME_DB_PASSWORD'",
])  # fmt: skip
def test_a_connection_string_stays_what_it_was_written_as(lay_out: LayOut, dsn: str) -> None:
    from psycopg.conninfo import conninfo_to_dict

    text = secret("synapse-secrets", DSN=json.dumps(dsn), DB_PASSWORD="'CHANGEME_DB_PASSWORD'")
    deployment = lay_out(text)
    found = entries(every(go_round(deployment), "Secret")["synapse-secrets"])
    assert conninfo_to_dict(found["DSN"])["password"] == deployment.show("synapse-db-password") == found["DB_PASSWORD"]


def test_quotes_within_a_connection_string(lay_out: LayOut) -> None:
    from psycopg.conninfo import conninfo_to_dict

    odd = 'it\'s a \\ "thing" of 3'
    dsn = json.dumps("host=db password='CHANGEME_ODD' user=x")
    answers = MINIMUM + f"placeholders:\n  CHANGEME_ODD: {{value: {json.dumps(odd)}}}\n"
    deployment = lay_out(secret("web", DSN=dsn), answers)
    found = entries(every(go_round(deployment), "Secret")["web"])
    assert conninfo_to_dict(found["DSN"])["password"] == odd


# --- decisions


def test_a_decision_may_be_changed(lay_out: LayOut) -> None:
    files = {f"{name}.yaml": secret(name, TOKEN="CHANGEME_WIDGET") for name in ("one", "two")}
    deployment = lay_out({**files, "turn.yaml": secret("coturn-secrets", TURN_SECRET="CHANGEME_TURN_SECRET")})
    originals = deployment.files()

    def decide(decision: str) -> list[str]:
        answer(deployment, MINIMUM + f"placeholders: {{CHANGEME_WIDGET: {decision}}}\n")
        succeed(deployment.setup("--accept-new-sites"))
        filled = deployment.files()
        assert "No byte was changed" in deployment.setup().out
        succeed(deployment.blank())
        assert deployment.files() == originals
        succeed(deployment.setup())
        assert deployment.files() == filled
        found = every(by_pyyaml(filled), "Secret")
        return [entries(found[name])["TOKEN"] for name in ("one", "two")]

    split, shared = decide("{split: true}"), decide("{generate: password}")
    assert len(set(split)) == 2
    assert len(set(shared)) == 1
    assert min(map(len, split + shared)) >= 40
    assert decide("{same_as: turn-secret}") == [deployment.show("turn-secret")] * 2


def test_keep_leaves_what_stands_there(lay_out: LayOut) -> None:
    text = secret("one", TOKEN="CHANGEME_WIDGET", OTHER="x")
    deployment = lay_out(text, MINIMUM + "placeholders: {CHANGEME_WIDGET: {keep: true}}\n")
    succeed(deployment.setup())
    assert (deployment.tree / "main.yaml").read_text() == text
    assert "No byte was changed" in deployment.setup().out
    succeed(deployment.blank())
    assert (deployment.tree / "main.yaml").read_text() == text


# --- what exists

SIGNING_KEY = "ed25519 a_0001 " + base64.b64encode(bytes(range(32))).decode().rstrip("=")


@pytest.mark.parametrize("text", [
    secret("synapse-secrets", SIGNING_KEY=f"'{SIGNING_KEY}'", FORM_SECRET="CHANGEME", TURN_SECRET="CHANGEME"),
    secret("synapse-secrets", FORM_SECRET="CHANGEME") + f"  signing.key: |\n    {SIGNING_KEY}\n",
    json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "synapse-secrets"},
                "stringData": {"SIGNING_KEY": SIGNING_KEY, "FORM_SECRET": "CHANGEME"}}, indent=2),
], ids=["plain", "yaml", "json"])  # fmt: skip
def test_a_signing_key_that_exists_is_everyones(lay_out: LayOut, text: str) -> None:
    twin = secret("synapse-li-secrets").rstrip("\n") + "\n  signing.key: |\n    CHANGEME_COPY_FROM_MAIN_SIGNING_KEY\n"
    path = "main.json" if text.startswith("{") else "main.yaml"
    deployment = lay_out({path: text, "li.yaml": twin})
    found = entries(every(go_round(deployment), "Secret")["synapse-li-secrets"])
    assert found["signing.key"].strip() == SIGNING_KEY == deployment.show("signing-key")


INSIDE = {
    "env": (".env", "FORM_SECRET=CHANGEME_FORM_SECRET\nSIGNING_KEY=CHANGEME_SIGNING_KEY\nPORT=8008"),
    "json": ("keys.json", '{"form": "CHANGEME_FORM_SECRET", "signing_key": "CHANGEME_SIGNING_KEY", "port": 8008}'),
    "yaml": ("keys.yaml", "form: CHANGEME_FORM_SECRET\nsigning_key: CHANGEME_SIGNING_KEY\nport: 8008"),
}


@pytest.mark.parametrize(("key", "text"), INSIDE.values(), ids=INSIDE)
def test_a_signing_key_beside_other_keys(lay_out: LayOut, key: str, text: str) -> None:
    body = "".join(f"    {line}\n" for line in text.splitlines())
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: synapse-secrets}\nstringData:\n"
    deployment = lay_out(f"{head}  {key}: |\n{body}")
    inner = entries(every(go_round(deployment), "Secret")["synapse-secrets"])[key]
    read = dict(line.partition("=")[::2] for line in inner.splitlines()) if key == ".env" else yaml.safe_load(inner)
    form, signing, port = read.values()
    assert (form, str(port)) == (deployment.show("form-secret"), "8008")
    assert signing.strip().strip("\"'") == deployment.show("signing-key")
    assert len(read_signing_keys([signing.strip().strip("\"'")])) == 1


def test_a_given_secret_that_differs_from_the_trees_is_refused(lay_out: LayOut) -> None:
    deployment = lay_out(secret("livekit-secrets", API_KEY="CHANGEME", API_SECRET="T" * 40), MINIMUM + LIVEKIT)
    originals = deployment.files()
    refused = deployment.setup()
    assert refused.code == 3, refused.text
    assert "livekit-api-secret stands in the tree already" in refused.err
    assert "answers.yaml:4" in refused.err
    assert not deployment.identity.exists()
    assert deployment.files() == originals

    succeed(deployment.setup("--restore"))
    assert entries(every(by_pyyaml(deployment.files()), "Secret")["livekit-secrets"])["API_SECRET"] == GIVEN
    assert "No byte was changed" in deployment.setup().out
    filled = deployment.files()
    succeed(deployment.blank())
    assert deployment.files() == originals
    succeed(deployment.setup("--restore"))
    assert deployment.files() == filled


def test_the_same_secret_given_is_taken(lay_out: LayOut) -> None:
    text = secret("livekit-secrets", API_KEY="CHANGEME", API_SECRET=f'"{GIVEN}"')
    deployment = lay_out(text, MINIMUM + LIVEKIT)
    assert entries(every(go_round(deployment), "Secret")["livekit-secrets"])["API_SECRET"] == GIVEN


def test_a_place_accepted_that_is_none_stops_the_run(lay_out: LayOut) -> None:
    deployment = lay_out(secret("coturn-secrets", TURN_SECRET="CHANGEME"))
    originals = deployment.everything()
    stopped = deployment.setup("--accept-site", "Secret/matrix/coturn-secret:stringData.TURN_SECRET")
    assert stopped.code == 2, stopped.text
    assert "coturn-secret:" in stopped.err
    assert deployment.everything() == originals


def test_a_file_of_the_wizards_own_to_which_a_hand_added_stays(
    lay_out: LayOut, tls_pair: Callable[[list[str]], tuple[str, str]]
) -> None:
    deployment = lay_out(ingress("web", hosts=("matrix.example.com",)))
    certificate, key = tls_pair(["matrix.chat-corp.net"])
    (deployment.answers.parent / "tls.crt").write_text(certificate)
    (deployment.answers.parent / "tls.key").write_text(key)
    given = "tls: {mode: manual, certificate: {file: tls.crt}, private_key: {file: tls.key}}\n"
    answer(deployment, f"domains: {{base: chat-corp.net}}\n{given}")
    originals = deployment.files()
    go_round(deployment)
    (made,) = deployment.files().keys() - originals.keys()
    theirs = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ours}\ndata: {a: b}\n"
    file = deployment.tree / made
    file.write_text(file.read_text() + theirs)
    succeed(deployment.setup())
    filled = deployment.files()
    assert "No byte was changed" in deployment.setup().out
    succeed(deployment.blank())
    assert key.splitlines()[1] not in file.read_text()
    assert every(by_pyyaml(deployment.files()), "ConfigMap")["ours"]["data"] == {"a": "b"}
    assert (deployment.tree / "main.yaml").read_bytes() == originals["main.yaml"]
    succeed(deployment.setup())
    assert deployment.files() == filled


def test_placeholders_that_no_site_can_hold_are_found(lay_out: LayOut) -> None:
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData:\n"
        "  CHANGEME_NAME: x\n  TOKEN: CHANGEME_HIDDEN\n  TOKEN: plain\n"
    )
    deployment = lay_out(text)
    (deployment.tree / "main.yaml").chmod(0o600)  # what stands there counts as a secret that others read, else
    lost = ("key-twice", "main.yaml", 7)
    assert found_ids(deployment) == [("placeholder-left", "main.yaml", 5), ("placeholder-left", "main.yaml", 6), lost]
