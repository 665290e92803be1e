"""Trees filled once and copied for each test; no keyring, and a home of their own."""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import keyring
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from keyring.backends.fail import Keyring

from .apiserver import Server, serving
from .certificates import pem, self_signed
from .reading import KUBECTL
from .runs import SOURCES, Deployment, Run
from .small import LayOut, laid_out

# Every character that a scalar style, a shell, a template or an encoding is known to trip over.
SMTP_PASSWORD = "q\"u'o\\t $e%d #x: {y} \u00e4\u20ac \u2713 ${x} `z` & *a !b"  # fmt: skip
LI_ADMIN_PASSWORD = "Given-by_a.person/42"
RANGES = ["185.60.112.0/24", "91.198.174.192/32", "2a02:ec80:300::/48"]

EVERYTHING = """\
domains:
  base: chat-corp.net
  server_name: chat-corp.net
lawful_intercept:
  allowed_cidrs:
    - 185.60.112.0/24
    - 91.198.174.192/32
    - 2a02:ec80:300::/48
tls:
  mode: letsencrypt-staging
  email: ops@chat-corp.net
smtp:
  host: mail.chat-corp.net
  port: 2525
  security: starttls
  user: robot@chat-corp.net
  password: {file: smtp-password.txt}
  from: "Chat of Corp <robot@chat-corp.net>"
push:
  apns:
    key: {file: AuthKey.p8}
    key_id: ABC123DEFG
    team_id: TEAM123456
    topic: net.chat-corp.app
  fcm:
    service_account: {file: fcm.json}
turn:
  external_ip: 185.60.113.10
livekit: {}
network:
  metallb_pool: [185.60.113.32/28]
storage:
  class: ceph-block
backups:
  retention: 14d
  li_retention: 90d
"""
MINIMUM = """\
domains: {base: chat-corp.net}
lawful_intercept: {allowed_cidrs: [185.60.112.0/24]}
tls: {email: ops@chat-corp.net}
"""
ANSWERS = {"everything": EVERYTHING, "minimum": MINIMUM}
TREES = tuple(SOURCES)


@dataclass(frozen=True)
class Filled:
    """A filled tree, the run that filled it (its stdout is JSON), and its values."""

    tree: str
    level: str
    deployment: Deployment
    first: Run = field(repr=False)
    values: dict[str, str] = field(repr=False)
    hidden: frozenset[str]  # the names of the values that are masked


Fill = Callable[[str, str], Filled]


@pytest.fixture(autouse=True, scope="package")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run without a keyring, in an empty home, and without anything that the caller's environment says."""
    home, backend = tmp_path_factory.mktemp("home"), keyring.get_keyring()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(home))
        environment.setenv("XDG_DATA_HOME", str(home / "data"))
        environment.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        for name in ("TREE", "IDENTITY", "ANSWERS", "JSON", "QUIET", "NO_INPUT"):
            environment.delenv(f"MATRIX_WIZARD_{name}", raising=False)
        keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]
        yield
        keyring.set_keyring(backend)


@pytest.fixture(autouse=True)
def somebody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a memory of its own for runs that are no deployment's: many have copies of one vault."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "somebody"))


@pytest.fixture(scope="package")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the files that the answers name, the keys made afresh."""
    home = tmp_path_factory.mktemp("keys")
    (home / "AuthKey.p8").write_text(pem(ec.generate_private_key(ec.SECP256R1())))
    (home / "fcm.json").write_text(json.dumps(service_account(), indent=2) + "\n")
    (home / "smtp-password.txt").write_text(SMTP_PASSWORD + "\n", "utf-8")
    (home / "li-admin.txt").write_text(LI_ADMIN_PASSWORD + "\n")
    return home


def service_account() -> dict[str, str]:
    """Return a service account with the fields that Google's console writes."""
    email = "push@chat-push.iam.gserviceaccount.com"
    certificates = "https://www.googleapis.com"
    return {
        "type": "service_account",
        "project_id": "chat-push",
        "private_key_id": "0123456789abcdef0123456789abcdef01234567",
        "private_key": pem(rsa.generate_private_key(65537, 2048)),
        "client_email": email,
        "client_id": "104230000000000000000",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "auth_provider_x509_cert_url": f"{certificates}/oauth2/v1/certs",
        "client_x509_cert_url": f"{certificates}/robot/v1/metadata/x509/push%40chat-push.iam.gserviceaccount.com",
        "universe_domain": "googleapis.com",
    }


@pytest.fixture
def empty(tmp_path: Path, key_files: Path) -> Callable[..., Deployment]:
    """Return what makes a deployment that is not filled yet: from a tree's name and a level, or other answers."""

    def make(tree: str, level: str = "minimum", answers: str = "", name: str = "") -> Deployment:
        return new_deployment(tmp_path / (name or f"{tree}-{level}"), key_files, tree, answers or ANSWERS[level])

    return make


@pytest.fixture(scope="package")
def fill(tmp_path_factory: pytest.TempPathFactory, key_files: Path) -> Fill:
    """Return what fills a tree by name and level, once."""

    @functools.cache
    def make(tree: str, level: str) -> Filled:
        home = tmp_path_factory.mktemp(f"{tree}-{level}") / "home"
        deployment = new_deployment(home, key_files, tree, ANSWERS[level])
        first = deployment.setup("--json")
        assert first.code == 0, f"{tree} could not be filled with {level}:\n{first.err}"
        return Filled(tree, level, deployment, first, deployment.values(), frozenset(deployment.masked_names()))

    return make


@pytest.fixture(params=[(tree, level) for tree in TREES for level in ANSWERS], ids="-".join)
def filled(request: pytest.FixtureRequest, fill: Fill, tmp_path: Path) -> Filled:
    """Return a copy of each tree at each level, filled."""
    return _copied(fill(*request.param), tmp_path)


@pytest.fixture(params=TREES)
def full(request: pytest.FixtureRequest, fill: Fill, tmp_path: Path) -> Filled:
    """Return a copy of each tree, filled with everything switched on."""
    return _copied(fill(request.param, "everything"), tmp_path)


@pytest.fixture
def one(fill: Fill, tmp_path: Path) -> Filled:
    """Return a copy of one filled tree, for what does not depend on the tree."""
    return _copied(fill("checklist", "minimum"), tmp_path)


def new_deployment(home: Path, key_files: Path, tree: str, answers: str) -> Deployment:
    """Lay out a deployment in the directory *home*, which is made; the bundled tree is a DIR that is missing."""
    deployment = Deployment(home)
    shutil.copytree(key_files, deployment.answers.parent)
    deployment.answers.write_text(answers, "utf-8")
    if tree != "bundled":
        shutil.copytree(SOURCES[tree], deployment.tree)
    return deployment


def _copied(filled: Filled, tmp_path: Path) -> Filled:
    copy = filled.deployment.copy(tmp_path / "copy")
    return Filled(filled.tree, filled.level, copy, filled.first, filled.values, filled.hidden)


@pytest.fixture
def lay_out(tmp_path: Path) -> LayOut:
    """Return what writes a small tree and its answers."""
    return functools.partial(laid_out, tmp_path / "home")


@pytest.fixture
def tls_pair() -> Callable[[list[str]], tuple[str, str]]:
    """Return what makes a self-signed certificate for some hosts, valid now, and its key."""

    return self_signed


@pytest.fixture
def fill_checklist(fill: Fill, tmp_path: Path) -> Filled:
    """Return a copy of the checklist's tree, filled with everything."""
    return _copied(fill("checklist", "everything"), tmp_path)


@pytest.fixture
def fill_dress(fill: Fill, tmp_path: Path) -> Filled:
    """Return a copy of the other tree, filled with everything."""
    return _copied(fill("dress", "everything"), tmp_path)


@pytest.fixture
def server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls_pair: Callable[[list[str]], tuple[str, str]]
) -> Iterator[Server]:
    """Return a Kubernetes API server on loopback, which the real kubectl asks; its context is called prod."""
    with serving(tmp_path, tls_pair(["localhost"])) as (served, config):
        monkeypatch.setenv("KUBECONFIG", str(config))
        monkeypatch.setenv("PATH", f"{KUBECTL.parent}{os.pathsep}{os.environ['PATH']}")
        yield served
