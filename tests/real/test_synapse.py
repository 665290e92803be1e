"""Synapse's own configuration code reads the bundled tree's files, laid out as its pods would mount them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from wizard.cli import main
from wizard.structure import Tree
from wizard.survey import survey

from .pods import laid_out, lay_out, objects

# Twisted and others warn of their own old ways; that is theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")

PASSWORD = 'it\'s "q" \\ $HOME %(app)s #x: yé'
MAIN, LI = ("StatefulSet", "synapse-main"), ("Deployment", "synapse-li")
ANSWERS = """
domains: {base: chat-corp.net}
lawful_intercept: {allowed_cidrs: [185.60.112.0/24]}
tls: {email: ops@chat-corp.net}
smtp:
  host: smtp.chat-corp.net
  security: SECURITY
  user: matrix@chat-corp.net
  password: {file: smtp.txt}
  from: Matrix <matrix@chat-corp.net>
"""


def provision(beside: Path, security: str = "starttls") -> Path:
    beside.mkdir(parents=True, exist_ok=True)
    (beside / "answers.yaml").write_text(ANSWERS.replace("SECURITY", security))
    (beside / "smtp.txt").write_text(PASSWORD)
    tree, key = beside / "tree", beside / "key.txt"
    options = ["--answers", str(beside / "answers.yaml"), "--identity", str(key), "--tree", str(tree)]
    assert main(["setup", *options, "--no-input", "-y", "-q"]) == 0
    return tree


def load(tree: Path, workload: tuple[str, str], root: Path) -> Any:
    from synapse.config.homeserver import HomeServerConfig

    arguments = lay_out(objects(tree), workload, "synapse", root)
    return HomeServerConfig.load_config("test", [each for each in arguments if each.startswith("--")])


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return provision(tmp_path_factory.mktemp("synapse"))


@pytest.fixture(scope="module")
def configs(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    root = tmp_path_factory.mktemp("pods")
    return load(tree, MAIN, root / "main"), load(tree, LI, root / "li")


def test_main_and_li_are_one_server_with_one_key(configs: tuple[Any, Any]) -> None:
    main_config, li_config = configs
    assert main_config.server.server_name == li_config.server.server_name == "matrix.chat-corp.net"
    keys = [[(key.version, bytes(key.verify_key)) for key in each.key.signing_key] for each in configs]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 1
    assert main_config.server.public_baseurl == "https://matrix.chat-corp.net/"
    assert li_config.server.public_baseurl == "https://matrix-li.chat-corp.net/"


def test_what_must_differ_differs_and_nothing_falls_back_to_another_secret(configs: tuple[Any, Any]) -> None:
    secrets = [
        secret
        for each in configs
        for secret in (each.registration.registration_shared_secret, each.key.macaroon_secret_key, each.key.form_secret)
    ]
    texts = [secret.decode() if isinstance(secret, bytes) else secret for secret in secrets]
    assert all(isinstance(text, str) and len(text) == 40 for text in texts)
    assert len(set(texts)) == 6


def test_the_mail_password_reaches_synapse_as_it_was_given(configs: tuple[Any, Any]) -> None:
    email = configs[0].email
    assert (email.email_smtp_host, email.email_smtp_port) == ("smtp.chat-corp.net", 587)
    assert (email.email_smtp_user, email.email_smtp_pass) == ("matrix@chat-corp.net", PASSWORD)
    assert email.email_notif_from == "Matrix <matrix@chat-corp.net>"


@pytest.mark.parametrize(
    ("security", "port", "options"),
    [("starttls", 587, (True, True, False)), ("tls", 465, (True, True, True)), ("none", 25, (False, False, False))],
)
def test_the_security_of_mail_is_what_synapse_understands_by_it(
    security: str, port: int, options: tuple[bool, bool, bool], tmp_path: Path
) -> None:
    email = load(provision(tmp_path, security), MAIN, tmp_path / "pod").email
    assert email.email_smtp_port == port
    assert (email.enable_smtp_tls, email.require_transport_security, email.force_tls) == options


def test_li_is_cut_off_from_federation_and_registration(configs: tuple[Any, Any]) -> None:
    li = configs[1]
    assert li.registration.enable_registration is False
    assert li.redis.redis_enabled is False
    options = [listener.http_options for listener in li.server.listeners if listener.http_options]
    served = {name for each in options for resource in each.resources for name in resource.names}
    assert "federation" not in served


def test_a_comment_beside_the_key_stops_synapse(tree: Path, tmp_path: Path) -> None:
    """The counter-proof: the same loading refuses a key file as the checklist's own steps leave it."""
    from synapse.config._base import ConfigError

    arguments = lay_out(objects(tree), MAIN, "synapse", tmp_path)
    key = tmp_path / "run/secrets/synapse/signing.key"
    key.write_text("# Replace this\n" + key.read_text())
    from synapse.config.homeserver import HomeServerConfig

    with pytest.raises(ConfigError):
        HomeServerConfig.load_config("test", [each for each in arguments if each.startswith("--")])


SPLIT = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: matrix}
data:
  homeserver.yaml: |
    server_name: corp.net
    report_stats: false
    email: {smtp_host: mail.corp.net, notif_from: a}
    redis: {enabled: true}
    admin_contact: one
---
apiVersion: v1
kind: Secret
metadata: {name: b, namespace: matrix}
stringData:
  10.yaml: "email: {smtp_pass: x}\\nadmin_contact: three"
  9.yaml: "redis:\\nadmin_contact: four"
  5.yml: "form_secret: five"
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: synapse, namespace: matrix}
spec:
  template:
    spec:
      containers:
        - name: synapse
          image: matrixdotorg/synapse:v1.163.2
          args: [--config-path=/b, --config-path=/a/homeserver.yaml, --config-path=/c]
          volumeMounts: [{name: a, mountPath: /a}, {name: b, mountPath: /b}, {name: c, mountPath: /c}]
      volumes:
        - {name: a, configMap: {name: a}}
        - {name: b, secret: {secretName: b}}
        - {name: c, secret: {secretName: b, items: [{key: 10.yaml, path: z.yaml}, {key: 9.yaml, path: x.yaml}]}}
"""


def test_check_takes_of_several_files_what_synapse_takes(tree: Path, tmp_path: Path) -> None:
    from synapse.config._base import find_config_files, read_config_files

    split = tmp_path / "split"
    split.mkdir()
    (split / "a.yaml").write_text(SPLIT)
    for where, workload in ((tree, MAIN), (tree, LI), (split, ("Deployment", "synapse"))):
        files = {str(each.relative_to(where)): each.read_bytes() for each in where.rglob("*.yaml")}
        every = survey(Tree(files), None, "2026-11-27T00:00:00Z").homeservers
        (home,) = (each for each in every if workload[1] in {one.workload.name for one in each.containers})
        pod = laid_out(objects(where), workload, "synapse", tmp_path / "pod")
        paths = [each.partition("=")[2] for each in pod.arguments if each.startswith("--config-path=")]
        read = read_config_files(find_config_files(paths))
        assert {key for each in home.texts for key in yaml.safe_load(each.text)} == read.keys()
        assert {key: yaml.safe_load(pod.moved(home.source(key).text))[key] for key in read} == read
        assert home.is_whole and home.is_ordered
