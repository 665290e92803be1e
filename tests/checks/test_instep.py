"""What must be in step in trees that were filled by hand: the copies of one secret, and what must not be the same."""

import base64

import pytest

from checks.asking import found, told

ONE, OTHER, THIRD = "Tq7vXh2LmW9cRz4Kd8Ys", "Rk4nBz8PsD3fQy6Mw1Lt", "Gw6yJc1HtV5xNb9Zp2Fs"


def secret(name: str, *entries: str, namespace: str = "matrix", section: str = "stringData") -> str:
    """A Secret of five lines; its entries begin in the sixth."""
    head = f"apiVersion: v1\nkind: Secret\nmetadata:\n  {{name: {name}, namespace: {namespace}}}\n{section}:\n"
    return head + "".join(f"  {each}\n" for each in entries)


def test_a_copy_that_differs_is_told_where_it_stands_and_not_at_those_that_agree() -> None:
    files = {
        "redis.yaml": secret("redis-password", f"password: {ONE}", "redis.conf: |", f'  requirepass "{ONE}"'),
        "synapse.yaml": secret("synapse-secrets", f"FORM_SECRET: {THIRD}", f"REDIS_PASSWORD: {OTHER}"),
        "li.yaml": secret("synapse-li-secrets", f"REDIS_PASSWORD: {ONE}"),
        "livekit.yaml": secret("livekit-secrets", f"REDIS_PASSWORD: {THIRD}x"),
    }
    assert sorted(told(files, "secrets-differ")) == ["livekit.yaml:6", "synapse.yaml:7"]
    message = next(each.message for each in found(files) if each.file == "synapse.yaml")
    assert "Secret/matrix/synapse-secrets:stringData.REDIS_PASSWORD" in message
    assert "redis.yaml:6:13 and 2 more" in message
    assert not any(text in f"{each}" for each in found(files) for text in (ONE, OTHER, THIRD))


def test_each_of_two_copies_that_differ_is_one_finding_at_the_second() -> None:
    files = {"a.yaml": secret("synapse-secrets", f"TURN_SECRET: {ONE}"),
             "b.yaml": secret("coturn-secrets", f"TURN_SHARED_SECRET: {OTHER}")}  # fmt: skip
    assert told(files, "secrets-differ") == ["b.yaml:6"]
    assert told({**files, "b.yaml": secret("coturn-secrets", f"TURN_SHARED_SECRET: {ONE}")}, "secrets-differ") == []


def test_copies_are_compared_as_their_readers_get_them() -> None:
    encoded = base64.b64encode(ONE.encode()).decode()
    other = base64.b64encode(OTHER.encode()).decode()
    files = {
        "a.yaml": secret("synapse-secrets", f"TURN_SECRET: {encoded}", section="data"),
        "b.yaml": secret("coturn-secrets", f"TURN_SHARED_SECRET: '{ONE}'"),
        "conf.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: synapse-config, namespace: matrix}\n"
        f'data:\n  homeserver.yaml: |\n    server_name: chat.net\n    turn_shared_secret: "{ONE}"\n',
    }
    assert told(files, "secrets-differ") == []
    files["a.yaml"] = files["a.yaml"].replace(encoded, other)
    assert told(files, "secrets-differ") == ["a.yaml:6"]
    files["a.yaml"] = files["a.yaml"].replace(other, encoded)
    files["conf.yaml"] = files["conf.yaml"].replace(ONE, OTHER)
    assert told(files, "secrets-differ") == ["conf.yaml:7"]


def test_placeholders_and_what_others_expand_are_no_copies() -> None:
    files = {
        "a.yaml": secret("synapse-secrets", "TURN_SECRET: CHANGEME_SECURE_TURN_SECRET", "DB_PASSWORD: '${PASSWORD}'"),
        "b.yaml": secret("coturn-secrets", f"TURN_SHARED_SECRET: {ONE}"),
        "c.yaml": secret("synapse-db-credentials", f"password: {OTHER}"),
    }
    assert told(files, "secrets-differ") == []


KEY = "ed25519 a_{0} 2Nk4vRZ1pXcQ7mD0sLhYtB8fGwJ5uEa9oKiV3xTnC{1}"


def test_the_signing_keys_of_the_twins_must_agree() -> None:
    main = secret("synapse-secrets", "signing.key: |", f"  {KEY.format('Ab12', 'wE')}")
    li = secret("synapse-li-secrets", "signing.key: |", "  # main's", f"  {KEY.format('Ab12', 'wE')}")
    assert told({"a.yaml": main, "b.yaml": li}, "signing-keys-differ") == []
    other = li.replace("a_Ab12", "a_Zz99")
    assert told({"a.yaml": main, "b.yaml": other}, "signing-keys-differ") == ["b.yaml:7"]
    assert told({"a.yaml": main, "b.yaml": other}, "secrets-differ") == []


def test_the_redis_of_somebody_else_is_none_of_ours() -> None:
    mine = {"a.yaml": secret("synapse-secrets", f"REDIS_PASSWORD: {ONE}")}
    theirs = secret("redis-password", f"password: {OTHER}", namespace="nextcloud")
    assert told({**mine, "b.yaml": theirs}, "secrets-differ") == []
    assert told({**mine, "b.yaml": theirs.replace("nextcloud", "matrix")}, "secrets-differ") == ["b.yaml:6"]
    several = {f"{app}.yaml": secret("redis", f"password: {app}{ONE}", namespace=app) for app in ("a", "b", "c")}
    assert told(several, "secrets-differ") == []


def test_environments_are_compared_each_for_itself() -> None:
    files = {}
    for environment, text in (("prod", ONE), ("stage", OTHER)):
        files[f"envs/{environment}/synapse.yaml"] = secret("synapse-secrets", f"TURN_SECRET: {text}")
        files[f"envs/{environment}/coturn.yaml"] = secret("coturn-secrets", f"TURN_SECRET: {text}")
    assert told(files, "secrets-differ") == []
    files["envs/stage/synapse.yaml"] = secret("synapse-secrets", f"TURN_SECRET: {ONE}")
    assert told(files, "secrets-differ") == ["envs/stage/synapse.yaml:6"]
    by_file = {f"synapse-{name}.yaml": secret("synapse-secrets", f"TURN_SECRET: {text}")
               for name, text in (("prod", ONE), ("stage", OTHER))}  # fmt: skip
    assert told(by_file, "secrets-differ") == []


@pytest.mark.parametrize("key", ["MACAROON_SECRET", "REGISTRATION_SECRET", "FORM_SECRET"])
def test_the_twin_has_secrets_of_its_own(key: str) -> None:
    main, li = secret("synapse-secrets", f"{key}: {ONE}"), secret("synapse-li-secrets", f"{key}: {ONE}")
    assert told({"a-li.yaml": li, "main.yaml": main}, "li-secret-shared") == ["a-li.yaml:6"]
    assert told({"a-li.yaml": li.replace(ONE, OTHER), "main.yaml": main}, "li-secret-shared") == []


def test_the_s3_user_is_not_root() -> None:
    config = f"config.env: |\n    export MINIO_ROOT_USER=root\n    export MINIO_ROOT_PASSWORD={ONE}"
    files = {"root.yaml": secret("minio-config", config), "s3.yaml": secret("minio-credentials", f"secret-key: {ONE}"),
             "synapse.yaml": secret("synapse-secrets", f"FORM_SECRET: {THIRD}")}  # fmt: skip
    assert told(files, "minio-root-shared") == ["s3.yaml:6"]
    files["s3.yaml"] = secret("minio-credentials", f"secret-key: {OTHER}")
    assert told(files, "minio-root-shared") == []


def test_database_roles_have_passwords_of_their_own() -> None:
    main, li = secret("synapse-secrets", f"DB_PASSWORD: {ONE}"), secret("synapse-li-secrets", f"DB_PASSWORD: {ONE}")
    sync = secret("sync-system-secrets", f"MAIN_DB_PASSWORD: {ONE}", f"LI_DB_PASSWORD: {ONE}")
    files = {"a.yaml": main, "b.yaml": li, "c.yaml": sync}
    assert told(files, "database-roles-share") == ["b.yaml:6", "c.yaml:6"]
    assert told({**files, "b.yaml": li.replace(ONE, OTHER), "c.yaml": ""}, "database-roles-share") == []


def test_a_key_vault_that_may_log_in_as_synapse_is_only_warned_of() -> None:
    files = {"a.yaml": secret("synapse-secrets", f"DB_PASSWORD: {ONE}"),
             "b.yaml": secret("key-vault-secrets", f"DB_PASSWORD: {ONE}")}  # fmt: skip
    found_ones = [each for each in found(files) if each.id == "database-roles-share"]
    assert [(each.file, each.line, each.severity) for each in found_ones] == [("b.yaml", 6, "warning")]


def test_one_text_is_not_the_secret_of_two_purposes() -> None:
    text = secret("synapse-secrets", f"TURN_SECRET: {ONE}", f"FORM_SECRET: {ONE}", f"MACAROON_SECRET: {OTHER}")
    assert told(text, "secret-of-two-purposes") == ["a.yaml:6"]
    assert told(text.replace(ONE, THIRD, 1), "secret-of-two-purposes") == []
    # What everybody knows is told as that, once.
    assert told(text.replace(ONE, "changeit"), "secret-of-two-purposes") == []


def test_lines_of_a_configuration_in_a_secret_are_copies_too() -> None:
    redis = secret("redis-password", f"password: {ONE}", "redis.conf: |", f'  requirepass "{OTHER}"', "  port 6379")
    files = {"redis.yaml": redis, "synapse.yaml": secret("synapse-secrets", f"REDIS_PASSWORD: {ONE}")}
    assert told(files, "secrets-differ") == ["redis.yaml:8"]
    assert told({**files, "redis.yaml": redis.replace(OTHER, ONE)}, "secrets-differ") == []
    turn = secret("coturn-config", "turnserver.conf: |", "  use-auth-secret", f"  static-auth-secret={OTHER}")
    files = {"turn.yaml": turn, "synapse.yaml": secret("synapse-secrets", f"TURN_SECRET: {ONE}")}
    assert told(files, "secrets-differ") == ["turn.yaml:8"]


CLUSTER = """\
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: matrix}
spec:
  bootstrap:
    initdb: {owner: synapse, secret: {name: pg-owner}}
  managed:
    roles:
      - {name: key_vault, passwordSecret: {name: pg-vault}}
      - {name: grafana, passwordSecret: {name: pg-grafana}}
"""


def test_the_passwords_of_a_clusters_roles_are_copies_whatever_their_secrets_are_called() -> None:
    files = {
        "cluster.yaml": CLUSTER,
        "a-owner.yaml": secret("pg-owner", "username: synapse", f"password: {ONE}"),
        "a-vault.yaml": secret("pg-vault", "username: key_vault", f"password: {OTHER}"),
        "a-grafana.yaml": secret("pg-grafana", "username: grafana", f"password: {THIRD}"),
        "synapse.yaml": secret("synapse-secrets", f"DB_PASSWORD: {ONE}"),
        "vault.yaml": secret("key-vault-secrets", f"DB_PASSWORD: {OTHER}"),
    }
    assert told(files, "secrets-differ") == []
    changed = {path: text.replace(ONE, f"{ONE}x") for path, text in files.items() if path == "a-owner.yaml"}
    assert len(told({**files, **changed}, "secrets-differ")) == 1
    changed = {path: text.replace(OTHER, f"{OTHER}x") for path, text in files.items() if path == "a-vault.yaml"}
    assert len(told({**files, **changed}, "secrets-differ")) == 1
    theirs = {path: text.replace("synapse", "nextcloud") for path, text in files.items() if path != "synapse.yaml"}
    theirs |= {"a-owner.yaml": secret("pg-owner", f"password: {THIRD}x"), "synapse.yaml": files["synapse.yaml"]}
    assert told(theirs, "secrets-differ") == []


def test_of_two_copies_mains_is_taken_for_the_one_in_use() -> None:
    files = {"a-li.yaml": secret("synapse-li-secrets", f"S3_SECRET_KEY: {ONE}"),
             "main.yaml": secret("synapse-secrets", f"S3_SECRET_KEY: {OTHER}")}  # fmt: skip
    assert told(files, "secrets-differ") == ["a-li.yaml:6"]
