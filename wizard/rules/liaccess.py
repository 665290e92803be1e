"""Rules: who gets at the LI instance, and what it may do."""

from wizard.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "li-open", "li access", "error", "An LI host has no address allow-list in force.",
        "Without the annotation an Ingress is open to everybody, and an invalid entry may leave the former rules in "
        "force.",
        "checklist 4.1; FACTS 4",
        "An Ingress without an allow-list takes the controller's default, which is empty and lets everybody in. One "
        "entry that is no address range is not skipped: depending on its version ingress-nginx answers 503 to all, or "
        "keeps the rules that were there before. Ask for the host from an address that is not allowed: it must say "
        "403. Setup writes the list in the way of the controller that reads the Ingress.",
    ),
    Rule(
        "li-wide", "li access", "error", "An entry of LI's allow-list lets in far too many.",
        "A range wider than /8 (IPv6: /16) holds a large part of all addresses: the list protects from few.",
        "checklist 4; RFC 4632, 3.1",
        "The interview refuses such a range. One wider than /16 (IPv6: /32) is a warning: few own as much as a whole, "
        "and it is often a netmask that was typed wrong. Ask those who are to reach LI for the addresses that they "
        "come from, which are mostly a few. Entries are told by their number only, for they are confidential.",
    ),
    Rule(
        "li-range-unused", "li access", "warning", "An entry of LI's allow-list holds addresses that no client has.",
        "It lets in nobody, so that whoever was meant by it is shut out.", "RFC 6890; RFC 5737; RFC 9637",
        "Loopback, link-local, multicast and reserved addresses never arrive at a controller as a client's. Nor do "
        "those of documentation, of which the usual ones are told as placeholders. Mostly such an entry is left from "
        "an example or a test. Write the range that was meant.",
    ),
    Rule(
        "li-private", "li access", "warning", "An entry of LI's allow-list is private, the host on the internet.",
        "Nobody on the internet has such an address, but nodes and pods of the cluster do.",
        "RFC 1918; RFC 8555, 8.3; FACTS 4",
        "The host gets its certificate by HTTP, so that it is reached from the internet. A private range then lets in "
        "the cluster itself, and everybody where the controller sees the address of a node in place of the client's. "
        "It makes sense where LI is used over a VPN that leads to the controller: then leave it, and say so where the "
        "finding is ignored. Else write the public ranges of those who may reach LI.",
    ),
    Rule(
        "li-lists-differ", "li access", "warning", "LI's hosts let in different address ranges.",
        "The client, its server and the admin page are of use together only, and a range that was taken off one list "
        "is still let in by another.",
        "checklist 4.1",
        "A browser that opens LI's Element or its admin page asks LI's Synapse for everything. Where the lists differ "
        "somebody sees a page that does not work, or still gets in after having been taken off. Setup writes one list "
        "on all hosts.",
    ),
    Rule(
        "li-no-password", "li access", "error", "The LI admin page asks for no password.",
        "The admin page reaches every user and room; the allow-list alone lets in whoever sits behind an allowed "
        "address.",
        "checklist 4.3; FACTS 4",
        "ingress-nginx asks for a password only where auth-type says so: auth-secret alone is read by nobody. Traefik "
        "asks in a Middleware, other controllers in annotations of their own. Open the host from an allowed address: "
        "it must say 401. Setup writes the annotations that are missing.",
    ),
    Rule(
        "li-password-lost", "li access", "error", "The LI admin page asks for a password that nobody can give.",
        "The controller finds no Secret, or not the key in it, and answers 503 to everybody.",
        "FACTS 4; ingress-nginx, annotations/auth",
        "The annotation auth-secret names a Secret in the namespace of the Ingress; its key must be called auth, "
        "unless auth-secret-type is auth-map. A Secret of another namespace is refused by default since ingress-nginx "
        "1.12. See it in the log of the controller, or by the 503. One that was made by kubectl alone is not in the "
        "tree: have it there, so that the next cluster has it, too.",
    ),
    Rule(
        "li-either-or", "li access", "error", "An LI host lets in by its allow-list or by a password.",
        "With satisfy: any whoever knows the password gets in from anywhere, and whoever is at an allowed address "
        "needs none.",
        "FACTS 4; nginx, ngx_http_core_module, satisfy",
        "nginx asks for both unless it is told otherwise, and the annotation tells it otherwise. Remove it: the "
        "default is all.",
    ),
    Rule(
        "li-address-forged", "li access", "error", "A client can choose the address that LI's allow-lists look at.",
        "The controller believes a header of the request, from everybody: with the right X-Forwarded-For anyone "
        "passes every allow-list.",
        "FACTS 4; ingress-nginx, ConfigMap, proxy-real-ip-cidr",
        "use-forwarded-headers (or enable-real-ip) has nginx take the client's address from X-Forwarded-For, and "
        "proxy-real-ip-cidr says from whom it does. The default of that is everybody. See it with: curl -H "
        "'X-Forwarded-For: ADDRESS' https://HOST/ from outside, ADDRESS being an allowed one: it says 200 in place of "
        "403. Where no proxy stands before the controller switch the option off; where one does, write its ranges in "
        "proxy-real-ip-cidr. With the PROXY protocol it is a warning: there only who reaches the controller past its "
        "load balancer can forge.",
    ),
    Rule(
        "li-address-lost", "li access", "warning", "LI's allow-lists see the address of a node, not the client's.",
        "By the default policy of a Service nodes replace the address of the client by their own: the list shuts out "
        "everybody, or lets in everybody where it holds the nodes.",
        "FACTS 4; Kubernetes, Service, externalTrafficPolicy",
        "externalTrafficPolicy: Local brings the request to a pod on the node that it came in by, with its address "
        "unchanged. See it in the log of the controller: the addresses there must be those of clients. Load balancers "
        "that lead straight to pods, or that speak the PROXY protocol, keep the address in another way.",
    ),
    Rule(
        "li-unlogged", "li access", "error", "Nothing is logged of who uses LI.",
        "The law asks for a record of each access, and what is not written is lost.", "checklist 13",
        "ingress-nginx logs each request, unless an Ingress says enable-access-log: \"false\", or the controller's "
        "ConfigMap says so for all. Remove the line, and keep the log where it is not overwritten.",
    ),
    Rule(
        "annotation-unread", "li access", "warning", "An annotation is for another ingress controller.",
        "The controller that reads the Ingress takes no notice of it, and says nothing.", "FACTS 4",
        "Each controller reads annotations of its own prefix. One of another is kept, and does nothing. Where it is "
        "the allow-list or the password of an LI host that is an error: the host is open. Say the same in the words "
        "of the controller whose class the Ingress has.",
    ),
    Rule(
        "annotation-misspelt", "li access", "warning", "An annotation has a slip in its name.",
        "Nobody refuses it, and nobody reads it: what it was to forbid is allowed.",
        "FACTS 4; ingress-nginx, Annotations",
        "A controller takes the annotations that it knows and says nothing of the others: whitelist-source-ranges "
        "leaves a host open as if no list were there. Told are names that neither ingress-nginx nor cert-manager has, "
        "and that are very like one that they have. Where it was to guard an LI host that is an error. Write the name "
        "that was meant; matrix-wizard check --fix does so.",
    ),
    Rule(
        "li-federates", "li access", "error", "LI's Synapse takes part in federation.",
        "It has main's name and signing key: other servers take what it says for main's, and main knows nothing of it.",
        "FACTS 1; Synapse, federation_domain_whitelist",
        "An empty federation_domain_whitelist forbids both directions. Without it LI answers other servers where a "
        "listener has the resource federation, which is the error, and asks them whenever a user of LI opens a foreign "
        "room or profile, which is a warning, since a firewall may stop it. Write the empty list, and leave federation "
        "out of the listeners.",
    ),
    Rule(
        "li-element-main", "li access", "error", "LI's Element, or its admin page, leads to main's Synapse.",
        "Whoever works at LI logs in to main there: it is seen by the user whose account that is, and no allow-list "
        "guards it.",
        "checklist 2.8, 3.2; Element Web, docs/config.md",
        "Both instances have one server_name, and Element tells them apart by base_url alone, the admin page by "
        "restrictBaseUrl. One that was copied from "
        "main's configuration looks right and works, on main: messages are marked as read, devices appear, and what is "
        "done there is not logged as access of LI. Write LI's own address.",
    ),
    Rule(
        "li-registers", "li access", "error", "One can register at LI's Synapse.",
        "Rows that LI writes by itself collide with those that main's database sends, and stop the replication.",
        "PostgreSQL, Logical Replication, Conflicts; Synapse, enable_registration",
        "LI is a copy to read: its users are main's, which replication brings. An account that was made on LI is not "
        "main's, and may stop the replication as soon as main makes a row with the same key. Write "
        "enable_registration: false, which is Synapse's default.",
    ),
    Rule(
        "li-guests", "li access", "error", "LI's Synapse lets in guests.",
        "A guest needs no account: whoever reaches the host can look into every room that guests may read.",
        "Synapse, allow_guest_access",
        "Guests are accounts that anybody can make without a name. On LI there is no use for them, and each is a row "
        "that main's database does not know. Write allow_guest_access: false, which is Synapse's default.",
    ),
    Rule(
        "li-retention", "li access", "error", "LI drops something sooner than main does.",
        "LI is there to keep what is asked for later; what it has dropped cannot be handed over.",
        "checklist 8.3, 13; Synapse, retention, media_retention",
        "Backups of LI's database are kept at least as long as main's. Synapse's own retention and media_retention "
        "delete on each instance by its own configuration: what LI deletes is gone there, though main has it. Leave "
        "them out of LI's configuration, or give them main's values.",
    ),
    Rule(
        "policy-missing", "li access", "warning", "A NetworkPolicy of the checklist is missing.",
        "The allow-lists guard LI's hosts at the ingress controller only: inside the cluster policies alone do.",
        "checklist 9.3; FACTS 4",
        "The checklist names twelve policies, of which those are looked for that are about something in the tree. "
        "Those of later phases, monitoring and antivirus, are no findings before their servers are there. Of a tree "
        "with LI and no policy at all one is told. One under "
        "another name does as well: then ignore this with that as the reason. What is in force in a cluster is told by "
        "kubectl get networkpolicies -A.",
    ),
    Rule(
        "policy-idle", "li access", "warning", "A NetworkPolicy selects no pod of the tree.",
        "A policy that selects nothing protects nothing, and a peer that is nobody is let in in vain.",
        "checklist 9.3; Kubernetes, NetworkPolicy",
        "A selector must have the labels of the pods, not those of the object that makes them: spec.template."
        "metadata.labels. Pods of CloudNativePG have cnpg.io/cluster, those of MinIO v1.min.io/tenant. Labels that no "
        "pod of the tree has at all are taken for those of somebody else.",
    ),
)  # fmt: skip
