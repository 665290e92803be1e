"""No output of check holds a secret: not where it stands in place of a placeholder, of a name, of an option."""

from __future__ import annotations

import json

import pytest

from checks.asking import found
from wizard import baseline, report, sarif
from wizard.outcome import Checked

STRONG = "Xk29LmQp77ZtRw31Bn"
BODY = "Wc5rjKFhZsYxU3p9QmT7vB2nL8aE4dG6hJ0kR1sN5tA"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: it, namespace: matrix}\nstringData:\n"
CLUSTER = """\
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: matrix}
spec: {bootstrap: {initdb: {owner: synapse, secret: {name: it}}}}
"""


def outputs(text: str) -> list[str]:
    """Return what check says of a file in each of its forms: for people, JSON, SARIF, a baseline."""
    every = tuple(found(text))
    checked = Checked(every, ())
    lines = "\n".join(report.line(each) + each.fix for each in every)
    return [lines, json.dumps(report.as_data(checked)), json.dumps(sarif.log(checked, "1")), baseline.text(every)]


@pytest.mark.parametrize(
    ("rule", "text", "secret", "said"),
    [
        ("placeholder-left", f"{SECRET}  signing.key: |\n    ed25519 a_XXXX {BODY}\n", BODY, "ed25519 a_XXXX is left"),
        ("placeholder-left", f"{SECRET}  A: changeme-{STRONG}\n", STRONG, "changeme-… is left"),
        ("placeholder-left", f"{SECRET}  A: CHANGEME_DB_{STRONG}\n", STRONG, "CHANGEME_DB_… is left"),
        ("placeholder-left", f"{SECRET}  A: 'a'\n  # changeme-{STRONG}\n", STRONG, "changeme-… is left"),
        ("placeholder-left", f"{SECRET}  A: {STRONG}-change-in-prod\n", STRONG, "…-change-in-prod is left"),
        ("placeholder-left", f"{SECRET}  A: your-8e1f-47aa903b-17c2\n", "47aa903b", "your-…-…-… is left"),
        ("cluster-username", f"{SECRET}  username: {STRONG}\n---\n{CLUSTER}", STRONG, "not synapse"),
        (
            "coturn-line",
            f'{SECRET}  turnserver.conf: |\n    static-auth-secret "{STRONG * 60}"\n',
            STRONG,
            "the line of static-auth-secret is",
        ),
        ("coturn-line", f"{SECRET}  turnserver.conf: |\n    {STRONG * 60}\n", STRONG, "a line is"),
        (
            "minio-environment",
            f'{SECRET}  config.env: |\n    export MINIO_ROOT_PASSWORD: "{STRONG}="abc\n',
            STRONG,
            "the quotes around the value",
        ),
        (
            "minio-environment",
            f'{SECRET}  config.env: |\n    export MINIO_ROOT_PASSWORD="{STRONG}\n',
            STRONG,
            "the quotes around MINIO_ROOT_PASSWORD",
        ),
    ],
    ids=range(11),
)
def test_no_output_holds_the_secret_that_a_finding_is_about(rule: str, text: str, secret: str, said: str) -> None:
    assert [said in each.message for each in found(text) if each.id == rule] == [True]
    assert [each for each in outputs(text) if secret[:12] in each] == []


@pytest.mark.parametrize(
    "token",
    [
        "CHANGEME_SECURE_32_CHARS", "YOUR_MINIO_ACCESS_KEY", "changeme", "CHANGE_ME_uuidv4", "your-secret-2024-key",
        "CHANGE_TO_HEX64_KEY", "S3_KEY_PLACEHOLDER", "<dbPassword>", "<your password>", "cdn2a.example.com",
        "your-32-char-secret-here", "2001:db8:10ab::1",
    ],
)  # fmt: skip
def test_a_placeholder_of_words_is_shown_as_it_is(token: str) -> None:
    said = [each.message for each in found(f"{SECRET}  A_PASSWORD: '{token}'\n") if each.id == "placeholder-left"]
    assert said == [f"The placeholder {token} is left."]
