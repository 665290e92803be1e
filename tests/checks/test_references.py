"""References to Secrets and ConfigMaps: what is not there, keys that they have not, and Secrets that nobody names."""

import base64

import pytest

from checks.asking import found, told

APP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: matrix}
spec:
  template:
    spec:
      containers:
        - name: app
          env:
            - name: PASSWORD
              valueFrom:
                secretKeyRef:
                  name: app-secrets
                  key: PASSWORD
          envFrom:
            - configMapRef:
                name: app-config
          volumeMounts:
            - {name: files, mountPath: /run/secrets}
            - {name: one, mountPath: /etc/app/app.yaml, subPath: app.yaml}
      volumes:
        - name: files
          projected:
            sources:
              - secret:
                  name: app-secrets
                  items:
                    - {key: TOKEN, path: token}
        - name: one
          configMap:
            name: app-config
        - name: unmounted
          secret: {secretName: nobody}
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: app-secrets, namespace: matrix}
stringData:
  PASSWORD: Tq7vXh2LmW9c
  TOKEN: Rk4nBz8PsD3f
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: app-config, namespace: matrix}
data:
  app.yaml: "a: b"
"""
MATRIX = """\
apiVersion: v1
kind: Secret
metadata: {name: synapse-secrets, namespace: matrix, labels: {example.org/kept: "yes"}}
stringData: {FORM_SECRET: Gw6yJc1HtV5x}
"""
WHOLE = {"app.yaml": APP, "config.yaml": CONFIG, "secret.yaml": SECRET}
RULES = ("reference-missing", "reference-key-missing", "secret-unused")


def with_change(old: str, new: str, file: str = "app.yaml") -> dict[str, str]:
    assert old in WHOLE[file]
    return {**WHOLE, file: WHOLE[file].replace(old, new)}


def severities(files: dict[str, str], rule: str) -> list[str]:
    return [each.severity for each in found(files) if each.id == rule]


def test_what_is_there_and_what_is_not_mounted_is_no_finding() -> None:
    assert [told(WHOLE, rule) for rule in RULES] == [[], [], []]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("                  key: PASSWORD", "                  key: PASSWORT", 14),
        ("{key: TOKEN, path", "{key: TOKENS, path", 28),
        ("subPath: app.yaml", "subPath: app.yml", 20),
    ],
)
def test_a_key_that_the_object_has_not_is_told_where_it_is_named(old: str, new: str, line: int) -> None:
    assert told(with_change(old, new), "reference-key-missing") == [f"app.yaml:{line}"]
    assert severities(with_change(old, new), "reference-key-missing") == ["error"]
    assert told(with_change(old, new), "reference-missing") == []


def test_keys_in_base64_and_those_of_several_files_of_one_object_count() -> None:
    token = base64.b64encode(b"Rk4nBz8PsD3f").decode()
    part = SECRET.replace("  PASSWORD: Tq7vXh2LmW9c\n", "").replace("stringData", "data").replace("Rk4nBz8PsD3f", token)
    rest = SECRET.replace("  TOKEN: Rk4nBz8PsD3f\n", "")
    assert told({**WHOLE, "secret.yaml": rest}, "reference-key-missing") == ["app.yaml:28"]
    assert told({**WHOLE, "secret.yaml": rest, "more.yaml": part}, "reference-key-missing") == []
    # What has no entries at all is filled by somebody else.
    assert told({**WHOLE, "secret.yaml": SECRET.partition("stringData")[0]}, "reference-key-missing") == []


def test_an_object_that_is_not_there_is_told_once_where_it_is_named_first() -> None:
    files = with_change("name: app-config\n", "name: wrong\n")
    assert told(files, "reference-missing") == ["app.yaml:17"]
    assert severities(files, "reference-missing") == ["warning"]


def test_in_a_matrix_namespace_a_slip_of_the_pen_is_an_error() -> None:
    files = with_change("name: app-secrets\n                  key", "name: app-secret\n                  key")
    assert severities(files, "reference-missing") == ["warning"]
    assert severities({**files, "matrix.yaml": MATRIX}, "reference-missing") == ["error"]
    message = next(each.message for each in found(files) if each.id == "reference-missing")
    assert "Secret/matrix/app-secrets" in message


def test_a_pod_reads_its_own_namespace_only() -> None:
    files = with_change("namespace: matrix", "namespace: other", "secret.yaml")
    assert told(files, "reference-missing") == ["app.yaml:13"]
    for file in ("secret.yaml", "app.yaml"):
        unwritten = with_change(", namespace: matrix", "", file)
        assert told(unwritten, "reference-missing") == []


def test_what_is_optional_is_not_missed() -> None:
    for old, new in (
        ("                  key: PASSWORD\n", "                  key: NOTHING\n                  optional: true\n"),
        ("                name: app-config\n", "                name: nothing\n                optional: true\n"),
        ("                  items:\n", "                  optional: true\n                  items:\n"),
    ):
        files = with_change(old, new)
        files["app.yaml"] = files["app.yaml"].replace("{key: TOKEN, path", "{key: TOKEN, path")
        assert [told(files, rule) for rule in RULES[:2]] == [[], []]


EXTERNAL = """\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: made, namespace: matrix}
spec:
  target: {name: app-secrets}
"""
CERTIFICATE = """\
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web, namespace: matrix}
spec: {secretName: web-tls}
"""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: matrix
  annotations:
    nginx.ingress.kubernetes.io/auth-type: basic
    nginx.ingress.kubernetes.io/auth-secret: web-auth
spec:
  ingressClassName: nginx
  tls:
    - {hosts: [web.chat.net], secretName: web-tls}
"""
AUTH = SECRET.replace("app-secrets", "web-auth").replace("PASSWORD", "auth")


def test_what_operators_make_is_not_missed() -> None:
    files = {**WHOLE, "secret.yaml": MATRIX}
    assert told(files, "reference-missing") == ["app.yaml:13"]
    assert told({**files, "external.yaml": EXTERNAL}, "reference-missing") == []
    generated = (
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nsecretGenerator: [{name: app-secrets}]\n"
    )
    assert told({**files, "kustomization.yaml": generated}, "reference-missing") == []
    cluster = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: app, namespace: matrix}\nspec: {}\n"
    assert told({**files, "cluster.yaml": cluster}, "reference-missing") == []
    # Of a merged one the keys are not known either.
    partial = with_change("  TOKEN: Rk4nBz8PsD3f\n", "", "secret.yaml")
    assert told(partial, "reference-key-missing") == ["app.yaml:28"]
    assert told({**partial, "external.yaml": EXTERNAL}, "reference-key-missing") == []


def test_a_tree_without_any_secret_keeps_them_elsewhere() -> None:
    files = {"app.yaml": APP, "config.yaml": CONFIG}
    assert told(files, "reference-missing") == []
    assert (
        told({**files, "other.yaml": MATRIX.replace("namespace: matrix", "namespace: other")}, "reference-missing")
        == []
    )
    unwritten = {**files, "app.yaml": APP.replace(", namespace: matrix", "")}
    assert told(unwritten, "reference-missing") == []
    assert told({**unwritten, "matrix.yaml": MATRIX}, "reference-missing") == ["app.yaml:13"]


def test_the_secrets_of_an_ingress_are_looked_for_too() -> None:
    files = {**WHOLE, "web.yaml": INGRESS, "auth.yaml": AUTH}
    assert told(files, "reference-missing") == ["web.yaml:12"]
    assert told({**files, "certificate.yaml": CERTIFICATE}, "reference-missing") == []
    issued = INGRESS.replace("  annotations:\n", "  annotations:\n    cert-manager.io/cluster-issuer: letsencrypt\n")
    assert told({**files, "web.yaml": issued}, "reference-missing") == []
    del files["auth.yaml"]
    assert told(files, "reference-missing") == ["web.yaml:8", "web.yaml:12"]
    files["auth.yaml"] = AUTH.replace("auth:", "users:")
    assert told(files, "reference-key-missing") == ["web.yaml:8"]
    files["web.yaml"] = INGRESS.replace(
        "auth-secret: web", "auth-secret-type: auth-map\n    nginx.ingress.kubernetes.io/auth-secret: web"
    )
    assert told(files, "reference-key-missing") == []


def test_names_that_helm_or_a_variable_fills_in_are_nobodys_fault() -> None:
    for name in ("'{{ .Release.Name }}-secrets'", "${APP}-secrets", "CHANGEME_SECRET_NAME"):
        files = with_change(
            "                  name: app-secrets\n                  key",
            f"                  name: {name}\n                  key",
        )
        assert told(files, "reference-missing") == []


OLD = SECRET.replace("app-secrets", "old-secrets")


def test_a_secret_that_nothing_names_is_told_at_its_name() -> None:
    assert told({**WHOLE, "old.yaml": OLD}, "secret-unused") == ["old.yaml:3"]
    commented = {**WHOLE, "old.yaml": OLD, "config.yaml": f"# see old-secrets\n{CONFIG}", "README.md": "old-secrets"}
    assert told(commented, "secret-unused") == ["old.yaml:3"]


@pytest.mark.parametrize("word", ["my-old-secrets", "old-secrets-2", "a.old-secrets", "old-secrets_a", "old.secrets"])
def test_a_secret_is_not_named_by_a_part_of_another_word(word: str) -> None:
    assert told({**WHOLE, "old.yaml": OLD, "rotate.sh": f"kubectl get secret {word}\n"}, "secret-unused") == [
        "old.yaml:3"
    ]


@pytest.mark.parametrize(
    "why",
    [
        {"values.yaml": "auth:\n  existingSecret: old-secrets\n"},
        {"rotate.sh": "kubectl get secret old-secrets\n"},
        {"rotate.sh": "vault kv get it/old-secrets.json\n"},
        {"old.yaml": OLD.replace("stringData", "type: kubernetes.io/tls\nstringData")},
        {"old.yaml": OLD.replace("matrix}", "matrix, labels: {argocd.argoproj.io/secret-type: repository}}")},
        {"secret.yaml": ""},
    ],
    ids=["by a chart", "by a script", "as a file", "of a type", "by a label", "in a tree that uses none"],
)
def test_a_secret_that_is_found_otherwise_is_used(why: dict[str, str]) -> None:
    assert told({**WHOLE, "old.yaml": OLD, **why}, "secret-unused") == []


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: tried}
spec:
  containers:
  - name: a
    env:
    - {name: A, valueFrom: {secretKeyRef: {name: some, key: key-1}}}
"""
SOME = "apiVersion: v1\nkind: Secret\nmetadata: {name: some}\nstringData: {data-1: Tq7vXh2LmW9c}\n"


def test_objects_of_one_name_may_be_of_two_deployments_where_no_namespace_is_written() -> None:
    apart = {"pods/tried.yaml": POD, "guide/secret.yaml": SOME}
    assert told(apart, "reference-key-missing") == ["pods/tried.yaml:8"]
    assert severities(apart, "reference-key-missing") == ["warning"]
    assert severities({"a.yaml": f"{POD}---\n{SOME}"}, "reference-key-missing") == ["error"], "in one file"
    named = {path: text.replace("metadata: {", "metadata: {namespace: web, ") for path, text in apart.items()}
    assert severities(named, "reference-key-missing") == ["error"], "in one namespace"
    ours = {path: text.replace("name: some", "name: synapse-secrets") for path, text in apart.items()}
    ours |= {"synapse.yaml": SECRET.replace(", namespace: matrix", "")}
    assert severities(ours, "reference-key-missing") == ["error"], "in the namespace of Matrix"
