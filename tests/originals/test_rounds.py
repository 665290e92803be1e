"""Setup after setup under changing answers, and blank from each of them: always the bytes that stood there first."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from wizard import plan
from wizard.answers import Answers
from wizard.filling import Consent
from wizard.secret import Secret
from wizard.structure import Tree
from wizard.vault import Vault

NGINX = "nginx.ingress.kubernetes.io/"
ISSUER = "cert-manager.io/cluster-issuer"
RANGES = ("185.60.112.0/24", "2a02:ec80:300::/48")
BASE: dict[str, Any] = {
    "domains.base": "example-chat.org",
    "domains.server_name": "example-chat.org",
    "lawful_intercept.allowed_cidrs": RANGES,
    "tls.email": "ops@example-chat.org",
}

RULES = "  rules:\n    - host: matrix-li.example.com\n"
INGRESSES = {
    "block": (
        "  annotations:\n"
        f"    # {ISSUER}: letsencrypt-staging\n"
        f"    {ISSUER}: letsencrypt-staging # for now\n"
        f"    {NGINX}whitelist-source-range: YOUR_LAW_ENFORCEMENT_IPS\n",
        "  tls:\n    - hosts: [matrix-li.example.com]\n      secretName: own-tls\n" + RULES,
    ),
    "commented": (
        f"  annotations:\n    # {NGINX}whitelist-source-range: YOUR_LAW_ENFORCEMENT_IPS\n    # {ISSUER}: selfsigned\n",
        "  # tls:\n  #   - secretName: x\n" + RULES,
    ),
    "flow": (
        f'  annotations: {{ {ISSUER}: own, "{NGINX}allowlist-source-range": YOUR_LAW_ENFORCEMENT_IPS }}\n',
        "  tls: [{hosts: [matrix-li.example.com], secretName: own-tls}]\n" + RULES,
    ),
    "nothing": ("", RULES),
    "both lists": (
        f"  annotations:\n    {NGINX}whitelist-source-range: a\n    {NGINX}allowlist-source-range: b\n",
        RULES,
    ),
}


def ingress(shape: str) -> str:
    annotations, spec = INGRESSES[shape]
    return f"kind: Ingress\nmetadata:\n  name: synapse-li\n{annotations}spec:\n{spec}"


def answers(more: dict[str, Any]) -> Answers:
    made = Answers()
    for key, value in {**BASE, **more}.items():
        made = made.with_answer(key, value)
    return made


ADMIN = {
    "kind": "List",
    "items": [
        {
            "metadata": {"name": "synapse-admin-li", "annotations": {ISSUER: "own"}},
            "kind": "Ingress",
            "spec": {"rules": []},
        }
    ],
}


class Rounds:
    """One tree and its vault, through one setup after another."""

    def __init__(self, files: dict[str, str]) -> None:
        self.first = {path: text.encode() for path, text in files.items()}
        self.files, self.vault = dict(self.first), Vault("0" * 32, ())

    def setup(self, **more: Any) -> dict[str, list[Any]]:
        given = answers({key.replace("__", "."): value for key, value in more.items()})
        for _ in range(2):
            made = plan.fill(Tree(self.files), given, self.vault, Consent(), "2026-01-01T00:00:00+00:00")
            again = {path: data for path, data in made.after.items() if data != self.files.get(path)}
            self.files.update({path: data for path, data in made.after.items() if data is not None})
            before, self.vault = self.vault, made.vault
        assert not again, "a second run changes no byte"
        assert self.vault == before, "nor what is kept"
        assert self.blank() == self.first
        return {path: list(yaml.load_all(data, Loader=yaml.CSafeLoader)) for path, data in self.files.items()}

    def blank(self) -> dict[str, bytes]:
        made = plan.take_back(Tree(self.files), self.vault)
        assert not made.notes
        return {**self.files, **{path: data for path, data in made.after.items() if data is not None}}


MODES = ("letsencrypt", "letsencrypt-staging", "selfsigned", "manual")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("shape", [*INGRESSES, "json"])
def test_modes_switched_to_and_fro(shape: str, newline: str) -> None:
    text = json.dumps(yaml.safe_load(ingress("block")), indent=1) if shape == "json" else ingress(shape)
    rounds = Rounds({"li.yaml": text.replace("\n", newline)})
    before = yaml.safe_load(text)["spec"].get("tls")
    for mode in ("letsencrypt", "manual", "letsencrypt-staging", "manual", "manual", "selfsigned", "letsencrypt"):
        (after,) = rounds.setup(tls__mode=mode)["li.yaml"]
        found = after["metadata"]["annotations"]
        lists = [value for key, value in found.items() if key.endswith("source-range")]
        assert lists == [", ".join(RANGES)]
        own = [each["secretName"] for each in before or ()]
        if mode == "manual":
            assert ISSUER not in found
            assert [each["secretName"] for each in after["spec"]["tls"]] == ["matrix-tls"]
        else:
            assert found[ISSUER] == {"letsencrypt": "letsencrypt-prod"}.get(mode, mode)
            assert [each["secretName"] for each in after["spec"].get("tls", ())] == own
        assert all(each["hosts"] == ["matrix-li.example-chat.org"] for each in after["spec"].get("tls", ()))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(INGRESSES)), st.lists(st.sampled_from(MODES), max_size=5))
def test_any_way_through_the_modes(shape: str, modes: list[str]) -> None:
    rounds = Rounds({"li.yaml": ingress(shape)})
    for mode in modes:
        rounds.setup(tls__mode=mode)


@pytest.mark.parametrize("indent", [None, 2])
def test_json_stays_json(indent: int | None) -> None:
    rounds = Rounds({"li.json": json.dumps(ADMIN, indent=indent)})
    for mode in ("manual", "letsencrypt", "manual"):
        rounds.setup(tls__mode=mode, lawful_intercept__admin_user="admin")
        (found,) = json.loads(rounds.files["li.json"])["items"]
        assert (ISSUER in found["metadata"]["annotations"]) is (mode != "manual")
        assert f"{NGINX}auth-type" in found["metadata"]["annotations"]


def test_no_original_holds_what_was_filled_in() -> None:
    rounds = Rounds({"li.yaml": ingress("flow")})
    rounds.setup()
    rounds.setup(tls__mode="manual")
    assert not [each for each in rounds.vault.records if RANGES[0] in each.original]


MAIL = "server_name: matrix.example.com\n%sreport_stats: false\n"
BLOCKS = {
    "active": "email:\n  smtp_host: smtp.example.com\n  smtp_port: 587\n  smtp_user: matrix@example.com\n"
    "  smtp_pass: YOUR_SMTP_PASSWORD\n  enable_tls: true\n  require_transport_security: true\n  force_tls: false\n"
    "  notif_from: x\n",
    "commented": '# email:\n#   smtp_host: "smtp.example.com"\n#   smtp_pass: "YOUR_SMTP_PASSWORD"\n#   app_name: x\n',
    "absent": "",
}


@pytest.mark.parametrize("style", ["|", "|-", '"'])
@pytest.mark.parametrize("shape", BLOCKS)
def test_mail_with_a_user_without_and_with_one_again(shape: str, style: str) -> None:
    inner = MAIL % BLOCKS[shape]
    lines = "".join(f"    {line}\n" for line in inner.splitlines())
    body = json.dumps(inner) + "\n" if style == '"' else f"{style}\n{lines}"
    rounds = Rounds(
        {"a.yaml": f"kind: ConfigMap\nmetadata: {{name: synapse-config}}\ndata:\n  homeserver.yaml: {body}"}
    )
    mail = {"smtp": True, "smtp__host": "mail.example-chat.org", "smtp__port": 587, "smtp__from": "Chat <a@b.c>"}
    user = {"smtp__user": "joe", "smtp__password": Secret("correct:horse #1 'x\"")}
    for more in ({}, user, {}, user):
        (after,) = rounds.setup(**mail, **more)["a.yaml"]
        email = yaml.safe_load(after["data"]["homeserver.yaml"])["email"]
        assert (email["smtp_host"], email["notif_from"]) == ("mail.example-chat.org", "Chat <a@b.c>")
        assert email.get("smtp_user") == ("joe" if more else None)
        assert email.get("smtp_pass") == ("correct:horse #1 'x\"" if more else None)
        assert not [each for each in rounds.vault.records if "horse" in each.original]


def test_a_structure_within_another_goes_with_it() -> None:
    rounds = Rounds({"li.yaml": "kind: Ingress\nmetadata: {name: synapse-li}\nspec: {rules: []}\n"})
    for mode in ("letsencrypt", "manual", "letsencrypt"):
        rounds.setup(tls__mode=mode)


def test_the_twins_of_one_line_in_one_file_are_told_apart() -> None:
    text = "".join(f"{ingress('block').replace('synapse-li', name)}---\n" for name in ("a-li", "b-li", "c"))
    rounds = Rounds({"li.yaml": text})
    for mode in ("letsencrypt", "manual", "selfsigned"):
        documents = rounds.setup(tls__mode=mode)["li.yaml"]
        assert len({json.dumps(each["metadata"]["annotations"]) for each in documents[:2]}) == 1


def test_other_answers_come_and_go() -> None:
    rounds = Rounds(
        {
            "a.yaml": "kind: PersistentVolumeClaim\nmetadata: {name: a}\nspec:\n  # storageClassName: x\n"
            "  resources: {}\n",
            "b.yaml": "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: p}\nspec:\n  addresses:\n"
            "  - CHANGEME_METALLB_POOL # ours\n  autoAssign: true\n",
            "c.yaml": "kind: Deployment\nmetadata: {name: coturn}\n"
            "spec: {template: {spec: {containers: [{name: t, env: [{name: EXTERNAL_IP,\n"
            " valueFrom: {fieldRef: {fieldPath: status.hostIP}}}]}]}}}\n",
        }
    )
    pool = ("10.20.0.0/24", "10.30.0.1-10.30.0.9", "2a02:ec80:300::/64")
    for number in (1, 3, 2, 0, 2):
        more: dict[str, Any] = {"network__metallb_pool": pool[:number]} if number else {}
        if number > 1:
            more |= {"storage__class": f"fast-{number}", "turn__external_ip": f"185.60.112.{number}"}
        found = rounds.setup(**more)
        assert found["b.yaml"][0]["spec"]["addresses"] == (list(pool[:number]) or ["CHANGEME_METALLB_POOL"])
        assert found["a.yaml"][0]["spec"].get("storageClassName") == more.get("storage__class")
        (env,) = found["c.yaml"][0]["spec"]["template"]["spec"]["containers"][0]["env"]
        assert ("valueFrom" in env, env.get("value")) == (number < 2, more.get("turn__external_ip"))


@pytest.mark.parametrize("comment", ["", f"\n    # {NGINX}whitelist-source-range: x"])
def test_lines_put_below_the_last_one_since_are_kept(comment: str) -> None:
    text = "kind: Ingress\nspec:\n  rules: []\nmetadata:\n  name: synapse-li\n  annotations:"
    rounds = Rounds({"li.yaml": text + comment})
    rounds.setup()
    rounds.files["li.yaml"] += b"\n  labels: {a: b}\n"
    assert rounds.blank()["li.yaml"] == rounds.first["li.yaml"] + b"\n  labels: {a: b}\n"


def test_what_was_enabled_by_hand_is_commented_out_again() -> None:
    rounds = Rounds({"li.yaml": ingress("block")})
    rounds.setup(tls__mode="manual")
    older = f"    # {ISSUER}: letsencrypt-staging\n".encode()
    for path in (rounds.files, rounds.first):
        path["li.yaml"] = path["li.yaml"].replace(older, b"", 1)
    rounds.files["li.yaml"] = rounds.files["li.yaml"].replace(f"# {ISSUER}".encode(), ISSUER.encode())
    rounds.setup(tls__mode="manual")


def test_what_is_gone_is_reported_and_nothing_is_guessed() -> None:
    rounds = Rounds({"li.yaml": ingress("block")})
    rounds.setup(tls__mode="manual")
    text = rounds.files["li.yaml"].replace(b"# for now", b"")
    rounds.files["li.yaml"] = b"".join(line for line in text.splitlines(keepends=True) if b"issuer" not in line)
    made = plan.take_back(Tree(rounds.files), rounds.vault)
    assert len(made.notes) == 1
    assert b"issuer" not in (made.after["li.yaml"] or b"")


def test_a_moved_object_is_found() -> None:
    rounds = Rounds({"li.yaml": ingress("commented"), "z.yaml": "kind: ConfigMap\nmetadata: {name: z}\n"})
    rounds.setup()
    rounds.files = {"li.yaml": b"", "z.yaml": rounds.files["z.yaml"] + b"---\n" + rounds.files["li.yaml"]}
    rounds.vault = replace(rounds.vault)
    assert rounds.blank()["z.yaml"] == rounds.first["z.yaml"] + b"---\n" + rounds.first["li.yaml"]
