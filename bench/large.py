"""``python -m bench.large DIR [--files N] [--seed N]``: checks a tree as large as a company's, of 8 kB a file.

The kinds are mixed as in such trees: CustomResourceDefinitions and dashboards are most of the bytes, workloads and
services most of the files. In the midst stands a Matrix deployment. Nothing else of the tree is of any concern.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from wizard.store import bundled

FLOOR = Path(__file__).parent / "floors" / "check.py"  # reads all files, and goes through the events of each

SEED = 7
# How many of a thousand files are of each kind; the rest, of no bytes to speak of, are services.
SHARES = {
    "deployment": 250,
    "role": 130,
    "configuration": 100,
    "dashboard": 75,
    "rules": 50,
    "ingress": 50,
    "autoscaler": 50,
    "definition": 30,
    "external-secret": 30,
    "secret": 15,
    "bundle": 3,
}
PROSE = """
the a of to in is that for with by are be not which this must should when if from field object name value set list
optional default required controller resource specified pod container namespace status condition selector label
change changed your uses based cluster e.g. https://kubernetes.io/docs/concepts
"""
WORDS = PROSE.split()
TYPES = ("string", "integer", "boolean")


class Maker:
    """Makes manifests from a seed; each method returns the text of one document."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 (no secret is made of it)
        self.numbers = itertools.count()

    def files(self, count: int) -> Iterator[tuple[str, str]]:
        """Yield path and text of each of *count* files."""
        shares = {**SHARES, "service": 1000 - sum(SHARES.values())}
        for kind in self.random.choices(list(shares), list(shares.values()), k=count):
            number = next(self.numbers)
            name = f"{kind}-{number}"
            text = self.bundle(name) if kind == "bundle" else getattr(self, kind.replace("-", "_"))(name)
            yield f"teams/team-{number % 89:02}/app-{number % 7}/{name}.yaml", text

    def sentence(self, least: int, most: int) -> str:
        words = self.random.choices(WORDS, k=self.random.randint(least, most))
        if self.random.random() < 0.002:
            words.append("for example <name>.example.com")
        return " ".join(words)

    def head(self, version: str, kind: str, name: str) -> str:
        return (
            f"apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: team-{len(name) % 7}\n"
            f"  labels:\n    app.kubernetes.io/name: {name}\n    app.kubernetes.io/part-of: shop\n"
        )

    def service(self, name: str) -> str:
        port = self.random.randint(1024, 60000)
        return self.head("v1", "Service", name) + (
            f"spec:\n  selector:\n    app.kubernetes.io/name: {name}\n  ports:\n    - name: http\n      port: 80\n"
            f"      targetPort: {port}\n"
        )

    def deployment(self, name: str) -> str:
        containers = "".join(self.container(f"{name}-{each}", name) for each in range(self.random.randint(1, 4)))
        return self.head("apps/v1", "Deployment", name) + (
            f"spec:\n  replicas: {self.random.randint(1, 9)}\n  selector:\n    matchLabels:\n"
            f"      app.kubernetes.io/name: {name}\n  template:\n    metadata:\n      labels:\n"
            f"        app.kubernetes.io/name: {name}\n    spec:\n      serviceAccountName: {name}\n"
            f"      volumes:\n        - name: config\n          configMap:\n            name: {name}\n"
            f"      containers:\n{containers}---\n{self.head('v1', 'ConfigMap', name)}data:\n  LOG_LEVEL: info\n"
        )

    def container(self, name: str, settings: str) -> str:
        variables = "".join(
            f"            - name: SETTING_{each}\n              value: {json.dumps(self.sentence(1, 5))}\n"
            for each in range(self.random.randint(5, 25))
        )
        return (
            f"        - name: {name}\n          image: registry.shop.net/{name}:{self.random.randint(1, 99)}.0\n"
            f"          env:\n{variables}"
            f"          envFrom:\n            - configMapRef:\n                name: {settings}\n"
            "          resources:\n            requests:\n              cpu: 100m\n              memory: 128Mi\n"
            "          volumeMounts:\n            - name: config\n              mountPath: /etc/config\n"
            "          readinessProbe:\n            httpGet:\n              path: /healthz\n              port: http\n"
        )

    def role(self, name: str) -> str:
        rules = "".join(
            f'  - apiGroups: ["group{each}.shop.net"]\n    resources: [things{each}, things{each}/status]\n'
            "    verbs:\n      - get\n      - list\n      - watch\n"
            for each in range(self.random.randint(2, 40))
        )
        return self.head("rbac.authorization.k8s.io/v1", "ClusterRole", name) + f"rules:\n{rules}"

    def configuration(self, name: str) -> str:
        lines = "".join(
            f"    section{each}.setting: {self.sentence(1, 6)}\n" for each in range(self.random.randint(5, 160))
        )
        return self.head("v1", "ConfigMap", name) + f"data:\n  LOG_LEVEL: info\n  application.properties: |\n{lines}"

    def dashboard(self, name: str) -> str:
        panels = [self.panel(each) for each in range(self.random.randint(10, 45))]
        text = json.dumps({"title": name, "panels": panels}, indent=2)
        indented = "".join(f"    {line}\n" for line in text.splitlines())
        return self.head("v1", "ConfigMap", name) + f"data:\n  {name}.json: |\n{indented}"

    def panel(self, number: int) -> dict[str, object]:
        return {
            "id": number,
            "title": self.sentence(2, 6),
            "type": "timeseries",
            "gridPos": {"h": 8, "w": 12, "x": number % 2 * 12, "y": number // 2 * 8},
            "fieldConfig": {"defaults": {"unit": "s", "thresholds": {"steps": [{"color": "green", "value": 0}]}}},
            "targets": [
                {"expr": f"sum(rate(http_{each}_total{{job=~'$job',code!~'5..'}}[5m])) by (instance)", "refId": "A"}
                for each in range(self.random.randint(1, 4))
            ],
        }

    def rules(self, name: str) -> str:
        rules = "".join(
            f"        - alert: Alert{each}\n          expr: |\n            sum(rate(requests_{each}_total[5m])) > 0.1\n"
            f"          for: 15m\n          annotations:\n            summary: {self.sentence(4, 12)}\n"
            for each in range(self.random.randint(5, 60))
        )
        head = self.head("monitoring.coreos.com/v1", "PrometheusRule", name)
        return head + f"spec:\n  groups:\n    - name: {name}\n      rules:\n{rules}"

    def ingress(self, name: str) -> str:
        return self.head("networking.k8s.io/v1", "Ingress", name) + (
            f"spec:\n  ingressClassName: nginx\n  rules:\n    - host: {name}.shop.net\n      http:\n        paths:\n"
            f"          - path: /\n            pathType: Prefix\n            backend:\n              service:\n"
            f"                name: {name}\n                port:\n                  name: http\n"
        )

    def autoscaler(self, name: str) -> str:
        return self.head("autoscaling/v2", "HorizontalPodAutoscaler", name) + (
            f"spec:\n  minReplicas: 2\n  maxReplicas: 9\n  scaleTargetRef:\n    apiVersion: apps/v1\n"
            f"    kind: Deployment\n    name: {name}\n"
        )

    def definition(self, name: str) -> str:
        properties = self.properties(2, 12)
        return self.head("apiextensions.k8s.io/v1", "CustomResourceDefinition", name) + (
            "spec:\n  group: things.shop.net\n  scope: Namespaced\n  versions:\n    - name: v1\n      schema:\n"
            f"        openAPIV3Schema:\n          type: object\n          properties:\n{properties}"
        )

    def properties(self, depth: int, indent: int) -> str:
        return "".join(self.property(f"field{each}", depth, " " * indent) for each in range(self.random.randint(4, 9)))

    def property(self, name: str, depth: int, indent: str) -> str:
        text = f"{indent}{name}:\n{indent}  description: |-\n{indent}    {self.sentence(8, 30)}\n"
        if depth == 0:
            return f"{text}{indent}  type: {self.random.choice(TYPES)}\n"
        return f"{text}{indent}  type: object\n{indent}  properties:\n{self.properties(depth - 1, len(indent) + 4)}"

    def external_secret(self, name: str) -> str:
        return self.head("external-secrets.io/v1beta1", "ExternalSecret", name) + (
            "spec:\n  secretStoreRef:\n    kind: ClusterSecretStore\n    name: store\n  data:\n"
            f"    - secretKey: password\n      remoteRef:\n        key: shop/{name}\n        property: password\n"
        )

    def secret(self, name: str) -> str:
        text = base64.b64encode(self.random.randbytes(30)).decode()
        return self.head("v1", "Secret", name) + f"data:\n  api-key: {text}\n"

    def bundle(self, name: str) -> str:
        """An operator as it is released: everything in one file."""
        parts = (*itertools.repeat(self.definition, 5), self.role, self.service, self.deployment, self.secret)
        return "---\n".join(part(f"{name}-{at}") for at, part in enumerate(parts))


def make(root: Path, files: int, seed: int = SEED, among: Mapping[str, bytes] | None = None) -> int:
    """Make a tree of *files* files at *root*, with those *among* them; return its bytes."""
    every = ((path, text.encode()) for path, text in Maker(seed).files(files))
    theirs = ((f"teams/team-44/matrix/{path}", data) for path, data in (among or {}).items())
    size = 0
    for path, data in itertools.chain(every, theirs):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        size += (root / path).write_bytes(data)
    return size


def measured(*command: str | Path) -> tuple[float, float, float]:
    """Return how many seconds *command* takes by the wall and of a processor, and its largest memory in MB."""
    begin = time.perf_counter()
    child = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, _, used = os.wait4(child.pid, 0)
    return time.perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def first_line(*command: str | Path) -> float:
    """Return after how many seconds by the wall *command* has printed its first finding, and end it."""
    begin = time.perf_counter()
    with subprocess.Popen(
        list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        assert child.stdout is not None
        next(line for line in child.stdout if b" [" in line)
        seconds = time.perf_counter() - begin
        child.kill()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.large", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    given.directory.mkdir(parents=True)
    size = make(given.directory, given.files, given.seed, bundled())
    print(f"{given.files} files and the bundled tree, {size / 1e6:.1f} MB, seed {given.seed}: {given.directory}")
    check = (sys.executable, "-m", "wizard", "check", "--tree", given.directory)
    for what, words in (("the least", (sys.executable, FLOOR, given.directory)), ("check", check)):
        seconds, used, memory = measured(*words)
        print(f"{what}: {seconds:.1f} s, {used:.1f} s of a processor, {memory:.0f} MB")
    print(f"first finding printed: {first_line(*check):.1f} s after the start")


if __name__ == "__main__":
    main()
