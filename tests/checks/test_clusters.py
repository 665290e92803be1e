"""CloudNativePG takes a role's Secret where its username is the role's name."""

import base64

from checks.asking import told

CLUSTER = """\
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: matrix}
spec:
  bootstrap:
    initdb: {database: synapse, owner: synapse, secret: {name: pg-app}}
  managed:
    roles:
      - {name: key_vault, passwordSecret: {name: pg-vault}}
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {{name: {0}, namespace: {1}}}\nstringData:\n  username: {2}\n"


def tree(owner: str, role: str, namespace: str = "matrix") -> dict[str, str]:
    app, vault = SECRET.format("pg-app", namespace, owner), SECRET.format("pg-vault", namespace, role)
    return {"cluster.yaml": CLUSTER, "app.yaml": app, "vault.yaml": vault}


def test_the_owner_and_each_managed_role_bear_their_names() -> None:
    assert told(tree("synapse", "key_vault"), "cluster-username") == []
    assert told(tree("matrix", "keyvault"), "cluster-username") == ["app.yaml:5", "vault.yaml:5"]
    assert told(tree("matrix", "keyvault", namespace="other"), "cluster-username") == []


def test_a_name_in_base64_and_the_operators_defaults_are_read() -> None:
    def encoded(name: str) -> str:
        return base64.b64encode(name.encode()).decode()

    files = tree("synapse", "key_vault")
    files["app.yaml"] = SECRET.format("pg-app", "matrix", encoded("synapse")).replace("stringData", "data")
    assert told(files, "cluster-username") == []
    files["app.yaml"] = SECRET.format("pg-app", "matrix", encoded("synapse\n")).replace("stringData", "data")
    assert told(files, "cluster-username") == ["app.yaml:5"]
    files = tree("synapse", "key_vault")
    files["cluster.yaml"] = CLUSTER.replace(" owner: synapse,", "")
    assert told(files, "cluster-username") == []
    files["cluster.yaml"] = CLUSTER.replace("database: synapse, owner: synapse, ", "")
    assert told(files, "cluster-username") == ["app.yaml:5"]


def test_another_kind_of_cluster_is_not_read_so() -> None:
    files = tree("matrix", "keyvault")
    files["cluster.yaml"] = CLUSTER.replace("postgresql.cnpg.io", "kafka.example.io")
    assert told(files, "cluster-username") == []
