//! The questions, in the order in which they are asked.

use super::{Choice, Kind, Question, Step};

pub const QUESTIONS: [Question; 14] = [
    Question {
        field: "method",
        step: Step::Method,
        label: "How should traffic to the manager be protected?",
        why: "SSL termination encrypts, and the manager proves who it is. Client mTLS does \
              that too, and each agent has to prove who it is; browsers need no certificate.",
        kind: Kind::Grid,
    },
    Question {
        field: "manager_name",
        step: Step::Names,
        label: "Name of the manager",
        why: "The name that browsers and agents use. It goes into the certificate and into each \
              agent's settings, and into server_name where another server would answer to it.",
        kind: Kind::Name,
    },
    Question {
        field: "alt_names",
        step: Step::Names,
        label: "Further names and addresses",
        why: "Everything else that somebody types to reach the manager: short names, old names, \
              addresses, with commas between them. A browser warns where the certificate does \
              not hold what was typed.",
        kind: Kind::Names,
    },
    Question {
        field: "agents",
        step: Step::Names,
        label: "Agents",
        why: "One certificate is made for each of these names, with commas between them: the host \
              names of the instances, or others that tell them apart. An agent without one is \
              refused once this is applied; you can add names later and apply again.",
        kind: Kind::HostNames,
    },
    Question {
        field: "options.enforce",
        step: Step::Names,
        label: "Certificates of agents",
        why: "A fleet is moved in two goes: observe first, hand the certificates out, and see with \
              nim-tls agents who is ready; then apply again with require.",
        kind: Kind::Choice(&[
            Choice {
                value: "require",
                means: "an agent without one is refused from the moment it is applied",
            },
            Choice {
                value: "observe",
                means: "asked for, judged, logged; nobody is refused: NOT ENFORCED",
            },
        ]),
    },
    Question {
        field: "options.redirect_http",
        step: Step::Names,
        label: "Send browsers on from port 80",
        why: "Whoever types the manager's name without https is sent there. Nothing else on port 80 \
              changes.",
        kind: Kind::YesNo,
    },
    Question {
        field: "usage_reporting.endpoint",
        step: Step::Names,
        label: "Usage reports go to",
        why: "The name under which the manager is to take the usage reports of this NGINX Plus; it \
              is verified then. None: nothing is changed about them.",
        kind: Kind::NameOrNone,
    },
    Question {
        field: "certificates.agent.bundle",
        step: Step::Certificates,
        label: "Files of this agent",
        why: "Where the folder lies that the manager has issued for this instance \
              (/var/lib/nim-tls/issued/NAME there), or the same as one .tar.gz: the agent's \
              certificate and key, and the root that the manager is verified with.",
        kind: Kind::Path,
    },
    Question {
        field: "certificates.ca_key.keep",
        step: Step::Certificates,
        label: "What becomes of the authority's key",
        why: "Whoever has this key can make certificates that the manager accepts. It is needed \
              for issuing and renewing, and for nothing else: nginx and the agents run without it.",
        kind: Kind::Choice(&[
            Choice {
                value: "encrypted",
                means: "kept, under a passphrase; who forgets it cannot issue or renew",
            },
            Choice {
                value: "plaintext",
                means: "kept, readable by root alone; apply can sign without asking",
            },
            Choice {
                value: "discard",
                means: "thrown away after this run; then nothing can be issued or renewed",
            },
        ]),
    },
    Question {
        field: "certificates.server.source",
        step: Step::Certificates,
        label: "Certificate of the manager",
        why: "Agents and browsers may have pinned the one that is in use, so a certificate that \
              is valid for the name is kept unless you want another.",
        kind: Kind::Choice(&[
            Choice {
                value: "auto",
                means: "keep what is valid for the name, else make one",
            },
            Choice {
                value: "generate",
                means: "make a new one in any case",
            },
            Choice {
                value: "keep",
                means: "keep what is there, and stop if it will not do",
            },
            Choice {
                value: "csr",
                means: "write a request for another authority; go on once it is signed",
            },
        ]),
    },
    Question {
        field: "certificates.key",
        step: Step::Certificates,
        label: "Kind of keys",
        why: "ECDSA is small and fast, and every client of the last ten years knows it. Choose \
              RSA where a policy or an old client asks for it.",
        kind: Kind::Choice(&[
            Choice {
                value: "ecdsa-p256",
                means: "the usual choice",
            },
            Choice {
                value: "ecdsa-p384",
                means: "where a policy asks for it",
            },
            Choice {
                value: "rsa-2048",
                means: "for old clients",
            },
            Choice {
                value: "rsa-3072",
                means: "for old clients, slower",
            },
            Choice {
                value: "rsa-4096",
                means: "for old clients, slow",
            },
        ]),
    },
    Question {
        field: "options.trust_store",
        step: Step::Certificates,
        label: "Put the root into the trust store",
        why: "Then programs on this host, curl and usage reporting among them, accept the \
              manager's certificate. Only the root goes there, and only for the names of this \
              plan.",
        kind: Kind::YesNo,
    },
    Question {
        field: "options.enable_services",
        step: Step::Certificates,
        label: "Start services with the system",
        why: "Some of the services that run now would not be there after the next start of this \
              host, and what was proven would not hold. systemctl enable changes that; rollback \
              takes it back.",
        kind: Kind::YesNo,
    },
    Question {
        field: "options.watch",
        step: Step::Certificates,
        label: "Have systemd look after it",
        why: "An upgrade of NGINX Instance Manager may put its own files back without a word. With \
              yes, nim-tls doctor runs once a day and after each change of the files; what it \
              finds is in the journal, and systemctl --failed names it.",
        kind: Kind::YesNo,
    },
];
