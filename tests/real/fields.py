"""The fields of CloudNativePG, MinIO and MetalLB that the trees use, as JSON Schemas in which no other field may stand.

Each row says where upstream declares the field: the file of the kind, its Go type and field, and a line where one was
read. A test finds each field of a Cluster and a ScheduledBackup in CloudNativePG's own definitions (`definitions.py`);
those of a Database, of MinIO and of MetalLB are in no package. What Kubernetes defines is judged by its own schemas.
"""

from __future__ import annotations

from typing import Any

from .schemas import Document, core

TEXT: Document = {"type": "string", "minLength": 1}
NUMBER: Document = {"type": "integer"}
TRUTH: Document = {"type": "boolean"}
TEXTS: Document = {"type": "object", "additionalProperties": {"type": "string"}}
SIZE: Document = {"type": "string", "pattern": "^[0-9]+(Ki|Mi|Gi|Ti)$"}


def one(required: str = "", **fields: Document) -> Document:
    """Return an object that has these fields and no others; *required*: those that must stand, a blank between."""
    return {"type": "object", "additionalProperties": False, "properties": fields, "required": required.split()}


def each(item: Document) -> Document:
    """Return a list of *item*."""
    return {"type": "array", "items": item}


def words(*allowed: str) -> Document:
    """Return a text that is one of these."""
    return {"enum": list(allowed)}


NAMED = one("name", name=TEXT)
KEY_OF = one("name key", name=TEXT, key=TEXT)  # machinery/pkg/api SecretKeySelector
METADATA = one("name", name=TEXT, namespace=TEXT, labels=TEXTS, annotations=TEXTS)


def kind(api_version: str, name: str, spec: Document) -> Document:
    """Return the schema of a kind whose objects have a spec."""
    head = {"apiVersion": words(api_version), "kind": words(name), "metadata": METADATA, "spec": spec}
    return one("apiVersion kind metadata spec", **head)


# cloudnative-pg, api/v1/cluster_types.go: ClusterSpec and what it holds.
CLUSTER = one(
    "instances storage",
    instances=NUMBER,  # ClusterSpec.Instances
    imageName=TEXT,  # ClusterSpec.ImageName
    primaryUpdateStrategy=words("unsupervised", "supervised"),  # ClusterSpec.PrimaryUpdateStrategy
    enableSuperuserAccess=TRUTH,  # ClusterSpec.EnableSuperuserAccess
    inheritedMetadata=one(labels=TEXTS, annotations=TEXTS),  # EmbeddedObjectMetadata
    bootstrap=one(  # BootstrapConfiguration
        initdb=one(  # BootstrapInitDB; docs/src/bootstrap.md:203
            database=TEXT,  # BootstrapInitDB.Database
            owner=TEXT,  # BootstrapInitDB.Owner
            secret=NAMED,  # BootstrapInitDB.Secret
            encoding=TEXT,  # BootstrapInitDB.Encoding
            localeCollate=TEXT,  # BootstrapInitDB.LocaleCollate
            localeCType=TEXT,  # BootstrapInitDB.LocaleCType
            postInitApplicationSQL=each(TEXT),  # BootstrapInitDB.PostInitApplicationSQL
        )
    ),
    managed=one(  # ManagedConfiguration
        roles=each(
            one(  # RoleConfiguration; docs/src/declarative_role_management.md
                "name",
                name=TEXT,  # RoleConfiguration.Name
                ensure=words("present", "absent"),  # RoleConfiguration.Ensure
                login=TRUTH,  # RoleConfiguration.Login
                replication=TRUTH,  # RoleConfiguration.Replication
                inRoles=each(TEXT),  # RoleConfiguration.InRoles
                passwordSecret=NAMED,  # RoleConfiguration.PasswordSecret
            )
        )
    ),
    postgresql=one(parameters=TEXTS),  # PostgresConfiguration.Parameters: texts, numbers too
    storage=one(size=SIZE, storageClass=TEXT),  # StorageConfiguration.Size, .StorageClass
    walStorage=one(size=SIZE, storageClass=TEXT),  # ClusterSpec.WalStorage
    resources=core("ResourceRequirements"),  # ClusterSpec.Resources
    affinity=one(  # AffinityConfiguration
        enablePodAntiAffinity=TRUTH,  # AffinityConfiguration.EnablePodAntiAffinity
        podAntiAffinityType=words("preferred", "required"),  # AffinityConfiguration.PodAntiAffinityType
        topologyKey=TEXT,  # AffinityConfiguration.TopologyKey
    ),
    backup=one(  # api/v1/backup_types.go: BackupConfiguration; docs/src/index.md:158 on its end
        retentionPolicy={"type": "string", "pattern": "^[1-9][0-9]*[dwm]$"},  # BackupConfiguration.RetentionPolicy
        barmanObjectStore=one(  # barman-cloud, pkg/api/config.go: BarmanObjectStoreConfiguration
            "destinationPath s3Credentials",
            destinationPath={"type": "string", "pattern": "^s3://[a-z0-9-]+/[a-z0-9-]+$"},  # .DestinationPath
            endpointURL=TEXT,  # .EndpointURL
            s3Credentials=one("accessKeyId secretAccessKey", accessKeyId=KEY_OF, secretAccessKey=KEY_OF),
            wal=one(compression=words("gzip", "bzip2", "lz4", "snappy", "xz", "zstd")),  # WalBackupConfiguration
            data=one(compression=words("gzip", "bzip2", "snappy")),  # DataBackupConfiguration
        ),
    ),
)
# cloudnative-pg, api/v1/database_types.go: DatabaseSpec.
DATABASE = one("cluster name owner", cluster=NAMED, name=TEXT, owner=TEXT)
# cloudnative-pg, api/v1/scheduledbackup_types.go: ScheduledBackupSpec. The schedule has six fields, seconds first.
SCHEDULED = one(
    "schedule cluster",
    schedule={"type": "string", "pattern": r"^\S+( \S+){5}$"},
    backupOwnerReference=words("none", "self", "cluster"),
    cluster=NAMED,
)
# minio/operator, pkg/apis/minio.min.io/v2/types.go: TenantSpec, Bucket, Pool.
TENANT = one(
    "configuration pools",
    image=TEXT,  # TenantSpec.Image
    imagePullPolicy=words("Always", "IfNotPresent", "Never"),  # TenantSpec.ImagePullPolicy
    configuration=NAMED,  # TenantSpec.Configuration
    requestAutoCert=TRUTH,  # TenantSpec.RequestAutoCert
    podManagementPolicy=words("Parallel", "OrderedReady"),  # TenantSpec.PodManagementPolicy
    mountPath=TEXT,  # TenantSpec.Mountpath, in JSON mountPath
    buckets=each(one("name", name=TEXT)),  # TenantSpec.Buckets, types.go:330
    users=each(NAMED),  # TenantSpec.Users, types.go:330; helper.go:720-750
    pools=each(
        one(
            "servers volumesPerServer volumeClaimTemplate",
            name=TEXT,  # Pool.Name
            servers=NUMBER,  # Pool.Servers
            volumesPerServer=NUMBER,  # Pool.VolumesPerServer
            volumeClaimTemplate=one("spec", metadata=METADATA, spec=core("PersistentVolumeClaimSpec")),
            resources=core("ResourceRequirements"),  # Pool.Resources
            securityContext=core("PodSecurityContext"),  # Pool.SecurityContext
            containerSecurityContext=core("SecurityContext"),  # Pool.ContainerSecurityContext
            affinity=core("Affinity"),  # Pool.Affinity
        )
    ),
)
KINDS: dict[tuple[str, str], Document] = {
    (api_version, name): kind(api_version, name, spec)
    for api_version, name, spec in [
        ("postgresql.cnpg.io/v1", "Cluster", CLUSTER),
        ("postgresql.cnpg.io/v1", "Database", DATABASE),
        ("postgresql.cnpg.io/v1", "ScheduledBackup", SCHEDULED),
        ("minio.min.io/v2", "Tenant", TENANT),
        # metallb, api/v1beta1/ipaddresspool_types.go: IPAddressPoolSpec; l2advertisement_types.go: L2AdvertisementSpec.
        ("metallb.io/v1beta1", "IPAddressPool", one("addresses", addresses=each(TEXT), autoAssign=TRUTH)),
        ("metallb.io/v1beta1", "L2Advertisement", one(ipAddressPools=each(TEXT))),
    ]
}


def of(document: Any) -> Document | None:
    """Return the schema of an object's kind, None where it is none of these."""
    return KINDS.get((document.get("apiVersion", ""), document.get("kind", "")))
