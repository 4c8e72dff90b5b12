//! An authority from elsewhere: what has to be said of it.

use super::*;

/// The good answers, with the agents' authority from elsewhere.
fn importing(changes: &[(&str, &str)]) -> Result<Goal, String> {
    let mut text = GOOD.replace("\n  ca_key: {keep: plaintext}", &format!(" {IMPORT}"));
    for (from, to) in changes {
        assert!(text.contains(from), "{from:?} is not in {text}");
        text = text.replace(from, to);
    }
    let draft = read(text.as_bytes()).map_err(|error| error.to_string())?;
    Goal::check(&draft).map_err(|refusals| {
        let words = refusals
            .iter()
            .map(|one| format!("{}: {}", one.field, one.why));
        words.collect::<Vec<_>>().join("\n")
    })
}

#[test]
fn an_authority_from_elsewhere_is_taken_with_its_files() {
    let goal = importing(&[]).unwrap();
    let answers = goal.manager().unwrap();
    let files: Vec<String> = answers
        .files(&"/s".parse().unwrap())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(files, ["/a", "/b"]);
    let without = importing(&[(", ca_key: /b", "")]).unwrap();
    let clients = without.manager().unwrap().clients.as_ref();
    assert!(matches!(clients, Some(ClientSource::Import(one)) if one.key.is_none()));
    importing(&[("role: manager", "role: ca")]).unwrap();
    // A lifetime that our own intermediate could not have.
    importing(&[("{ca_key", "{days: {agent: 3000}, ca_key")]).unwrap();
    // Its key may need a passphrase where ours needs none.
    importing(&[("keep: plaintext", "keep: plaintext, passphrase_file: /c")]).unwrap();
}

#[test]
fn an_authority_from_elsewhere_needs_a_list_and_a_proxy_that_asks_it() {
    let nim1 = ("generation: nim2", "generation: nim1");
    for (changes, said) in [
        (
            vec![("[web-1.example.com]", "[]")],
            "agents: is empty: with an authority from elsewhere only these",
        ),
        (
            vec![("ca_cert: /a, ", "")],
            "certificates.clients.ca_cert: is missing",
        ),
        (
            vec![("role: manager", "role: ca"), (", ca_key: /b", "")],
            "certificates.clients.ca_key: is missing: role ca issues",
        ),
        (
            vec![("method: client-mtls", "method: ssl-termination")],
            "certificates.clients.source: is an authority from elsewhere, which belongs to method: client-mtls",
        ),
        (
            vec![nim1, ("proxy: nginx-oss", "proxy: none")],
            "certificates.clients.source: is an authority from elsewhere, which needs a proxy",
        ),
        (
            vec![("version: 1", "version: 1\noptions: {crl: true}")],
            "options.crl: belongs to clients: {source: generate}",
        ),
        (
            vec![
                nim1,
                ("version: 1", "version: 1\noptions: {backend_tls: true}"),
            ],
            "options.backend_tls: belongs to clients: {source: generate}",
        ),
        (
            vec![("import-ca", "generate")],
            "certificates.clients: ca_cert and ca_key belong to source: import-ca",
        ),
        (
            vec![("import-ca", "csr")],
            "certificates.clients.ca_key: belongs to source: import-ca",
        ),
        (
            vec![("ca_key: /b", "certs: /b")],
            "certificates.clients: certs belongs to source: csr",
        ),
        (
            vec![
                ("import-ca, ", "csr, "),
                (", ca_key: /b", ""),
                ("{ca_key", "{days: {agent: 30}, ca_key"),
            ],
            "certificates.days.agent: is for an authority to decide",
        ),
        (
            vec![("import-ca", "bought")],
            "takes only: generate, import-ca, csr",
        ),
    ] {
        let found = importing(&changes).unwrap_err();
        assert!(found.contains(said), "{said}: {found}");
    }
}
