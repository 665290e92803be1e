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
)  # fmt: skip
