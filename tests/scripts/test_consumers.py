"""The filled manifests, read by what will read them: bash, json, signedjson, openssl, bcrypt, Synapse's own rules."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import bcrypt
import pytest
import yaml
from signedjson.key import get_verify_key, read_signing_keys
from signedjson.sign import sign_json, verify_signed_json

from .conftest import EVERYTHING, RANGES, SMTP_PASSWORD, TREES, Filled
from .faults import errors
from .reading import by_pyyaml, entries, every
from .runs import Deployment

NGINX = "nginx.ingress.kubernetes.io/"
ALLOW_LISTS = {f"{NGINX}whitelist-source-range", f"{NGINX}allowlist-source-range"}
ISSUER = "cert-manager.io/cluster-issuer"
# The ingresses of the twin; every other one is main's.
LI_INGRESSES = {
    "bundled": {"synapse-li", "element-web-li", "synapse-admin-li"},
    "checklist": {"synapse-li", "element-web-li", "synapse-admin-li"},
    "dress": {"synapse-li", "element-li", "synapse-admin-li"},
}
SECRETS_OF_THE_TWIN = ["macaroon-secret", "registration-secret", "form-secret"]


def test_bash_sources_the_storage_configuration(full: Filled) -> None:
    config = entries(secrets(full)["minio-config"])["config.env"]
    script = f'{config}\nprintf %s "$MINIO_ROOT_PASSWORD"'
    printed = subprocess.run(["bash", "-u"], input=script, text=True, capture_output=True, check=True).stdout
    assert len(printed) == 40
    assert printed == full.values["minio-root-password"]


def test_json_reads_the_web_clients_and_the_service_account(full: Filled) -> None:
    clients = {
        name: json.loads(text)
        for name, each in every(by_pyyaml(full.deployment.files()), "ConfigMap").items()
        for key, text in each["data"].items()
        if key == "config.json" and "default_server_config" in text
    }
    hosts = {name: each["default_server_config"]["m.homeserver"] for name, each in clients.items()}
    main, li = sorted(hosts, key=lambda name: name.endswith("li") or "-li" in name)
    assert hosts[main] == {"base_url": "https://matrix.chat-corp.net", "server_name": "chat-corp.net"}
    assert hosts[li] == {"base_url": "https://matrix-li.chat-corp.net", "server_name": "chat-corp.net"}
    given = json.loads((full.deployment.answers.parent / "fcm.json").read_text())
    accounts = [
        json.loads(text) for each in secrets(full).values() for text in entries(each).values() if "client_x" in text
    ]
    assert accounts == ([] if full.tree == "dress" else [given])


def test_both_instances_sign_with_one_key(full: Filled) -> None:
    lines = [entries(secrets(full)[name])["signing.key"] for name in ("synapse-secrets", "synapse-li-secrets")]
    assert lines[0].strip() == lines[1].strip() == full.values["signing-key"].strip()
    (main,), (li,) = (read_signing_keys([text.strip()]) for text in lines)
    assert all(read_signing_keys(text.splitlines()) for text in lines)  # as Synapse reads the file
    signed = sign_json({"by": "main"}, "chat-corp.net", main)
    verify_signed_json(signed, "chat-corp.net", get_verify_key(li))
    assert main.version.startswith("a_")


def test_openssl_reads_the_key_of_the_key_vault(full: Filled) -> None:
    pem = next(text for key, text in entries(secrets(full)["key-vault-secrets"]).items() if "RSA" in key.upper())
    checked = openssl("pkey", "-check", "-noout", text=pem)
    assert "valid" in checked
    assert "2048 bit" in openssl("pkey", "-noout", "-text", text=pem)


def test_openssl_reads_the_push_key(full: Filled) -> None:
    keys = [text for each in secrets(full).values() for key, text in entries(each).items() if ".p8" in key]
    assert len(keys) == (full.tree != "dress")
    given = (full.deployment.answers.parent / "AuthKey.p8").read_text()
    for key in keys:
        assert openssl("pkey", "-pubout", text=key) == openssl("pkey", "-pubout", text=given)


def test_bcrypt_knows_the_shown_password(full: Filled) -> None:
    user, _, digest = entries(secrets(full)["synapse-admin-auth"])["auth"].strip().partition(":")
    assert user == "admin"
    assert digest.startswith("$2y$10$")
    assert bcrypt.checkpw(full.deployment.show("li-admin-password").encode(), digest.encode())
    assert not bcrypt.checkpw(b"another", digest.encode())


def test_the_homeservers_share_a_name_and_have_addresses_of_their_own(full: Filled) -> None:
    main, li = homeservers(full.deployment)
    assert main["server_name"] == li["server_name"] == "chat-corp.net"
    assert main["public_baseurl"].rstrip("/") == "https://matrix.chat-corp.net"
    assert li["public_baseurl"].rstrip("/") == "https://matrix-li.chat-corp.net"
    assert "email" not in li
    assert main["turn_uris"]
    assert all("turn.chat-corp.net" in uri for uri in main["turn_uris"])


def test_synapse_gets_the_mail_options_with_the_password_as_given(full: Filled) -> None:
    mail = mail_block(full.deployment)
    assert mail["smtp_pass"] == SMTP_PASSWORD
    assert mail["smtp_host"] == "mail.chat-corp.net"
    assert mail["smtp_user"] == "robot@chat-corp.net"
    assert mail["notif_from"] == "Chat of Corp <robot@chat-corp.net>"
    assert as_synapse_reads(mail) == ("starttls required", 2525)


@pytest.mark.parametrize(
    ("security", "meaning"), [("starttls", "starttls required"), ("tls", "tls"), ("none", "plain")]
)
def test_each_kind_of_smtp_security_means_what_it_says(full: Filled, security: str, meaning: str) -> None:
    changed = full.deployment.setup("--set", f"smtp.security={security}")
    assert changed.code == 0, changed.err
    assert as_synapse_reads(mail_block(full.deployment))[0] == meaning


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_a_port_that_is_not_given_follows_the_security(
    empty: Callable[..., Deployment], security: str, port: int
) -> None:
    answers = EVERYTHING.replace("  port: 2525\n", "").replace("security: starttls", f"security: {security}")
    deployment = empty("dress", answers=answers)
    assert deployment.setup().code == 0
    assert as_synapse_reads(mail_block(deployment))[1] == port


def test_a_server_without_authentication_gets_no_user_and_no_password(empty: Callable[..., Deployment]) -> None:
    answers = EVERYTHING.replace("user: robot@chat-corp.net", 'user: ""').replace(
        "  password: {file: smtp-password.txt}\n", ""
    )
    for tree in ("checklist", "dress"):
        deployment = empty(tree, answers=answers)
        done = deployment.setup()
        assert done.code == 0, done.err
        assert not {"smtp_user", "smtp_pass"} & mail_block(deployment).keys()
        assert errors(deployment.run("check", "--json").data, tree) == []


def test_every_ingress_of_the_twin_has_one_allow_list_with_the_given_ranges(full: Filled) -> None:
    ingresses = every(by_pyyaml(full.deployment.files()), "Ingress")
    assert ingresses.keys() >= LI_INGRESSES[full.tree]
    for name, ingress in ingresses.items():
        lists = [text for key, text in annotations_of(ingress).items() if key in ALLOW_LISTS]
        if name in LI_INGRESSES[full.tree]:
            assert [[item.strip() for item in text.split(",")] for text in lists] == [RANGES], name
        else:
            assert lists == [], name


def test_the_admin_page_of_the_twin_asks_for_a_password(full: Filled) -> None:
    ingresses = every(by_pyyaml(full.deployment.files()), "Ingress")
    for name, ingress in ingresses.items():
        auth = {key: text for key, text in annotations_of(ingress).items() if key.startswith(f"{NGINX}auth-")}
        if name == "synapse-admin-li":
            realm = auth.pop(f"{NGINX}auth-realm")
            assert realm
            assert auth == {f"{NGINX}auth-type": "basic", f"{NGINX}auth-secret": "synapse-admin-auth"}
        else:
            assert not auth, name


@pytest.mark.parametrize("mode", ["letsencrypt", "letsencrypt-staging", "selfsigned"])
def test_every_ingress_names_the_issuer_of_the_mode(full: Filled, mode: str) -> None:
    changed = full.deployment.setup("--set", f"tls.mode={mode}")
    assert changed.code == 0, changed.err
    objects = by_pyyaml(full.deployment.files())
    wanted = {"letsencrypt": "letsencrypt-prod"}.get(mode, mode)
    found = {name: annotations_of(each).get(ISSUER) for name, each in every(objects, "Ingress").items()}
    assert found == dict.fromkeys(found, wanted)
    if mode != "selfsigned" or full.tree == "bundled":
        assert wanted in every(objects, "ClusterIssuer")


Pair = Callable[[list[str]], tuple[str, str]]
MANUAL = "mode: manual\n  certificate: {file: tls.crt}\n  private_key: {file: tls.key}"


def test_given_certificates_take_the_issuers_place_and_give_it_back(full: Filled, tls_pair: Pair) -> None:
    before = full.deployment.files()
    bring_certificate(full.deployment, tls_pair)
    done = full.deployment.setup()
    assert done.code == 0, done.err
    assert_manual(full.deployment)
    again = full.deployment.setup()
    assert "No byte was changed." in again.out, again.text
    full.deployment.answers.write_text(EVERYTHING)
    back = full.deployment.setup()
    assert back.code == 0, back.err
    after = full.deployment.files()
    assert {path for path in after if ".matrix-wizard" not in path} == {
        path for path in before if ".matrix-wizard" not in path
    }
    ingresses = every(by_pyyaml(after), "Ingress")
    assert {annotations_of(each).get(ISSUER) for each in ingresses.values()} == {"letsencrypt-staging"}
    assert {path for path in before if b"Ingress" not in before[path] and after.get(path) != before[path]} == set()


@pytest.mark.parametrize("tree", TREES)
def test_given_certificates_from_the_start(empty: Callable[..., Deployment], tls_pair: Pair, tree: str) -> None:
    deployment = empty(tree, "everything")
    before = deployment.everything() if tree != "bundled" else {}
    bring_certificate(deployment, tls_pair)
    done = deployment.setup()
    assert done.code == 0, done.err
    assert_manual(deployment)
    assert deployment.blank().code == 0
    assert [path for path in before if deployment.files().get(path) != before[path]] == []


def bring_certificate(deployment: Deployment, tls_pair: Pair) -> None:
    hosts = ["matrix", "element", "livekit", "turn", "matrix-li", "element-li", "admin-li"]
    certificate, key = tls_pair(["chat-corp.net", *(f"{host}.chat-corp.net" for host in hosts)])
    (deployment.answers.parent / "tls.crt").write_text(certificate)
    (deployment.answers.parent / "tls.key").write_text(key)
    deployment.answers.write_text(EVERYTHING.replace("mode: letsencrypt-staging", MANUAL))


def assert_manual(deployment: Deployment) -> None:
    objects = by_pyyaml(deployment.files())
    for name, ingress in every(objects, "Ingress").items():
        assert ISSUER not in annotations_of(ingress), name
        assert {each["secretName"] for each in ingress["spec"]["tls"]} == {"matrix-tls"}, name
        covered = {host for each in ingress["spec"]["tls"] for host in each["hosts"]}
        assert covered == {rule["host"] for rule in ingress["spec"]["rules"]}, name
    pair = entries(every(objects, "Secret")["matrix-tls"])
    public = openssl("x509", "-pubkey", "-noout", text=pair["tls.crt"])
    assert public == openssl("pkey", "-pubout", text=pair["tls.key"])


def test_the_rest_of_the_answers_arrives(full: Filled) -> None:
    objects = by_pyyaml(full.deployment.files())
    clusters = every(objects, "Cluster")
    kept = {"li" if "li" in name.split("-") else "main": each["spec"]["backup"]["retentionPolicy"]
            for name, each in clusters.items()}  # fmt: skip
    assert kept == {"main": "14d", "li": "90d"}
    assert {each["spec"]["storage"]["storageClass"] for each in clusters.values()} == {"ceph-block"}
    pools = every(objects, "Tenant")
    assert {pool["volumeClaimTemplate"]["spec"]["storageClassName"]
            for each in pools.values() for pool in each["spec"]["pools"]} == {"ceph-block"}  # fmt: skip
    if full.tree == "bundled":
        (metallb,) = every(objects, "IPAddressPool").values()
        assert metallb["spec"]["addresses"] == ["185.60.113.32/28"]


def test_what_must_differ_differs(full: Filled) -> None:
    masked = full.hidden - {"li-allowed-cidrs"}
    texts = [full.values[name] for name in sorted(masked)]
    assert len(texts) >= 20
    assert len(set(texts)) == len(texts)
    for name in SECRETS_OF_THE_TWIN:
        assert full.values[name] != full.values[f"li-{name}"]


def test_two_runs_make_different_secrets(full: Filled, empty: Callable[..., Deployment]) -> None:
    other = empty(full.tree, "everything")
    assert other.setup().code == 0
    given = {"smtp-password", "apns-key", "fcm-service-account", "li-allowed-cidrs"}
    assert [name for name in full.hidden - given if other.show(name) == full.values[name]] == []


def secrets(filled: Filled) -> dict[str, Any]:
    return every(by_pyyaml(filled.deployment.files()), "Secret")


def annotations_of(ingress: Any) -> dict[str, str]:
    return ingress["metadata"].get("annotations") or {}


def homeservers(deployment: Deployment) -> tuple[Any, Any]:
    """Return the configurations of main's and of LI's Synapse."""
    found = {
        name: yaml.safe_load(each["data"]["homeserver.yaml"])
        for name, each in every(by_pyyaml(deployment.files()), "ConfigMap").items()
        if "homeserver.yaml" in each["data"]
    }
    (li,) = (each for name, each in found.items() if "-li" in name)
    (main,) = (each for name, each in found.items() if "-li" not in name)
    return main, li


def mail_block(deployment: Deployment) -> Any:
    """Return main's ``email:`` block: in its configuration, or in a second file that a Secret holds."""
    main, _ = homeservers(deployment)
    if "email" in main:
        return main["email"]
    every_text = (
        text for each in every(by_pyyaml(deployment.files()), "Secret").values() for text in entries(each).values()
    )
    (mail,) = (yaml.safe_load(text)["email"] for text in every_text if "smtp_host" in text)
    return mail


def as_synapse_reads(mail: Any) -> tuple[str, int]:
    """Return what Synapse makes of the options (synapse/config/emailconfig.py), or fail as it does at its start."""
    force, enable = mail.get("force_tls", False), mail.get("enable_tls", True)
    require = mail.get("require_transport_security", False)
    assert all(isinstance(option, bool) for option in (force, enable, require))
    assert enable or not (force or require), "email.require_transport_security requires email.enable_tls to be true"
    port = mail.get("smtp_port", 465 if force else 25)
    assert isinstance(port, int)
    if force:
        return "tls", port
    return ("starttls required" if require else "starttls if offered" if enable else "plain"), port


def openssl(*arguments: str, text: str) -> str:
    return subprocess.run(["openssl", *arguments], input=text, text=True, capture_output=True, check=True).stdout
