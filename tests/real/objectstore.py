"""OpenStack Swift with its S3 face: an object store on loopback that refuses a wrong secret. PyPI: swift.

It stands for MinIO, which is not to be had as a package. Its users are named account:user, so that the access key of a
tree, which has no colon, is the account (`access_key`); the secret is as it stands.
"""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from .servers import free_port, running

PROGRAMS = Path(sys.executable).parent
BEHIND = ("account", "container", "object")
FILTERS = ("catch_errors", "gatekeeper", "healthcheck", "memcache", "listing_formats", "s3api", "tempauth", "copy",
           "slo", "dlo", "versioned_writes")  # fmt: skip
REGION = "us-east-1"  # as the tree's media storage provider names it


def access_key(user: str) -> str:
    """Return what Swift calls a user."""
    return f"{user}:s3"


@contextmanager
def serving(home: Path, user: str, secret: str) -> Iterator[int]:
    """Run the store with one user and yield its port."""
    ports = {name: free_port() for name in (*BEHIND, "proxy")}
    (home / "devices/one").mkdir(parents=True)
    _write(home / "swift.conf", {"swift-hash": {"swift_hash_path_suffix": "s", "swift_hash_path_prefix": "p"},
                                 "storage-policy:0": {"name": "one", "default": "yes"}})  # fmt: skip
    for name in BEHIND:
        _ring(home, name, ports[name])
        app = f"{name}-server"
        _write(home / f"{name}.conf", {"DEFAULT": _common(home, ports[name]), "pipeline:main": {"pipeline": app},
                                       f"app:{app}": {"use": f"egg:swift#{name}"}})  # fmt: skip
    proxy: dict[str, dict[str, str]] = {
        "DEFAULT": _common(home, ports["proxy"]),
        "pipeline:main": {"pipeline": " ".join((*FILTERS, "proxy-server"))},
        "app:proxy-server": {"use": "egg:swift#proxy", "account_autocreate": "true"},
        **{f"filter:{name}": {"use": f"egg:swift#{name}"} for name in FILTERS},
    }
    proxy["filter:s3api"]["location"] = REGION
    proxy["filter:tempauth"][f"user_{user}_{access_key(user).partition(':')[2]}"] = f"{secret} .admin"
    _write(home / "proxy.conf", proxy)
    with ExitStack() as stack:
        for name in BEHIND:
            stack.enter_context(_started(home, name, ()))
        stack.enter_context(_started(home, "proxy", ports.values()))  # which waits for all that were started
        yield ports["proxy"]


def _started(home: Path, name: str, asked: Iterable[int]) -> AbstractContextManager[None]:
    """Run one server, which is ready when there is an answer at all the ports *asked*."""
    place = home / name
    place.mkdir()
    command = [str(PROGRAMS / f"swift-{name}-server"), str(home / f"{name}.conf"), "--verbose"]
    return running(place, lambda: list(map(_asked, asked)), *command)


def client(port: int, user: str, secret: str) -> Any:
    """Return a client of S3 that tries once."""
    import boto3
    from botocore.config import Config

    how = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})
    where = {"endpoint_url": f"http://127.0.0.1:{port}", "region_name": REGION}
    return boto3.client("s3", aws_access_key_id=access_key(user), aws_secret_access_key=secret, config=how, **where)


def _asked(port: int) -> None:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthcheck", timeout=10).close()
    except urllib.error.HTTPError as answered:  # the servers behind the proxy know no such path
        answered.close()


def _common(home: Path, port: int) -> dict[str, str]:
    return {"bind_ip": "127.0.0.1", "bind_port": str(port), "workers": "0", "swift_dir": str(home), "user": "root",
            "devices": str(home / "devices"), "mount_check": "false"}  # fmt: skip


def _ring(home: Path, name: str, port: int) -> None:
    for words in (["create", "1", "1", "0"], ["add", f"r1z1-127.0.0.1:{port}/one", "1"], ["rebalance"]):
        command = [str(PROGRAMS / "swift-ring-builder"), str(home / f"{name}.builder"), *words]
        subprocess.run(command, check=True, capture_output=True)


def _write(path: Path, sections: dict[str, dict[str, str]]) -> None:
    """Write an INI file as paste.deploy reads it."""
    parts = ([f"[{name}]", *(f"{key} = {text}" for key, text in each.items())] for name, each in sections.items())
    path.write_text("".join(f"{line}\n" for part in parts for line in part))
