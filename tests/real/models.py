"""cert-manager's, Traefik's and the Gateway API's objects, judged by models of what their makers define. npm, node.

Their packages are pinned in npm/; `npm ci --prefix tests/real/npm` installs them.
"""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scripts.small import laid_out

NPM = Path(__file__).with_name("npm")
Document = dict[str, Any]
ROUTER = """\
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {name: synapse-li, namespace: matrix}
spec:
  routes:
    - kind: Rule
      match: Host(`matrix-li.example.com`)
      services: [{name: synapse-li, port: 8008}]
"""


def needed(needs: Callable[..., None], absent: Callable[[str], None]) -> None:
    """End a test where node or the packages are not there."""
    needs("node")
    if not (NPM / "node_modules").is_dir():
        absent(f"npm ci --prefix {NPM.relative_to(Path(__file__).parents[2])} was not run")


def problems(documents: list[Document]) -> list[list[str]]:
    """Return what is wrong with each object."""
    command = ["node", str(NPM / "check.mjs")]
    done = subprocess.run(command, cwd=NPM, input=json.dumps(documents), capture_output=True, text=True, check=True)
    found: list[list[str]] = json.loads(done.stdout)
    return found


def traefik(home: Path) -> list[Document]:
    """Return the objects of a tree for Traefik, filled: a router of the LI instance and the list that it got."""
    from scripts.reading import by_pyyaml

    deployment = laid_out(home, ROUTER)
    done = deployment.setup()
    assert done.code == 0, done.err
    return [dict(each) for found in by_pyyaml(deployment.files()).values() for each in found if each]


def mutants(document: Document) -> Iterator[Document]:
    """Yield the object with an unknown field at each mapping below its spec, and with a spec of another type."""
    yield document | {"spec": []}
    for path in _mappings(document["spec"], ("spec",)):
        wrong = copy.deepcopy(document)
        here: Any = wrong
        for step in path:
            here = here[step]
        here["wrongField"] = "x"
        yield wrong


def _mappings(here: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(here, dict):
        yield path
    inner = here.items() if isinstance(here, dict) else enumerate(here) if isinstance(here, list) else ()
    for key, each in inner:
        yield from _mappings(each, (*path, key))
