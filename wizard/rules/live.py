"""Rules: what a cluster has otherwise than the tree; only `check --live` asks one."""

from wizard.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "live-missing", "live", "error", "An object of the tree is not in the cluster.",
        "What the tree describes does not run as described: a workload waits for a Secret that is not there, or a "
        "policy that everybody relies on was never applied.",
        "Kubernetes API reference, kubectl get",
        story="The tree has an object that the cluster, asked for it by name, does not have. It was never applied, it "
        "was deleted by hand, or it stands in another namespace or cluster than the tree says. Jobs that remove "
        "themselves and hooks of Argo CD and Helm are not told. Apply the file, or take the object out of the tree.",
    ),
    Rule(
        "live-differs", "live", "error", "A Secret or ConfigMap has another text in the cluster.",
        "What runs is not what the tree says: the next apply changes it, perhaps years after somebody has edited the "
        "cluster by hand, and a secret that only the cluster has is lost with it.",
        "FACTS 5",
        story="A key of a Secret or ConfigMap holds one text in the tree and another one in the cluster, or the "
        "cluster has no such key. Either the tree was changed and not applied, or the cluster was edited by hand. The "
        "texts are compared as their readers get them, decoded from base64; neither is shown. Keys that only the "
        "cluster has are not told, since controllers add their own. If the tree is right, apply it; if the cluster is, "
        "take its secrets over, by matrix-wizard vault adopt --live --adopt.",
    ),
    Rule(
        "live-not-restarted", "live", "warning", "A workload has not started again since what it reads changed.",
        "It goes on with the old text until something restarts it by chance, at night and at one place at a time.",
        "FACTS 5; Kubernetes API reference, ManagedFieldsEntry and ContainerStateRunning",
        story="A variable from a Secret and a file by subPath stay as they were when the container started. A volume "
        "follows after a while, yet most programs read their files once. The start is that of the running container "
        "(state.running.startedAt of the pod), the change the time of the youngest managedFields entry that owns a key "
        "which the container reads, or the object's creationTimestamp where no entry does. Such an entry has one time "
        "for all its fields, so a change of another key counts too. Restart the workload; a run sheet does it in the "
        "right order, by matrix-wizard next.",
    ),
    Rule(
        "live-last-applied", "live", "warning", "A Secret's text stands in an annotation in the cluster.",
        "Client-side apply keeps a copy of the whole Secret in its metadata, where it stays after a rotation and where "
        "dashboards and logs show what they mask elsewhere.",
        "FACTS 5",
        story="Client-side kubectl apply writes what it was given, plain stringData included, into the annotation "
        "kubectl.kubernetes.io/last-applied-configuration of the Secret. A server-side apply under the default manager "
        "renews that copy, one under a manager of its own does not touch it. Apply with --server-side and "
        "--field-manager=matrix-wizard, remove the annotation, and rotate what others may have read.",
    ),
)  # fmt: skip
