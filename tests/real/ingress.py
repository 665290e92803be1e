"""nginx as ingress-nginx sets it up for some Ingresses: what its template makes of annotations and the chart's values.

Only what decides who gets in is rendered (kubernetes/ingress-nginx rootfs/etc/nginx/template/nginx.tmpl of controller
1.12, FACTS 4): an allow-list becomes `allow` and `deny all` of each location, basic authentication `auth_basic`, and
`use-forwarded-headers` the module that believes X-Forwarded-For from everywhere.
"""

from __future__ import annotations

import http.client
import socket
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from .servers import free_port, running

NGINX = "nginx.ingress.kubernetes.io/"
LISTS = (f"{NGINX}allowlist-source-range", f"{NGINX}whitelist-source-range")  # the first wins


def configuration(ingresses: Mapping[str, Any], secrets: Mapping[str, dict[str, str]], values: Any, home: Path) -> str:
    """Return nginx.conf, PORT for its port, for the *ingresses* by name; passwords and pages are written to *home*."""
    config = values["controller"]["config"]
    forwarded = "real_ip_header X-Forwarded-For; set_real_ip_from 0.0.0.0/0;" if _is_on(config) else ""
    temporary = " ".join(f"{name}_temp_path {home}/{name};" for name in ("proxy", "fastcgi", "uwsgi", "scgi"))
    servers = "".join(_server(name, each, secrets, home) for name, each in ingresses.items())
    return f"""\
daemon off; master_process off; pid {home}/pid; error_log stderr; events {{}}
http {{
  access_log off; server_names_hash_bucket_size 128;
  client_body_temp_path {home}/body; {temporary}
  {forwarded}
  server {{ listen 127.0.0.1:PORT default_server; location / {{ return 404; }} }}
{servers}}}
"""


def _is_on(config: Mapping[str, Any]) -> bool:
    return str(config.get("use-forwarded-headers", "false")) == "true"


def _server(name: str, ingress: Any, secrets: Mapping[str, dict[str, str]], home: Path) -> str:
    notes = ingress["metadata"].get("annotations") or {}
    page = home / f"page-{name}"
    page.mkdir(parents=True, exist_ok=True)
    (page / "page").write_text(name)
    rules = ["rewrite .* /page break;", f"root {page};"]
    listed = next((notes[key] for key in LISTS if key in notes), "")
    if listed:
        rules += [*(f"allow {each.strip()};" for each in listed.split(",")), "deny all;"]
    if notes.get(f"{NGINX}auth-type") == "basic":
        passwords = home / f"passwords-{name}"
        passwords.write_text(secrets[notes[f"{NGINX}auth-secret"]]["auth"])
        rules += [f'auth_basic "{notes[f"{NGINX}auth-realm"]}";', f"auth_basic_user_file {passwords};"]
    hosts = " ".join(rule["host"] for rule in ingress["spec"]["rules"])
    return f"  server {{ listen 127.0.0.1:PORT; server_name {hosts}; location / {{ {' '.join(rules)} }} }}\n"


@contextmanager
def serving(config: str, home: Path) -> Iterator[int]:
    """Run nginx with a `configuration` and yield its port. AssertionError where nginx refuses it."""
    port = free_port()
    (home / "nginx.conf").write_text(config.replace("PORT", str(port)))
    command = ["nginx", "-p", str(home), "-c", str(home / "nginx.conf"), "-e", "stderr"]
    with running(home, lambda: socket.create_connection(("127.0.0.1", port), 5).close(), *command):
        yield port


def status(
    port: int, host: str, source: str = "127.0.0.1", login: tuple[str, str] | None = None, **headers: str
) -> int:
    """Return what the server answers a client at the address *source*; *headers* with ``_`` for each hyphen."""
    sent = {"Host": host, **{name.replace("_", "-"): text for name, text in headers.items()}}
    if login:
        sent["Authorization"] = f"Basic {b64encode(':'.join(login).encode()).decode()}"
    with closing(http.client.HTTPConnection("127.0.0.1", port, source_address=(source, 0), timeout=30)) as client:
        client.request("GET", "/", headers=sent)
        return client.getresponse().status
