"""The processes of Synapse: what a command line names is read, workers have Redis, secrets stand where they may."""

from __future__ import annotations

import textwrap

import pytest

from .asking import found, told


def tree(config: str, *words: str, key: str = "homeserver.yaml", beside: str = "", more: str = "") -> str:
    """Return a process of Synapse with *words*, to which a ConfigMap is mounted at /c; its text begins in line 6."""
    return (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: m}\ndata:\n"
        f"  {key}: |\n{textwrap.indent(config, '    ')}{beside}---\n"
        f"{_POD}          command: [python, -m, {', '.join(words)}]\n"
        f"          volumeMounts: [{{name: c, mountPath: /c}}]\n{more}"
        "      volumes: [{name: c, configMap: {name: c}}]\n"
    )


_POD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: it, namespace: m}
spec:
  template:
    spec:
      containers:
        - name: it
          image: matrixdotorg/synapse:v1.163.2
"""
MAIN = "server_name: corp.net\nsigning_key_path: /keys/k\n"
HOME, WORKER = "synapse.app.homeserver", "synapse.app.generic_worker"
FILE, DIRECTORY = "--config-path=/c/homeserver.yaml", "--config-path=/c"


@pytest.mark.parametrize("redis", ["", "redis: {host: redis}\n", "redis: {enabled: false}\n"])
def test_a_worker_without_redis_is_told(redis: str) -> None:
    line = 8 if redis else 6
    assert told(tree(MAIN + redis, WORKER, FILE), "worker-without-redis") == [f"a.yaml:{line}"]
    assert told(tree(MAIN + redis, HOME, FILE), "worker-without-redis") == [], "the main process alone needs none"
    own = "  worker.yaml: |\n    worker_app: synapse.app.generic_worker\n"
    text = tree(MAIN + redis, HOME, FILE, "--config-path=/c/worker.yaml", beside=own)
    assert told(text, "worker-without-redis") == [f"a.yaml:{line}"]


@pytest.mark.parametrize(
    "text",
    [
        tree(MAIN + "redis: {enabled: true, host: redis}\n", WORKER, FILE),
        tree(MAIN + "redis: {enabled: '${REDIS}'}\n", WORKER, FILE),
        tree(MAIN, WORKER, FILE, "--config-path=/secret/redis.yaml").replace(
            "volumes: [", "volumes: [{name: s, secret: {secretName: s}}, "
        ).replace("volumeMounts: [", "volumeMounts: [{name: s, mountPath: /secret}, "),
    ],
)  # fmt: skip
def test_a_worker_with_redis_or_with_a_file_that_nobody_knows_is_not_told(text: str) -> None:
    assert told(text, "worker-without-redis") == []


def test_a_file_of_a_directory_that_ends_otherwise_is_passed_by() -> None:
    mail = "  email.yml: |\n    email: {smtp_host: mail.corp.net}\n"
    text = tree(MAIN, HOME, DIRECTORY, beside=mail)
    assert told(text, "config-passed-by") == ["a.yaml:9"]
    assert [each.severity for each in found(text) if each.id == "config-passed-by"] == ["error"]
    assert told(text.replace("email.yml", "email.yaml"), "config-passed-by") == []
    assert told(tree(MAIN, HOME, FILE, "--config-path=/c/email.yml", beside=mail), "config-passed-by") == []


def test_a_secret_in_the_configuration_is_told_where_the_command_line_forbids_it() -> None:
    config = MAIN + "form_secret: abcdefghijklmnop\n"
    assert told(tree(config, HOME, FILE, "--no-secrets-in-config"), "option-inline") == ["a.yaml:8"]
    assert told(tree(config, HOME, FILE), "option-inline") == []
    path = MAIN + "form_secret_path: /keys/form\n"
    assert told(tree(path, HOME, FILE, "--no-secrets-in-config"), "option-inline") == []


def test_synapse_takes_a_reference_as_it_stands() -> None:
    config = MAIN + "database:\n  args: {password: '${DB_PASSWORD}'}\n"
    env = "          env: [{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: s, key: p}}}]\n"
    text = tree(config, HOME, FILE, more=env)
    assert told(text, "variable-not-expanded") == ["a.yaml:9"]
    assert told(tree(config, HOME, FILE), "variable-not-expanded") == [], "another program may put it there"
    init = "      initContainers: [{name: r, image: 'alpine:3', command: [sh, -c, 'sed s/a/b/ /c/a > /out/b']}]\n"
    assert told(tree(config, HOME, FILE, more=env + init), "variable-not-expanded") == []
