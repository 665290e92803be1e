"""Rules: what is well formed: documents, encodings, key material."""

from wizard.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "unparseable", "well formed", "error", "A document is not valid YAML.",
        "kubectl refuses the file, and nothing in it can be checked.", "YAML 1.2.2",
        "The document cannot be read as YAML, so kubectl refuses the whole file, and no rule has looked into this "
        "document; all other documents of the file are checked. Most often it is an indentation that is off by one, a "
        "tab, or a text with a colon that wants quotes. To see what a parser says: kubectl apply --dry-run=client -f "
        "FILE. A template of Helm's is read without its actions; one that only Helm or Jinja can make YAML of is a "
        "warning, and may be ignored by its path, with that as the reason.",
    ),
    Rule(
        "key-twice", "well formed", "error", "A key stands twice in one mapping.",
        "One of the two is lost: kubectl and PyYAML take the last one in silence, kustomize and Flux refuse the file.",
        "YAML 1.2.2, 3.2.1.3; kubectl and kustomize 1.32; FACTS 5",
        "A key can stand once in a mapping. Of two, kubectl sends the last one and says nothing, so that the first is "
        "edited later to no effect; kustomize, which reads the same file, refuses it. See what kubectl understands: "
        "kubectl annotate --local -f FILE a=b -o yaml. Remove the one that is not meant. It is an error in Secrets and "
        "ConfigMaps where the two differ, else a warning. A key under both data: and stringData: of a Secret is told "
        "too: there stringData: wins.",
    ),
    Rule(
        "kustomization-list", "well formed", "error", "A kustomization does not list the files that are in use.",
        "kustomize refuses to build where a listed file is missing; what is listed and switched off is applied with "
        "its placeholders; what is in use and not listed is not applied.",
        "kubectl and kustomize 1.32; docs/decisions/0016",
        "kustomize builds what its list names and nothing else. A file that is named and not there is an error for any "
        "kustomization: kubectl kustomize DIR says so, too. The rest is told of one with the label "
        "app.kubernetes.io/managed-by: matrix-wizard, which that of the bundled tree has: setup keeps its list in step "
        "with the files and the answers. Take the label away to keep the list by hand.",
    ),
    Rule(
        "base64-missing", "well formed", "error", "A value under data: of a Secret is not base64.",
        "The API server refuses the whole Secret, and what reads it does not start.", "FACTS 5",
        "data: holds base64, stringData: holds plain text. The API server decodes each value under data: when the "
        "Secret is applied, and refuses it where that fails: illegal base64 data. Move the key to stringData:, or "
        "encode the text with base64 -w0.",
    ),
    Rule(
        "base64-wrapped", "well formed", "error", "A value under data: of a Secret is base64 in several lines.",
        "Folded lines are joined by blanks, which the API server does not decode; other readers stop at line ends too.",
        "FACTS 0, R3; FACTS 10, 2.4",
        "The command base64 breaks its lines at 76 characters unless it is told not to. Pasted into a plain or folded "
        "scalar the breaks become blanks, and the API server refuses the Secret: an error. In a literal block (|) they "
        "stay line ends, which Go's decoder skips and other programs may not: a warning. Encode with base64 -w0.",
    ),
    Rule(
        "base64-in-plain", "well formed", "error", "Base64 stands where the text itself is wanted.",
        "stringData: encodes what it is given, so the server gets the base64 text as its secret, and others the text "
        "itself: logins fail.",
        "FACTS 0, R3; FACTS 10, 2.2",
        "The checklist's own commands put the output of base64 into stringData:. The API server encodes that once "
        "more, so that the program reads base64 where its peers use the text. It is an error where the decoded text "
        "is a key, a certificate or another file that has one form only, or what another copy of the same secret "
        "holds; elsewhere a program may want base64, and it is a warning. Write the decoded text, or move the key to"
        " data:.",
    ),
    Rule(
        "base64-twice", "well formed", "error", "A value under data: is encoded twice.",
        "Its reader gets base64 where it wants the text.", "FACTS 10, 2.4",
        "Who encodes a text for stringData:, and then moves it to data: through another base64, has encoded it "
        "twice. See it with kubectl get secret NAME -o jsonpath='{.data.KEY}' | base64 -d | base64 -d. It is an "
        "error where the text is key material, else a warning: a few programs decode it themselves.",
    ),
    Rule(
        "trailing-newline", "well formed", "warning", "A secret ends in a line end, which its reader takes for a part.",
        "A password with a line end is another password than the one without.", "FACTS 3; kubernetes.io, Secrets",
        "echo ends its output with a line end, and echo TEXT | base64 encodes it. Files are often stripped by their "
        "reader; an environment variable is not, and neither is the password that CloudNativePG gives to a role. "
        "Encode with printf %s TEXT | base64 -w0, or write the text in quotes under stringData:.",
    ),
    Rule(
        "not-a-string", "well formed", "error", "A number or a boolean stands where the API server takes only a text.",
        "kubectl sends what YAML makes of it, and the API server refuses the object.", "FACTS 3, YAML typing",
        "Values of Secrets and ConfigMaps, annotations, labels and environment variables are texts. Without quotes "
        "YAML makes a number of 1e5, 0123, 0x1F, 1_000 or .5, and a boolean of y, on or no. The API server answers: "
        "cannot unmarshal number into a field of type string. Put the value in double quotes.",
    ),
    Rule(
        "key-misread", "well formed", "error", "A key without quotes is a boolean to kubectl.",
        "The key arrives under another name, true or false, and whoever reads it finds nothing.",
        "FACTS 3, YAML typing",
        "To kubectl the keys y, on and yes are the boolean true, and n, off and no are false; in JSON they become the "
        "texts true and false. Put the key in double quotes.",
    ),
    Rule(
        "parsers-disagree", "well formed", "warning", "A secret without quotes is a text only to some YAML parsers.",
        "What kubectl applies and what Ansible, Argo CD or a script reads are two different secrets.",
        "FACTS 3, YAML typing",
        "12:30 is a text to kubectl, and the number 750 to PyYAML, which reads digits with colons to the base of 60; "
        "dates are a type of their own to it. Put the value in double quotes.",
    ),
    Rule(
        "secret-misread", "well formed", "error", "A secret in a configuration is a number or a boolean to its server.",
        "Synapse stops, or computes with another text than its peers: registration fails with an HMAC that is wrong.",
        "FACTS 2; FACTS 3, YAML typing",
        "Synapse reads its configuration with PyYAML. A macaroon_secret_key of digits is a number there, and Synapse"
        " stops (no attribute encode); a registration_shared_secret is taken, and no request is ever signed right. "
        "Put it in double quotes. In values of Helm it is a warning: what a template makes of a number is not known "
        "here.",
    ),
    Rule(
        "unquoted-variable", "well formed", "error", "A variable without quotes becomes something else than a text.",
        "What is put in its place is read as YAML: a number, or a line that does not parse.",
        "FACTS 2, tree facts; FACTS 3",
        "envsubst and its like replace ${NAME} before Synapse reads the file, and what stands there then is YAML: "
        "digits become a number, a text with a colon or a # breaks the line. It is told where the Secret of the same"
        " name in this tree holds such a text. Put the variable in double quotes.",
    ),
    Rule(
        "key-malformed", "well formed", "error", "Key material that its server cannot read.",
        "The server does not start, or starts with a key of its own making: a wrong signing key changes who it is.",
        "FACTS 1, 3",
        "The text does not have the form that its server's own reader asks for: a signing key is one line of "
        "algorithm, version and unpadded base64; APNs wants an EC P-256 key in PKCS#8; FCM a service account's JSON; "
        "an htpasswd line a bcrypt hash. A comment left beside a signing key is enough to stop Synapse. Put the file "
        "that you were given there whole, or a placeholder and run setup, which makes it or asks for it. Never have "
        "Synapse generate another signing key: other servers would see a different server.",
    ),
    Rule(
        "key-hint", "well formed", "error", "A comment is left inside key material.",
        "In a block of text a line with # in front is text, so the key file has a line that its reader takes for a "
        "key.",
        "FACTS 1, 3",
        "Manifests come with hints where the key belongs: # Replace this. In a block scalar they are no comments of "
        "YAML but lines of the file, and who replaces only the marker leaves them. Synapse then does not start (not "
        "enough values to unpack), and no PEM text loads with prose in its body. Remove the lines; setup replaces the "
        "text as a whole.",
    ),
    Rule(
        "key-known", "well formed", "error", "A signing key that everybody can make.",
        "Whoever has it can sign as this server; Synapse from 1.147.1 on refuses it.", "FACTS 1; CVE-2026-24044",
        "A Helm tool made signing keys from a fixed seed, so that all its users have the same one. Synapse knows its "
        "public half and refuses it. Rotate it as compromised: matrix-wizard rotate signing-key --compromised.",
    ),
    Rule(
        "rsa-short", "well formed", "error", "An RSA key of fewer than 2048 bits.",
        "What it protects, the recovery keys of all users, can be read by whoever can factor it.",
        "NIST SP 800-131A rev. 2; FACTS 3",
        "RSA below 2048 bits has been disallowed since 2014. key_vault encrypts recovery keys under this one: a "
        "longer key is made easily, but what is stored must be encrypted anew under it before the old one goes. 3072"
        " bits and more are preferable.",
    ),
    Rule(
        "htpasswd-scheme", "well formed", "error", "A password file with a scheme that its proxy does not verify.",
        "Every login is refused; or, where the scheme is only weak, who reads the file knows the password soon.",
        "FACTS 3, htpasswd",
        "Each proxy verifies other schemes. ingress-nginx runs on Alpine, of which the C library knows no yescrypt "
        "($y$); HAProxy gives everything to crypt(), so that Apache's MD5 ($apr1$), the default of htpasswd, never "
        "matches. MD5, SHA-1 and plain text are a warning where they work. bcrypt under $2y$ works everywhere: "
        "htpasswd -nB -C 10.",
    ),
    Rule(
        "htpasswd-cost", "well formed", "warning", "A password file whose hash is dear.",
        "nginx computes the hash for every request and keeps none, in a worker that serves nobody else meanwhile.",
        "FACTS 3, htpasswd; nginx/nginx#1084",
        "bcrypt at cost 10 takes about 100 ms, at 12 up to half a second, at 14 more than one, for each image and each "
        "script of a page. With a long random password a cost of 8 to 10 is enough: htpasswd -nB -C 10 USER.",
    ),
    Rule(
        "tls-malformed", "well formed", "error", "A certificate or its key cannot be read.",
        "The ingress controller serves its own self-signed certificate instead, which no client trusts.",
        "RFC 7468; checklist 6.2",
        "tls.crt holds the server's certificate and then those of its issuers, tls.key the private key, both in PEM."
        " See what is there: kubectl get secret NAME -o jsonpath='{.data.tls\\.crt}' | base64 -d | openssl x509 "
        "-noout -text. Make the Secret anew from the files of your authority: kubectl create secret tls.",
    ),
    Rule(
        "tls-key-differs", "well formed", "error", "The private key does not belong to the certificate.",
        "No server loads the pair: ingress-nginx serves its own self-signed certificate instead.",
        "FACTS 6; checklist 6.2",
        "A renewed certificate came with a new key, or the certificates stand in the wrong order: the server's own "
        "comes first. Compare: openssl x509 -in tls.crt -noout -pubkey, and openssl pkey -in tls.key -pubout.",
    ),
    Rule(
        "tls-chain", "well formed", "error", "The chain of a certificate is out of order or incomplete.",
        "Browsers may fetch what is missing; other homeservers and phones do not, and refuse the connection.",
        "RFC 8446, 4.4.2; checklist 6.2",
        "The file begins with the server's certificate, and each one after it signed the one before; the root may be"
        " left out. Authorities hand this out as fullchain.pem. A file that has only the server's own certificate is"
        " a warning: a root that signs servers directly is possible in a house of its own.",
    ),
    Rule(
        "tls-names", "well formed", "error", "A certificate does not name a host that is served with it.",
        "Clients refuse the connection: the name of the host must be among the certificate's own names.",
        "RFC 9525; checklist 6.2",
        "The hosts are those that an Ingress lists beside this Secret under tls:. A wildcard stands for one label, "
        "so *.chat.net covers matrix.chat.net and neither chat.net nor a.b.chat.net; a name in the subject alone is "
        "read by nobody. See them: openssl x509 -in tls.crt -noout -ext subjectAltName.",
    ),
    Rule(
        "tls-expired", "well formed", "error", "A certificate has expired.",
        "Clients and other homeservers refuse the connection.", "RFC 5280, 4.1.2.5",
        "The end of a certificate is in the file; each one of the chain counts. Renew it with your authority and put"
        " both files into the Secret, or let cert-manager do it: matrix-wizard setup --set tls.mode=letsencrypt.",
    ),
    Rule(
        "tls-not-yet", "well formed", "error", "A certificate is not valid yet.",
        "Clients refuse the connection until its first day.", "RFC 5280, 4.1.2.5",
        "A certificate has a first day as well as a last one. Wait for it, or ask for one that is valid now; see "
        "that the clock of this machine is right.",
    ),
    Rule(
        "tls-expiring", "well formed", "warning", "A certificate expires within 30 days.",
        "A certificate that was given by hand is renewed by nobody, and authorities no longer write a mail.", "FACTS 6",
        "Let's Encrypt stopped its mails about expiry in June 2025. Renew the certificate and replace both files, or"
        " let cert-manager renew it: matrix-wizard setup --set tls.mode=letsencrypt.",
    ),
    Rule(
        "secret-refused", "well formed", "error", "A secret that its server does not accept.",
        "The server stops at it, or reads another text than its peers.", "FACTS 2, 3",
        "MinIO takes no secret of fewer than 8 characters, Synapse's replication secret travels in an HTTP header "
        "and may hold neither a blank nor letters beyond ASCII, and coturn reads lines of 1023 bytes. The message "
        "tells the limit. Have one made that every consumer takes: matrix-wizard rotate NAME.",
    ),
    Rule(
        "secret-weak", "well formed", "warning", "A secret is short, or easy to guess.",
        "Nothing limits the tries against most of these secrets, and whoever has one forges tokens or reads the "
        "database.",
        "FACTS 0, R1; FACTS 3",
        "Django's own check wants 50 characters, LiveKit complains below 32; of any other secret that a machine can "
        "make 16 are expected here, that are neither the same few again nor words that are tried first. Have one "
        "made, of 40 letters and digits: matrix-wizard rotate NAME.",
    ),
)  # fmt: skip
