"""Rules: what must be in step, and what must not be the same."""

from wizard.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "secrets-differ", "in step", "error", "Copies of one secret, or of one name, differ.",
        "One side refuses what the other one sends: logins, calls or media fail, often long after the change.",
        "FACTS 12",
        "One secret stands in many objects: the password of Redis, say, in that of the server and in those of Synapse, "
        "LI and LiveKit. Each finding is one copy that has not the text which most of them have. Which of them the "
        "server takes is not told by the tree: look at the one that runs. Then write that at all of the places, or "
        "have it done: matrix-wizard setup --restore puts the vault's value back, --adopt takes a new one into it.",
    ),
    Rule(
        "signing-keys-differ", "in step", "error", "Copies of the signing key differ.",
        "The LI instance bears main's name. What it signs with another key no other server can verify.",
        "FACTS 1; checklist 2.8",
        "A signing key is who a server is. It decrypts nothing, and nobody is logged out by another one, so the "
        "difference shows late: events that the LI instance makes carry a signature that nobody can verify. Main's "
        "key is the right one. Copy it whole, its line end included, and restart Synapse of the LI instance.",
    ),
    Rule(
        "server-names-differ", "in step", "error", "LI's Synapse has another server_name than main's.",
        "It refuses to start on the copied database: found users in database not native to its name.", "FACTS 1",
        "server_name is the part of each user id behind the colon, and stands in every row of the database. The LI "
        "instance works on a copy of main's rows, so it must have the same name, whatever its host is called: its own "
        "address goes into public_baseurl. Main's name can never be changed; write it into LI's homeserver.yaml.",
    ),
    Rule(
        "peppers-differ", "in step", "error", "LI's Synapse has another password pepper than main's.",
        "Each password is hashed together with the pepper: with another one every login at LI is refused.", "FACTS 1",
        "The hashes come from main's database. To verify one, Synapse appends password_config.pepper to the password, "
        "so a pepper that is set at one instance only makes all of them wrong. It shows as 403 at each login. Give "
        "both instances the same one, or none. Main's is never changed: all of its users would be locked out.",
    ),
    Rule(
        "li-secret-shared", "in step", "error", "A secret of LI's Synapse is main's.",
        "Whoever reads LI's Secret can make administrators on main, or what else the secret is good for there.",
        "FACTS 2, 12; checklist 2.8",
        "The macaroon, registration and form secrets belong to one instance each. They need not be equal for the "
        "twins to work, and whoever works at the LI instance must not get at main by them: the registration secret "
        "alone makes administrators. Renew LI's: matrix-wizard rotate does so, and tells what has to restart.",
    ),
    Rule(
        "minio-root-shared", "in step", "error", "The S3 user has the password of MinIO's root.",
        "Synapse, the LI instance and the backups then hold the key to every bucket and every user.", "FACTS 3, 12",
        "MinIO's root may do anything and cannot be restricted. The S3 user's secret is spread over many objects, so "
        "that one text for both gives root to whoever reads any of them. Renew the S3 user's, and give that user the "
        "buckets that it needs and no others.",
    ),
    Rule(
        "database-roles-share", "in step", "error", "Two database roles have one password.",
        "Whoever reads one of the Secrets can log in as the other role, and so reach the data of the other instance.",
        "FACTS 3, 12",
        "Main, LI, the replication and key_vault log in to PostgreSQL as roles of their own, so that each can do no "
        "more than it needs. With one password for two that is undone. key_vault's is a warning only: some trees let "
        "it log in as Synapse does, and then the text has to be the same. Renew the later one by its name.",
    ),
    Rule(
        "secret-of-two-purposes", "in step", "warning", "One text is the secret of two purposes.",
        "Whoever may know it for the one has the other as well, and neither can be renewed alone.", "FACTS 12; R7",
        "A secret is as safe as the least safe place that holds it, and its places are counted per purpose: a "
        "rotation of the one would leave the other as it was, or break it. Renew the later one by its name.",
    ),
    Rule(
        "cluster-username", "in step", "error", "A Secret of CloudNativePG names another role than it is given to.",
        "The operator refuses it (wrong username), and the role keeps a password that nobody knows.", "FACTS 3",
        "The Secret of a role is of type kubernetes.io/basic-auth. Its username must be the owner that initdb makes, "
        "or the name of the managed role. Otherwise the reconciliation fails, kubectl describe cluster shows it, and "
        "the password never reaches the database: all clients are refused. Write the name of the role.",
    ),
    Rule(
        "li-shares-redis", "in step", "error", "The twins use one Redis under one server_name.",
        "Their channel there is the server_name: each instance gets the other's replication stream.", "FACTS 2",
        "Synapse's processes tell each other of new rows by publish and subscribe, on a channel that is called as the "
        "server. Redis does not part that by database number, so main and LI on one Redis hear each other and take in "
        "positions that are not theirs. LI's Synapse has no workers and needs no Redis: redis: {enabled: false}. If "
        "it gets workers, it gets a Redis of its own.",
    ),
    Rule(
        "reference-missing", "in step", "error", "A Secret or ConfigMap that is named is not there.",
        "The pod does not start (CreateContainerConfigError, or it waits for its volume); an ingress serves another "
        "certificate.",
        "Kubernetes, Secrets; FACTS 5",
        "An object names another one by kind, namespace and name, and a pod reads only those of its own namespace. "
        "No file of the tree has the one that is named here, and nothing in the tree is known to make it. It is an "
        "error where one that is there was probably meant, in a namespace of Matrix, and a warning elsewhere: it may "
        "have been made by hand. What is optional, and what operators make, is not told.",
    ),
    Rule(
        "reference-key-missing", "in step", "error", "A key that is named is not in its Secret or ConfigMap.",
        "The container does not start, or finds a directory where its file should be.", "Kubernetes, Secrets; FACTS 5",
        "The object is there, and has no entry of that name. kubectl describe pod says: couldn't find key. Keys are "
        "compared to the letter. Add the entry to the object, or name one that it has; matrix-wizard does not know "
        "which of the two is right. It is a warning where the two stand in files of their own, no namespace is "
        "written, and nothing there is of Matrix: they may be of two deployments.",
    ),
    Rule(
        "secret-unused", "in step", "warning", "A Secret is named nowhere.",
        "It is kept, rotated and backed up for nobody, and whoever reads it has a password that may still be good.",
        "FACTS 12; R7",
        "No object, script or chart value of the tree names this Secret, though others are used by their names. Either "
        "its reader is gone, and so should it be; or its reader has the text from somewhere else, so that a new one "
        "here changes nothing. Secrets that controllers find by type, label or annotation are not told.",
    ),
)  # fmt: skip
