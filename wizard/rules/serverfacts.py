"""Rules: what the servers do with their configuration, whatever it says."""

from wizard.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "option-unknown", "server facts", "error", "An option is newer than the image that is to read it.",
        "Synapse and Sygnal ignore keys that they do not know: the server starts, without that secret or with another.",
        "FACTS 2, 3",
        "The option names a file with a secret, and the image's tag is of a release before the one that brought it. "
        "Nothing is logged. Without its macaroon key Synapse falls back to the registration secret and then to the "
        "signing key; without its replication secret any pod may speak to its replication listener. "
        "Raise the tag, or write the secret itself into a configuration file that a Secret holds.",
    ),
    Rule(
        "option-twice", "server facts", "error", "A secret is given both itself and as a file.",
        "Synapse takes that for a configuration error and does not start.", "FACTS 2",
        "Each option that ends in _path excludes the one without it. Keep the file, since what stands in a ConfigMap "
        "can be read by everybody who may list ConfigMaps, and take the other line out.",
    ),
    Rule(
        "option-inline", "server facts", "error",
        "A secret stands in the configuration, and Synapse is told to take none.",
        "Synapse stops at it.", "FACTS 2; Synapse, synapse/config/_base.py",
        "With --no-secrets-in-config, known since 1.126, every option that can be given as a file must be. Give it by "
        "the option that ends in _path, and mount the Secret at that path.",
    ),
    Rule(
        "file-not-mounted", "server facts", "error", "The configuration names a file that no mount brings.",
        "Synapse does not start, or makes a secret of its own there: a new signing key makes it another server.",
        "FACTS 1, 2",
        "The path stands in homeserver.yaml, and no volume of the container covers it, or the Secret that is mounted "
        "there has no such key. Since 1.67 Synapse creates a missing signing key, so that the mistake shows only when "
        "other servers refuse its events. Compare the path with mountPath, items and the keys of the Secret.",
    ),
    Rule(
        "file-too-open", "server facts", "error", "A file with a secret is open to others, and is refused for that.",
        "libpq ignores such a password file, and LiveKit refuses such a key file: logins fail, though the secret is "
        "right.",
        "FACTS 2, 3; PostgreSQL, The Password File",
        "A volume from a Secret gives its files mode 0644 unless defaultMode says otherwise, and fsGroup adds the "
        "group's permissions to whatever it says. libpq wants 0600 or less; LiveKit wants none for others.",
    ),
    Rule(
        "config-passed-by", "server facts", "error", "Synapse does not read a file of its configuration.",
        "What it sets is as if it were not set: a mail password, a database.",
        "FACTS 2; Synapse, synapse/config/_base.py",
        "Where --config-path names a directory Synapse reads those files in it whose names end in .yaml, in the order "
        "of their names. It prints that it ignores the others and goes on. Give the entry a name that ends so.",
    ),
    Rule(
        "worker-without-redis", "server facts", "error", "A worker is to run without Redis.",
        "It does not start: it hears of what other processes write by Redis alone.",
        "Synapse, docs/workers.md; synapse/server.py",
        "Workers and the main process tell each other of new rows by publish and subscribe in Redis. A worker asks for "
        "that connection when it starts, and stops where redis.enabled is not true. It has to be in the configuration "
        "that all processes share.",
    ),
    Rule(
        "block-replaced", "server facts", "warning", "A configuration file replaces a block of an earlier one.",
        "Synapse merges its files by their topmost keys only: what stood below that key in the earlier file is gone.",
        "FACTS 2",
        "With several --config-path, or a directory of files, the later file's email: or database: stands alone. "
        "Nothing is logged. Put the whole block into one file; a block with a password belongs into a Secret.",
    ),
    Rule(
        "macaroon-missing", "server facts", "warning", "Synapse has no macaroon secret of its own.",
        "Another secret stands in for it, so that changing that one logs guests out and breaks logins in flight.",
        "FACTS 2",
        "Where macaroon_secret_key is absent or empty, registration_shared_secret is used, and without that a hash of "
        "the signing key. It works until one of those is rotated. An empty text counts as absent.",
    ),
    Rule(
        "replication-open", "server facts", "error", "The replication listener asks for no secret.",
        "Whoever reaches the port can write as any worker does: events, devices, tokens.", "FACTS 2",
        "Without worker_replication_secret Synapse accepts replication requests from anybody, and the listener is "
        "bound to more than the pod itself. Set the secret for the main process and all workers at once, and let a "
        "NetworkPolicy lead only workers there.",
    ),
    Rule(
        "command-missing", "server facts", "error",
        "A container runs a program that its image does not have.",
        "The step fails, or leaves an empty file behind: the server then starts with nothing of its "
        "configuration.",
        "FACTS 2",
        "Synapse's image has no envsubst, nor have BusyBox and Alpine. With a redirection the shell has "
        "made the target empty before it looks for the program, so that the next container finds a file of "
        "no length. Give the step an image that has the program, or let the server read each secret from a "
        "file of its own.",
    ),
    Rule(
        "sed-breaks", "server facts", "error",
        "A secret holds a sign of sed's own, and sed puts it into a text.",
        "A / ends the command and the pod never starts; an & or a backslash changes the password without a "
        "word.",
        "FACTS 3, 10",
        "Half of what openssl rand -base64 makes has a slash in it. Another delimiter mends only that sign. "
        "Letters and digits pass through every parser of the deployment, and are all that this program "
        "makes.",
    ),
    Rule(
        "url-breaks", "server facts", "error",
        "A secret holds a sign that parts a URL, and stands in one.",
        "Its reader takes the rest of the password for the host: it connects to nowhere, and logs part of "
        "the secret.",
        "FACTS 3; RFC 3986, 3.2.1",
        "Kubernetes puts the text in the place of $(NAME) as it stands, without escaping it. In a URL @ : / "
        "? # and % have meanings of their own. Take a value of letters and digits, or give user and "
        "password apart from the URL.",
    ),
    Rule(
        "conninfo-breaks", "server facts", "error",
        "A secret holds a sign that ends it, and stands in a connection string.",
        "The login fails: libpq takes the rest of the password for another word.",
        "FACTS 3; PostgreSQL, libpq, Connection Strings",
        "In host=… password=… a blank ends a value, a backslash escapes the next sign, and a quote at the start opens "
        "a value in quotes. Kubernetes and shells put the text there as it stands. Have libpq read PGPASSWORD, or take "
        "a value of letters and digits.",
    ),
    Rule(
        "variable-undefined", "server facts", "error",
        "A reference to a variable stays as it stands.",
        "Kubernetes expands $(NAME) only where NAME is set further up in the same container; else the "
        "program gets those very signs.",
        "Kubernetes API, core/v1, EnvVar",
        "Nothing is reported: the server runs with the text $(NAME) for its secret, which everybody can "
        "guess who has read the manifest. The order of the list counts. A name that is set nowhere is a "
        "warning, since a program may mean something by it.",
    ),
    Rule(
        "variable-not-expanded", "server facts", "error",
        "A configuration has references to variables, and its server expands none.",
        "It takes the reference itself for the secret: everybody who has read the manifest knows that.",
        "FACTS 2, 3",
        "Synapse, Sygnal, coturn and Redis read their files as they stand. The container has a variable of that name, "
        "so that somebody expected it to be put there; but nothing in the pod writes the text anew. Name a file "
        "instead (Synapse's options that end in _path), or have an init container fill it in.",
    ),
    Rule(
        "secret-in-words", "server facts", "warning",
        "A secret stands among the words of a command.",
        "Whoever lists the processes of the node sees it, and so does every log of what was started.",
        "FACTS 0, R11; 10",
        "Kubernetes expands $(NAME) in command and args before it starts the program, so that the value is "
        "part of its command line. Most programs read the same from their environment or from a file: "
        "REDISCLI_AUTH, PGPASSWORD, an include line.",
    ),
    Rule(
        "coturn-no-secret", "server facts", "error",
        "coturn is to check shared secrets, and is given none.",
        "It refuses every allocation: calls between two networks connect and stay silent.",
        "FACTS 3",
        "turnserver reads no variables of its environment: a secret that is given as one never arrives. It "
        "reads static-auth-secret from its configuration file. Let a Secret hold that whole file, and mount "
        "it.",
    ),
    Rule(
        "turn-mechanism", "server facts", "error",
        "coturn and Synapse do not mean the same kind of credentials.",
        "Synapse signs short-lived credentials with the shared secret; a coturn with lt-cred-mech looks for "
        "users instead, and refuses them.",
        "FACTS 3",
        "use-auth-secret and lt-cred-mech exclude each other; with both coturn takes the first one and "
        "warns, which is a warning here too. Write use-auth-secret and one static-auth-secret line for each "
        "secret that is valid.",
    ),
    Rule(
        "coturn-line", "server facts", "error",
        "A line of coturn's configuration is too long.",
        "coturn reads 1023 bytes of a line: the rest is lost, and with it the end of the secret.",
        "FACTS 3",
        "The option's name counts too. A secret of 40 letters and digits is as strong as any that nobody "
        "can guess.",
    ),
    Rule(
        "coturn-relays-inside", "server facts", "warning",
        "coturn relays to any address, the cluster's own among them.",
        "Whoever may call, guests included, reaches Services, databases and the metadata of the cloud "
        "through the relay.",
        "FACTS 10, 7.3",
        "A relay connects its user with whatever peer is named. Without denied-peer-ip lines, or with "
        "commented ones, that may be any address which the node reaches. Deny all private, link-local and "
        "loopback ranges; NetworkPolicies do not hold on the host network.",
    ),
    Rule(
        "coturn-external-ip", "server facts", "error",
        "turnserver's -X is given something that is no address.",
        "-X is --external-ip, and not an include: coturn announces that text as its address, or does not "
        "start, and the file is never read.",
        "FACTS 3",
        "turnserver has no option that includes a second file. All options belong into the one that -c "
        "names, which a Secret may hold.",
    ),
    Rule(
        "secret-never-read", "server facts", "warning",
        "A secret is given to a server that does not look at it.",
        "The server runs without it, however right its value is.",
        "FACTS 3",
        "turnserver takes its options from its file and its words alone. A variable arrives only where a "
        "shell puts it into either. The image's entry point does that for arguments with $(…), and command: "
        "passes it by.",
    ),
    Rule(
        "livekit-not-expanded", "server facts", "error",
        "LiveKit's configuration has references to variables, which it does not expand.",
        "It takes the reference itself for the key and the secret: whoever has read the manifest can sign "
        "tokens.",
        "FACTS 3",
        "LiveKit reads the text as it stands. Give the keys in LIVEKIT_KEYS, in which Kubernetes expands "
        "$(NAME), or have an init container write the file.",
    ),
    Rule(
        "livekit-config-body", "server facts", "error",
        "LIVEKIT_CONFIG holds a path.",
        "LiveKit takes it for the configuration itself, over --config, and does not start.",
        "FACTS 3",
        "The variable is for the whole text of a configuration. A file is named by --config, or by "
        "LIVEKIT_CONFIG_FILE in some charts.",
    ),
    Rule(
        "livekit-keys-form", "server facts", "error",
        "LIVEKIT_KEYS is not written as a key and its secret.",
        "Without the blank behind the colon it is one word to a YAML parser: LiveKit has no key and refuses "
        "to start.",
        "FACTS 3",
        "The variable is YAML: \"key: secret\". Several of them stand on lines of their own while keys are "
        "changed.",
    ),
    Rule(
        "apns-both", "server facts", "error",
        "Sygnal is given a certificate where it has a key.",
        "certfile stands over keyfile and must be an X.509 certificate: a .p8 key there stops Sygnal at its "
        "start.",
        "FACTS 3",
        "Apple hands out two kinds of credentials. A .p8 key goes with keyfile, key_id, team_id and topic; "
        "a PEM with certificate and key goes with certfile alone.",
    ),
    Rule(
        "push-incomplete", "server facts", "error",
        "An app of Sygnal lacks what its push service needs.",
        "Sygnal does not start, and no device is told of anything.",
        "FACTS 3",
        "APNs by key takes keyfile, key_id, team_id and topic, and platform is production, prod or sandbox. "
        "FCM v1 takes project_id and service_account_file.",
    ),
    Rule(
        "apns-id", "server facts", "error",
        "An id of Apple's is not of its form.",
        "Apple refuses each token that Sygnal signs, and nothing fails at the start.",
        "FACTS 3",
        "A key id and a team id are ten capital letters and digits. A text such as APNS_KEY_ID_FROM_SECRET "
        "in a ConfigMap stays as it is: nothing puts the Secret's value there.",
    ),
    Rule(
        "fcm-legacy", "server facts", "error",
        "Sygnal is to use the legacy API of FCM.",
        "Google has shut it down since 2024-07: no Android device is notified.",
        "FACTS 3",
        "The legacy API is the default and takes api_key, a server key. From 0.14.0 Sygnal speaks the new "
        "one: api_version: v1, project_id, and service_account_file with the JSON that Firebase hands out.",
    ),
    Rule(
        "role-unmade", "server facts", "error",
        "A client asks for a role or a database that its cluster does not make.",
        "PostgreSQL refuses the login, however right the password is.",
        "FACTS 3; 10, 2.7",
        "CloudNativePG makes the owner and the database of spec.bootstrap.initdb, the roles of spec.managed.roles, and "
        "what DatabaseRole and Database objects name; else a script has to make it. key_vault is the usual case: its "
        "role and database are its own. Nothing is told of clusters that begin as a copy of another; in a tree without "
        "Synapse it is a warning.",
    ),
    Rule(
        "owner-password-unknown", "server facts", "error",
        "A cluster makes up a password that its client does not read.",
        "The client has another password from elsewhere, and is refused.",
        "FACTS 3",
        "Without spec.bootstrap.initdb.secret the operator invents a password of 64 characters and keeps it in the "
        "Secret CLUSTER-app. A client of the tree logs in as the owner of that database and does not read it from "
        "there, so that no password that was made here can ever match. Name a Secret of type kubernetes.io/basic-auth "
        "there, or have the client read CLUSTER-app. In a tree without Synapse it is a warning.",
    ),
    Rule(
        "cluster-unwatched", "server facts", "warning",
        "CloudNativePG does not look at a password when it changes.",
        "The role gets the new password at some later time, and until then its clients are refused.",
        "FACTS 3; CloudNativePG, Declarative role management",
        "The operator watches a Secret that it did not make only where its label cnpg.io/reload says true; else it "
        "sees the change when it looks at the cluster next. With the label the role has the new password within "
        "seconds, so that clients can restart.",
    ),
    Rule(
        "subscription-in-function", "server facts", "error",
        "A subscription is created within a DO block.",
        "PostgreSQL refuses to create a replication slot from a function: LI's database never follows "
        "main's.",
        "FACTS 3, 10",
        "CREATE SUBSCRIPTION must be a statement of its own, unless it is told to create no slot. psql can "
        "ask beforehand whether it is there (\\gset and \\if).",
    ),
    Rule(
        "sql-empty-password", "server facts", "error",
        "A role is given an empty password.",
        "PostgreSQL takes that for none, with no more than a notice: the role can no longer log in.",
        "FACTS 3",
        "It happens where a variable was empty when the script was made. Have psql read the password from "
        "its environment and stop where it is not set.",
    ),
    Rule(
        "sql-needs-superuser", "server facts", "warning",
        "A script needs a superuser, whom the cluster does not let in.",
        "The statement fails for any role that an application can log in with.",
        "FACTS 3",
        "FOR ALL TABLES needs a superuser, and so does a role with REPLICATION up to PostgreSQL 15. "
        "CloudNativePG keeps the superuser's password to itself unless enableSuperuserAccess is set. It "
        "declares roles by spec.managed.roles, and the owner of tables may publish them by name.",
    ),
    Rule(
        "read-only-blocks", "server facts", "error",
        "A database in which sessions only read is to have a subscription made or changed.",
        "PostgreSQL refuses CREATE and ALTER SUBSCRIPTION there: LI's database never follows main's.",
        "FACTS 3",
        "default_transaction_read_only holds for whoever logs in, the script that makes the subscription included; "
        "what the subscription itself applies goes on. One session is freed by PGOPTIONS='-c "
        "default_transaction_read_only=off'.",
    ),
    Rule(
        "replica-identity-missing", "server facts", "warning",
        "All of Synapse's tables are published, and some have no key.",
        "PostgreSQL then refuses UPDATE and DELETE on those tables of main: the publication for LI breaks "
        "main itself.",
        "PostgreSQL, Logical Replication, Publication",
        "A published table needs a primary key or another replica identity. Some of Synapse's have none. "
        "Give those REPLICA IDENTITY FULL before they are published.",
    ),
    Rule(
        "passwords-logged", "server facts", "warning",
        "The database writes statements with passwords into its log.",
        "CREATE ROLE and ALTER ROLE hold the password in clear, and whoever reads the logs has it.",
        "FACTS 3",
        "log_statement with ddl, mod or all logs them as they are sent. Leave it at none while roles are "
        "managed by statements; what must be audited can be by pgAudit, which redacts passwords.",
    ),
    Rule(
        "wal-level", "server facts", "error",
        "A publication stands in a database that does not log for it.",
        "Logical replication needs wal_level logical: the subscription fails when it makes its slot.",
        "PostgreSQL, Logical Replication, Configuration Settings",
        "CloudNativePG sets it to logical unless the Cluster says otherwise. A change takes effect when the "
        "instances restart, which the operator sees to.",
    ),
    Rule(
        "redis-open", "server facts", "error",
        "Redis asks for no password.",
        "An empty requirepass is none: whoever reaches the port reads and writes what Synapse's workers "
        "tell each other.",
        "FACTS 3; redis.conf, protected-mode",
        "Redis takes requirepass \"\" for the way to switch authentication off, and without any it answers other hosts "
        "once protected-mode is off. "
        "Give it 40 letters and digits, and restart its clients.",
    ),
    Rule(
        "redis-line", "server facts", "error",
        "A password's line of redis.conf does not have one word.",
        "Redis does not start: a blank ends the word, and a quote within it is unbalanced.",
        "FACTS 3",
        "In double quotes blanks are part of the word, and backslashes and quotes are escapes. Letters and "
        "digits need none of that.",
    ),
    Rule(
        "redis-requirepass-ignored", "server facts", "warning",
        "Redis has an ACL file, and so ignores requirepass.",
        "The default user is what the ACL file says, which may be one without a password.",
        "FACTS 3",
        "With aclfile all users come from that file. Its lines are parted at blanks and know no quotes.",
    ),
    Rule(
        "minio-users-admin", "server facts", "warning",
        "The operator of MinIO makes an application's user, as an administrator.",
        "Synapse, its twin and the backups can then read and delete every bucket, and a later change of the "
        "Secret is ignored.",
        "FACTS 3",
        "spec.users is deprecated: its users are created once, with the policy consoleAdmin. A Job with mc "
        "can make the user again whenever the Secret changes, and attach a policy for its buckets.",
    ),
    Rule(
        "minio-url", "server facts", "error",
        "A URL of MinIO does not meet its Service.",
        "The operator's Service listens on 443 with requestAutoCert and on 80 without; 9000 is the pods' "
        "own port. Media and backups fail.",
        "FACTS 10, 8.2",
        "Where requestAutoCert is not written it is true: the certificate is signed by the cluster's CA, which clients "
        "must trust. A "
        "Service of one's own with the name minio is taken for what the URLs mean, and not looked at.",
    ),
    Rule(
        "minio-access-key", "server facts", "error",
        "MinIO does not take the name of a user.",
        "It does not start, or the user is not made.",
        "FACTS 3",
        "An access key has three characters or more, and neither an equals sign nor a comma in it. It is a name and no "
        "secret: one that says what it is for will do.",
    ),
    Rule(
        "minio-environment", "server facts", "error",
        "A line of MinIO's config.env is not read as it looks.",
        "Its parser expands nothing and takes off one pair of equal quotes: the root password is then "
        "another one.",
        "FACTS 3",
        "Each line is export NAME=value. Nothing is unescaped, and a reference to a variable stays as it "
        "is.",
    ),
    Rule(
        "field-deprecated", "server facts", "warning",
        "A field is out of date.",
        "Its reader has another one now, and a later release no longer looks at this one.",
        "FACTS 4, 6, 7",
        "What is no longer read is not refused: an Ingress without a class is served by nobody or by the "
        "wrong controller, and an allow-list that nobody reads lets everybody in. Write the newer field, "
        "which the fix names, and remove the old one.",
    ),
    Rule(
        "auth-type-missing", "server facts", "error",
        "An Ingress names a Secret with passwords, and asks for none.",
        "ingress-nginx authenticates nobody unless auth-type is set, whatever auth-secret says.",
        "FACTS 4",
        "auth-type is basic or digest. The Secret has the key auth, with lines of htpasswd.",
    ),
    Rule(
        "satisfy-any", "server facts", "warning",
        "An allow-list and a password are alternatives.",
        "With satisfy: any either one lets in: the password is not asked of an allowed address, and any "
        "address may guess it.",
        "FACTS 4",
        "The default is all, which asks for both. Remove the annotation. On a host of LI it is the error li-either-or.",
    ),
    Rule(
        "admin-api-public", "server facts", "warning",
        "Everybody can ask for the admin API of Synapse.",
        "Whoever gets an administrator's token, or the registration secret, uses it from anywhere.",
        "FACTS 2; Synapse, docs/reverse_proxy.md",
        "Below /_synapse/admin an administrator's token reads, locks and deletes accounts and rooms, and the "
        "registration secret makes administrators. Clients need /_matrix and /_synapse/client alone. Route those two, "
        "or deny the path at the proxy in between; who administers reaches it by kubectl port-forward. It is not told "
        "where an allow-list is in force, where another path of the host comes first, or where a proxy stands between.",
    ),
    Rule(
        "element-elsewhere", "server facts", "error",
        "Element does not lead to Synapse of its instance.",
        "Its users cannot log in, or log in to another server than they think.",
        "checklist 3.2; Element Web, docs/config.md",
        "default_server_config of Element's config.json has the address of Synapse as clients reach it (base_url, "
        "public_baseurl at Synapse) and its server_name. It is a warning where the address is nobody's in this tree, "
        "or the name is not Synapse's. That LI's Element leads to main has a rule of its own.",
    ),
    Rule(
        "haproxy-password", "server facts", "error",
        "A user of HAProxy has a password that never matches.",
        "HAProxy knows crypt's formats and not Apache's; it expands $ between double quotes, and cuts a "
        "line at #.",
        "FACTS 3",
        "bcrypt ($2y$) and SHA-512 ($6$) work. Write the hash without quotes or in single ones.",
    ),
    Rule(
        "image-gone", "server facts", "warning",
        "An image is no longer where it is pulled from.",
        "Bitnami moved its versioned images to bitnamilegacy on 2025-08-28: a node that does not have it "
        "yet cannot start the pod.",
        "FACTS 10, 7.2",
        "It works until the pod moves to another node. The projects' own images have other names for their "
        "variables.",
    ),
)  # fmt: skip
