"""Trees that hold real secrets already: whatever becomes of those, no output and no record shows one of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from .conftest import MINIMUM
from .reading import by_pyyaml, entries, every
from .runs import Deployment, Run
from .small import laid_out

SMTP = "smtp: {host: mail.chat-corp.net, user: robot, password: {file: given.txt}, from: robot@chat-corp.net}\n"
GIVEN = "Given-by-a-person/42"
REAL = {
    "db": "RealDatabasePassw0rd",
    "boss": "Ask-your-boss-77Xq",
    "form": "RealFormSecret-9Z",
    "turn": "Realturnsecret-TT41",
    "livekit": "RealLiveKitSecret" * 3,
    "mail": "changeme?No-thisIsReal7!",
    "ranges": "91.198.174.192/28",
    "second range": "2a02:ec80:300::/48",
}
NOTES = "nginx.ingress.kubernetes.io/whitelist-source-range"
FILES = {
    "secrets.yaml": f"""\
apiVersion: v1
kind: Secret
metadata: {{name: synapse-secrets, namespace: matrix}}
stringData:
  DB_PASSWORD: "{REAL["boss"]}"  # CHANGEME
  FORM_SECRET: {REAL["form"]}
  MACAROON_SECRET: CHANGEME_MACAROON_SECRET
  REDIS_PASSWORD: CHANGEME_REDIS_PASSWORD # of all three
---
apiVersion: v1
kind: Secret
metadata: {{name: coturn-secrets, namespace: matrix}}
data:
  TURN_SECRET: {base64.b64encode(REAL["turn"].encode()).decode()}
---
apiVersion: v1
kind: Secret
metadata: {{name: key-vault-secrets, namespace: matrix}}
stringData:
  password: CHANGEME_KEY_VAULT_DB_PASSWORD
  DB_PASSWORD: "{REAL["db"]}"  # CHANGEME
""",
    "livekit.yaml": f"""\
apiVersion: v1
kind: Secret
metadata: {{name: livekit-secrets, namespace: matrix}}
stringData: {{API_KEY: CHANGEME_LIVEKIT_API_KEY, API_SECRET: {REAL["livekit"]}}}
""",
    "mail.yaml": f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: synapse-config, namespace: matrix}}
data:
  homeserver.yaml: |
    server_name: matrix.example.com
    email:
      smtp_host: smtp.example.com
      smtp_user: robot
      smtp_pass: "{REAL["mail"]}"  # CHANGEME
      notif_from: robot@example.com
""",
    "li-instance/web.yaml": f"""\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: synapse-li
  annotations:
    {NOTES}: "{REAL["ranges"]},{REAL["second range"]}"
spec: {{rules: [{{host: matrix-li.example.com}}]}}
""",
}
LIVEKIT = "livekit: {}\n"


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    made = Deployment(tmp_path / "home")
    for path, text in FILES.items():
        (made.tree / path).parent.mkdir(parents=True, exist_ok=True)
        (made.tree / path).write_text(text, "utf-8")
    made.answers.parent.mkdir()
    made.answers.write_text(MINIMUM + SMTP + LIVEKIT)
    (made.answers.parent / "given.txt").write_text(f"{GIVEN}\n")
    return made


def leaks(runs: Mapping[str, Run], deployment: Deployment, more: Mapping[str, str]) -> list[str]:
    """Return where a real secret, or a line's worth of one, can be read: in any run's output or in the record."""
    lock = deployment.state / "sites.lock"
    texts = {name: run.text for name, run in runs.items()}
    texts |= {"sites.lock": lock.read_text("utf-8")} if lock.exists() else {}
    pieces = {
        name: {secret, base64.b64encode(secret.encode()).decode()}
        for name, secret in {**REAL, "given": GIVEN, **more}.items()
    }
    return [
        f"{name} in {at}"
        for at, text in texts.items()
        for name, both in pieces.items()
        if any(each in text for each in both)
    ]


def watched(deployment: Deployment, *options: str) -> dict[str, Run]:
    """Run everything that shows something and writes nothing."""
    return {
        "plan": deployment.plan(*options),
        "plan --json": deployment.plan("--json", *options),
        "setup -n": deployment.setup("-n", *options),
        "check": deployment.run("check"),
        "check --json": deployment.run("check", "--json"),
    }


def taken_back(deployment: Deployment) -> dict[str, Run]:
    return {
        "show": deployment.run("show"),
        "show --json": deployment.run("show", "--json"),
        "blank -n": deployment.run("blank", "-n"),
        "blank -n --json": deployment.run("blank", "-n", "--json"),
    }


def test_what_a_tree_held_before_is_shown_nowhere(deployment: Deployment) -> None:
    runs = watched(deployment, "--restore")
    runs["refused"] = deployment.setup("--json")
    assert runs["refused"].code == 3, "the given mail password is not the tree's"
    runs["setup --json"] = deployment.setup("--json", "--restore")
    assert runs["setup --json"].code == 0, runs["setup --json"].err
    made = {name: deployment.show(name) for name in ("macaroon-secret", "redis-password")}
    runs |= {f"later {name}": run for name, run in (watched(deployment) | taken_back(deployment)).items()}
    assert [name for name, run in runs.items() if run.code not in (0, 1) and name != "refused"] == []
    assert all(run.text for run in runs.values())
    assert runs["setup --json"].data["diff"]
    assert leaks(runs, deployment, made) == []

    other = {"lawful_intercept.allowed_cidrs": "[203.0.114.0/24]", "lawful_intercept.admin_user": "officer"}
    options = [f"--set={key}={text}" for key, text in other.items()]
    more = watched(deployment, *options) | {"new ranges": deployment.setup("--json", *options)}
    more["without mail"] = deployment.setup("--set", "smtp=null")
    more["without mail -n"] = deployment.plan("--json", "--set", "smtp=null")
    more |= {"blank --json": deployment.run("blank", "--json", "--no-input", "-y"), "after": deployment.run("check")}
    assert leaks(more, deployment, {**made, "new range": "203.0.114.0"}) == []


def test_what_a_tree_held_before_is_put_back(deployment: Deployment) -> None:
    originals = deployment.files()
    assert deployment.setup("--restore").code == 0
    filled = deployment.files()
    assert yaml.safe_load(by_pyyaml(filled)["mail.yaml"][0]["data"]["homeserver.yaml"])["email"]["smtp_pass"] == GIVEN
    assert "No byte was changed" in deployment.setup().out
    assert deployment.blank().code == 0
    assert deployment.files() == originals
    assert deployment.setup("--restore").code == 0
    assert deployment.files() == filled


ADOPTED = {
    "synapse-db-password": "boss",
    "form-secret": "form", "turn-secret": "turn", "livekit-api-secret": "livekit",
    "key-vault-db-password": "db",
}  # fmt: skip


def test_what_is_real_is_adopted_and_not_replaced(deployment: Deployment) -> None:
    done = deployment.setup("--restore")
    assert done.code == 0, done.err
    assert {name: deployment.show(name) for name in ADOPTED} == {name: REAL[key] for name, key in ADOPTED.items()}
    secrets = every(by_pyyaml(deployment.files()), "Secret")
    assert entries(secrets["synapse-secrets"])["DB_PASSWORD"] == REAL["boss"]
    assert entries(secrets["coturn-secrets"])["TURN_SECRET"] == REAL["turn"]
    assert entries(secrets["livekit-secrets"])["API_SECRET"] == REAL["livekit"]
    assert entries(secrets["key-vault-secrets"]) == dict.fromkeys(("password", "DB_PASSWORD"), REAL["db"])


@pytest.mark.parametrize(
    "text",
    ["An-edit-with-changeme-in-1t", "changeme.Or-not", "Edited-then-CHANGEME.5x"],
    ids=["within", "first", "last"],
)
@pytest.mark.parametrize("name", ["macaroon-secret", "redis-password"])
def test_an_edit_by_hand_is_shown_nowhere(deployment: Deployment, name: str, text: str) -> None:
    assert deployment.setup("--restore").code == 0
    deployment.edit("secrets.yaml", deployment.show(name), text)
    edited = deployment.files()
    refused = deployment.setup()
    assert refused.code == 3, refused.text
    assert "--adopt" in refused.err
    assert deployment.files() == edited
    runs = {"refused": refused, **taken_back(deployment)}
    for option in ("--adopt", "--restore"):
        runs |= {f"{each} {option}": run for each, run in watched(deployment, option).items()}
    runs["adopted"] = deployment.setup("--json", "--adopt")
    assert runs["adopted"].code == 0, runs["adopted"].err
    assert deployment.show(name) == text
    runs |= {f"{each}, later": run for each, run in taken_back(deployment).items()}
    assert leaks(runs, deployment, {"edit": text}) == []


def test_a_mail_password_that_reads_like_a_placeholder(deployment: Deployment) -> None:
    password = "my changeme 4 (CHANGEME_SMTP_PASSWORD)"
    (deployment.answers.parent / "given.txt").write_text(f"{password}\n")
    runs = watched(deployment, "--restore") | {"setup --json": deployment.setup("--json", "--restore")}
    assert runs["setup --json"].code == 0, runs["setup --json"].err
    configuration = by_pyyaml(deployment.files())["mail.yaml"][0]["data"]["homeserver.yaml"]
    assert yaml.safe_load(configuration)["email"]["smtp_pass"] == password
    filled = deployment.files()
    runs |= {f"{each}, later": run for each, run in watched(deployment).items()} | taken_back(deployment)
    runs["again"] = deployment.setup()
    assert "No byte was changed" in runs["again"].out
    assert deployment.files() == filled
    runs["without"] = deployment.setup("--set", "smtp=null")
    assert runs["without"].code == 0, runs["without"].err
    assert leaks(runs, deployment, {"password": password}) == []


@pytest.mark.parametrize("style", ["{}", '"{}"', "'{}'", "|-\n    {}"], ids=["plain", "double", "single", "literal"])
def test_a_real_secret_under_a_call_to_change_it(tmp_path: Path, style: str) -> None:
    made = Deployment(tmp_path / "home")
    made.tree.mkdir(parents=True)
    made.answers.parent.mkdir()
    made.answers.write_text(MINIMUM)
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: coturn-secrets}\nstringData:\n"
    # The spelling in the comment is of the very value that the entry holds.
    (made.tree / "a.yaml").write_text(
        f"{head}  # CHANGEME_TURN_SECRET, before you go on\n  TURN_SECRET: {style.format(REAL['turn'])}\n"
        "  TURN_PASSWORD: CHANGEME\n"
    )
    before = made.files()
    runs = watched(made) | {"setup --json": made.setup("--json")}
    assert runs["setup --json"].code == 0, runs["setup --json"].err
    assert entries(every(by_pyyaml(made.files()), "Secret")["coturn-secrets"])["TURN_SECRET"] == REAL["turn"]
    runs |= taken_back(made) | {"blank": made.blank()}
    assert leaks(runs, made, {}) == []
    assert made.files() == before


WRITTEN_OVER = """\
apiVersion: v1
kind: Secret
metadata: {name: synapse-secrets, namespace: chat}
stringData:
  FORM_SECRET: CHANGEME_hunter2Zq9Xy
---
apiVersion: v1
kind: Secret
metadata: {name: turn, namespace: chat}
stringData:
  one: '{"a": "CHANGEME_TURN_SECRET", "b": {"c": "{\\"d\\": \\"CHANGEME_hunter3Wq8Zx\\"}"}}'
"""


def test_a_placeholder_that_was_written_over_in_part_is_shown_by_its_words_alone(tmp_path: Path) -> None:
    deployment = laid_out(tmp_path, WRITTEN_OVER)
    for name, run in watched(deployment).items():
        assert run.text, name
        assert [each for each in ("hunter2", "hunter3") if each in run.text] == [], name
    assert "CHANGEME_…" in deployment.plan().out
