"""A given password in the languages of configuration files and scripts: filled, kept, put back, filled the same."""

from __future__ import annotations

import base64
import json
import shlex

import pytest

from .reading import every
from .small import GIVEN, MINIMUM, SMTP, LayOut, config, go_round, secret, succeed

TOKEN = "CHANGEME_SMTP_PASSWORD"


@pytest.mark.parametrize(
    ("key", "line", "wanted"),
    [
        ("redis.conf", f"requirepass {TOKEN}", f'requirepass "{GIVEN}"'),
        ("sentinel.conf", f"sentinel auth-pass main '{TOKEN}'", f"sentinel auth-pass main '{GIVEN}'"),
        ("haproxy.cfg", f"user a insecure-password {TOKEN}", "user a insecure-password Given:\\ by\\ a\\ \\#person"),
        ("turnserver.conf", f"static-auth-secret={TOKEN}", f"static-auth-secret={GIVEN}"),
        ("run.sh", f"export A={TOKEN}", f"export A='{GIVEN}'"),
        ("run.sh", f'exec relay --password="{TOKEN}" # why', f'exec relay --password="{GIVEN}" # why'),
        ("grafana.ini", f'password = """{TOKEN}"""', f'password = """{GIVEN}"""'),
        ("entrypoint", f"#!/bin/sh\nA={TOKEN}", f"#!/bin/sh\nA='{GIVEN}'"),
    ],
)
def test_each_language_takes_it_in_its_own_quotes(lay_out: LayOut, key: str, line: str, wanted: str) -> None:
    objects = go_round(lay_out(config("relay", f"{line}\nlast", key), MINIMUM + SMTP))
    assert every(objects, "ConfigMap")["relay"]["data"][key] == f"{wanted}\nlast\n"


@pytest.mark.parametrize(
    ("key", "line"), [("users.acl", f"user a on >{TOKEN} ~*"), ("grafana.ini", f"password = {TOKEN}")]
)
def test_what_cannot_hold_it_says_so_with_its_place(lay_out: LayOut, key: str, line: str) -> None:
    deployment = lay_out(config("relay", line, key), MINIMUM + SMTP)
    before = deployment.files()
    done = deployment.setup()
    assert done.code == 3
    assert "main.yaml:" in done.text
    assert "cannot be written here" in done.text
    assert GIVEN not in done.text
    assert deployment.files() == before


def test_a_containers_command_takes_it_as_the_shell_reads_it(lay_out: LayOut) -> None:
    text = f"""\
apiVersion: batch/v1
kind: Job
metadata: {{name: relay, namespace: matrix}}
spec:
  template:
    spec:
      containers:
      - name: relay
        image: relay:1
        command: [/bin/sh, -ec]
        args:
        - |
          export A={TOKEN}
          exec relay
"""
    objects = go_round(lay_out(text, MINIMUM + SMTP))
    (container,) = every(objects, "Job")["relay"]["spec"]["template"]["spec"]["containers"]
    assert shlex.split(container["args"][0]) == ["export", f"A={GIVEN}", "exec", "relay"]


@pytest.mark.parametrize("is_encoded", [True, False])
@pytest.mark.parametrize("is_data", [True, False])
def test_a_registry_login_is_written_in_its_base64(lay_out: LayOut, is_encoded: bool, is_data: bool) -> None:
    login = f"robot:{TOKEN}"
    auth = base64.b64encode(login.encode()).decode() if is_encoded else login
    text = json.dumps({"auths": {"r.net": {"username": "robot", "password": TOKEN, "auth": auth}}})
    text = base64.b64encode(text.encode()).decode() if is_data else text
    source = secret("pull", **{".dockerconfigjson": f"'{text}'"})
    objects = go_round(lay_out(source.replace("stringData", "data") if is_data else source, MINIMUM + SMTP))
    found = every(objects, "Secret")["pull"]["data" if is_data else "stringData"][".dockerconfigjson"]
    entry = json.loads(base64.b64decode(found) if is_data else found)["auths"]["r.net"]
    assert entry["password"] == GIVEN
    assert base64.b64decode(entry["auth"]).decode() == f"robot:{GIVEN}"


def test_a_plan_shows_nothing_of_a_login(lay_out: LayOut) -> None:
    auth = base64.b64encode(b"robot:already").decode()
    text = json.dumps({"auths": {"r.net": {"auth": auth}}})
    tree = secret("pull", **{".dockerconfigjson": f"'{text}'"}) + f"---\n{secret('mail', SMTP_PASSWORD=TOKEN)}"
    deployment = lay_out(tree, MINIMUM + SMTP)
    done = deployment.plan()
    succeed(done)
    assert auth not in done.text
    assert "already" not in done.text
