"""Manifests read by others than the program: PyYAML's pure parser and kubectl; and the oracle of the test trees."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .runs import ROOT, SOURCES

KUBECTL = Path(sys.executable).with_name("kubectl")
PLACEHOLDER = re.compile(r"CHANGE_?ME|changeme|CHANGE_TO_|YOUR_|REPLACE_|a_XXXX|example\.(?:com|org|net)")
MANIFESTS = (".yaml", ".yml", ".json")

Objects = Mapping[str, list[Any]]  # by file, the documents in it


@dataclass(frozen=True)
class Row:
    """One site of the oracle: where it stands, its token and its value's name."""

    file: str
    document: str
    path: tuple[str, ...]
    token: str
    value: str
    encoded: bool = False
    commented: bool = False

    @property
    def part(self) -> str:
        """The optional component without which the site stays as it is."""
        if self.value.startswith("smtp-"):
            return "smtp"
        return next((part for part in ("livekit", "sygnal", "metallb") if part in self.file), "")

    @property
    def leaf(self) -> tuple[str, str, tuple[str, ...]]:
        return self.file, self.document, self.path

    def __str__(self) -> str:
        return f"{self.file} {self.document} {' > '.join(self.path)} ({self.value})"


def rows(tree: str) -> list[Row]:
    """Return the oracle's sites of *tree*."""
    return list(_bundled_rows()) if tree == "bundled" else list(_table(tree))


@cache
def documents(text: str) -> list[Any]:
    """Return the documents of *text* as PyYAML reads them; shared, so not to be changed."""
    return [each for each in yaml.safe_load_all(text.removeprefix("\ufeff")) if each is not None]


@cache
def load(text: str) -> Any:
    """Return the one document in *text*; shared, so not to be changed. YAMLError where it is none."""
    return yaml.safe_load(text)


def by_pyyaml(files: Mapping[str, bytes]) -> Objects:
    return {path: documents(data.decode()) for path, data in files.items() if path.endswith(MANIFESTS)}


def by_kubectl(files: Mapping[str, bytes], root: Path) -> Objects:
    """Return the objects as kubectl reads them, file by file, for the files that hold objects only."""
    objects: dict[str, list[Any]] = {}
    for path, found in by_pyyaml(files).items():
        if all((isinstance(each, dict) and each.get("kind") and each.get("metadata") is not None) or "items" in each
               for each in found) and path != "kustomization.yaml" and found:  # fmt: skip
            command = [str(KUBECTL), "annotate", "--local", "-o", "json", "-f", str(root / path), "read-by=kubectl"]
            out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            objects[path] = list(_json_documents(out))
    return objects


def find(objects: Objects, row: Row) -> Any:
    """Return what stands at the row's place, None where there is nothing."""
    for document in objects.get(row.file, ()):
        for each in (document, *(document.get("items") or ())):
            if row.document in ("-", reference(each)):
                inner = row.path[2:] if row.path[0] == "items" else row.path
                return step_down(each, inner, row.encoded)
    return None


def step_down(here: Any, path: Iterable[str], encoded: bool = False) -> Any:
    for step in path:
        if here is None:
            return None
        if step == "~":
            here = load(here)
        elif named := re.fullmatch(r"\[name=(.*)\]", step):
            here = next((each for each in here if each.get("name") == named[1]), None)
        elif indexed := re.fullmatch(r"\[(\d+)\]", step):
            here = here[int(indexed[1])] if int(indexed[1]) < len(here) else None
        else:
            here = here.get(step)
    return base64.b64decode(here).decode() if encoded and here is not None else here


def reference(document: Any) -> str:
    metadata = document.get("metadata") or {} if isinstance(document, dict) else {}
    return f"{document.get('kind', '')}/{metadata.get('namespace', '')}/{metadata.get('name', '')}" if metadata else "-"


def every(objects: Objects, kind: str) -> dict[str, Any]:
    """Return the objects of one kind by name, the items of lists too."""
    found: dict[str, Any] = {}
    for document in (each for documents in objects.values() for each in documents if isinstance(each, dict)):
        for item in (document, *(document.get("items") or ())):
            if item.get("kind") == kind:
                found[item["metadata"]["name"]] = item
    return found


def entries(secret: Any) -> dict[str, str]:
    """Return the entries of a Secret as a pod gets them."""
    encoded = {key: base64.b64decode(text).decode() for key, text in (secret.get("data") or {}).items()}
    return {**encoded, **(secret.get("stringData") or {})}


def scalars(path: str, text: str) -> dict[str, Any]:
    """Return every scalar of the file by its place, spelled as the plan spells it; embedded documents are entered."""
    found: dict[str, Any] = {}
    for number, document in enumerate(documents(text), 1):
        is_list = str(document.get("kind", "")).endswith("List") if isinstance(document, dict) else False
        for item in document["items"] if is_list else [document]:
            is_object = isinstance(item, dict) and item.get("kind")
            metadata = (item.get("metadata") or {}) if is_object else {}
            name = f"{item['kind']}/{metadata.get('namespace', '')}/{metadata.get('name', '')}" if is_object else ""
            is_secret = name.startswith("Secret/")
            for steps, value in _walk(item, (), is_secret):
                found[f"{name or f'{path}#{number}'}:{'.'.join(steps)}"] = value
    return found


def _walk(here: Any, path: tuple[str, ...], is_secret: bool, inside: bool = False) -> Iterator[tuple[Any, Any]]:
    if isinstance(here, dict):
        for key, value in here.items():
            yield from _walk(value, (*path, str(key)), is_secret, inside)
    elif isinstance(here, list):
        names = [each.get("name") for each in here if isinstance(each, dict)]
        is_named = len(names) == len(here) == len({str(name) for name in names if isinstance(name, str)})
        for number, value in enumerate(here):
            step = f"[name={names[number]}]" if is_named else f"[{number}]"
            yield from _walk(value, (*path, step), is_secret, inside)
    else:
        if is_secret and path[:1] == ("data",) and isinstance(here, str):
            here = base64.b64decode(here).decode()
        embedded = None if inside else _embedded(here)
        if embedded is None:
            yield path, here
        else:
            yield from _walk(embedded, (*path, "~"), is_secret, inside=True)


def _embedded(value: Any) -> Any:
    if not isinstance(value, str) or not ("\n" in value.strip() or value.lstrip()[:1] in ("{", "[")):
        return None
    try:
        found = load(value)
    except yaml.YAMLError:
        return None
    return found if isinstance(found, dict | list) else None


def _json_documents(text: str) -> Iterator[Any]:
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        document, at = decoder.raw_decode(text, at)
        yield document


def _table(tree: str) -> Iterator[Row]:
    readme = (ROOT / "tests/trees/README.md").read_text("utf-8")
    section = readme.partition(f"## {tree}/")[2].partition("\n### Clauses")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 6 and cells[1].isdigit():
            file, _, document, path, token, value = cells
            steps = tuple(path.split("`")[1].split(" > "))
            yield Row(file, document, steps, token.strip("`"), value, "(base64)" in path, "(commented" in path)


# What the spellings of the bundled tree stand for (issue 2, "The values"); hosts by their first label.
_TOKENS = {
    "CHANGEME_APNS_KEY_ID": "apns-key-id",
    "CHANGEME_APNS_PLATFORM": "apns-platform",
    "CHANGEME_APNS_PRIVATE_KEY": "apns-key",
    "CHANGEME_APNS_TEAM_ID": "apns-team-id",
    "CHANGEME_APNS_TOPIC": "apns-topic",
    "CHANGEME_COPY_FROM_MAIN_SIGNING_KEY": "signing-key",
    "CHANGEME_DJANGO_SECRET_KEY_GENERATE_SECURE_RANDOM_STRING": "django-secret-key",
    "CHANGEME_FCM_PROJECT_ID": "fcm-project-id",
    "CHANGEME_GENERATE_HTPASSWD": "li-admin-htpasswd",
    "CHANGEME_GENERATE_RSA_2048_BIT_PRIVATE_KEY": "key-vault-rsa-key",
    "CHANGEME_GENERATE_USING_SYNAPSE_GENERATE_COMMAND": "signing-key",
    "CHANGEME_LIVEKIT_API_KEY": "livekit-api-key",
    "CHANGEME_LIVEKIT_API_SECRET": "livekit-api-secret",
    "CHANGEME_METALLB_POOL": "metallb-pool",
    "CHANGEME_REPLICATION_PASSWORD": "replication-password",
    "CHANGEME_SECURE_DB_PASSWORD": "synapse-db-password",
    "CHANGEME_SECURE_FORM_SECRET": "form-secret",
    "CHANGEME_SECURE_KEY_VAULT_API_KEY": "key-vault-api-key",
    "CHANGEME_SECURE_KEY_VAULT_DB_PASSWORD": "key-vault-db-password",
    "CHANGEME_SECURE_LI_DB_PASSWORD": "li-db-password",
    "CHANGEME_SECURE_LI_FORM_SECRET": "li-form-secret",
    "CHANGEME_SECURE_LI_MACAROON_SECRET": "li-macaroon-secret",
    "CHANGEME_SECURE_LI_REGISTRATION_SECRET": "li-registration-secret",
    "CHANGEME_SECURE_MACAROON_SECRET": "macaroon-secret",
    "CHANGEME_SECURE_REDIS_PASSWORD": "redis-password",
    "CHANGEME_SECURE_REGISTRATION_SECRET": "registration-secret",
    "CHANGEME_SECURE_REPLICATION_SECRET": "worker-replication-secret",
    "CHANGEME_SECURE_S3_PASSWORD": "s3-password",
    "CHANGEME_SECURE_TURN_SECRET": "turn-secret",
    "CHANGEME_TURN_PASSWORD": "turn-password",
    "CHANGE_ME_GENERATE_SECURE_PASSWORD": "redis-password",
    "CHANGE_ME_GENERATE_SECURE_PASSWORD_32_CHARS": "minio-root-password",
    "CHANGE_ME_GENERATE_SECURE_S3_PASSWORD": "s3-password",
    "CHANGE_TO_COTURN_SHARED_SECRET": "turn-secret",
    "YOUR_LAW_ENFORCEMENT_IPS": "li-allowed-cidrs",
    "YOUR_SMTP_PASSWORD": "smtp-password",
    "admin@example.com": "tls-email",
    "matrix.example.com": "matrix-host",
    "matrix-li.example.com": "li-matrix-host",
    "element.example.com": "element-host",
    "element-li.example.com": "li-element-host",
    "admin-li.example.com": "li-admin-host",
    "turn.example.com": "turn-host",
    "livekit.example.com": "livekit-host",
    "smtp.example.com": "smtp-host",
}
_BY_KEY = {
    "server_name": "server-name",
    "smtp_user": "smtp-user",
    "notif_from": "smtp-from",
    "fcm-service-account.json": "fcm-service-account",
    "service-account.json": "fcm-service-account",
}
_ANY = re.compile(r"[\w.@-]*@example\.com|[\w-]+\.example\.com|(?:CHANGE|YOUR_)[A-Z0-9_]+")


def _bundled_rows() -> Iterator[Row]:
    for file in sorted(SOURCES["bundled"].rglob("*.yaml")):
        path = file.relative_to(SOURCES["bundled"]).as_posix()
        for document in documents(file.read_text("utf-8")):
            for steps, value in _walk(document, (), is_secret=False):
                for token in dict.fromkeys(_ANY.findall(_code(str(value)))):
                    key = next((step for step in reversed(steps) if step in _BY_KEY), "")
                    name = _BY_KEY.get(key, "") or _TOKENS.get(token, "")
                    if "tls-secret" not in path and (name or "TLS" not in token):
                        assert name, f"{path}: the oracle does not know {token}"
                        yield Row(path, reference(document), steps, token, name)


def _code(text: str) -> str:
    """Return *text* without its comment lines, in which no value ever stands."""
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(("#", "--")))
