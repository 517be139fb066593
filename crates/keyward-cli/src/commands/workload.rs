//! `workload`.
use std::path::Path;

use keyward_client::{Principal, Token};
use keyward_core::ErrorCode;
use keyward_core::command::{
    BindCertificate, CreateWorkload, DescribePrincipal, IssueToken, ListPrincipals, RegisterAnchor,
    RevokeToken, SetPrincipalEnabled,
};
use keyward_core::ids::{PrincipalId, TokenId};
use keyward_core::time::Millis;
use keyward_tls::{Fingerprint, pem};
use serde_json::json;

use crate::args::Global;
use crate::args::workload::Workload;
use crate::commands::{all_pages, by_name, given_id};
use crate::exit::Failure;
use crate::files;
use crate::out::{Out, moment};
use crate::session::{Session, name};

pub fn run(global: &Global, args: Workload, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    match args {
        Workload::Create { name: text, roles } => {
            let command = CreateWorkload {
                realm: session.realm()?,
                name: name(&text)?,
                roles,
            };
            let made = session.run(async |client| client.create_workload(command).await)?;
            out.show(&made, |out| {
                out.say(&format!("workload `{}` made, id {}", made.name, made.id))
            })
        }
        Workload::List(paging) => {
            let realm = session.realm()?;
            let page = all_pages(paging.limit, |after, limit| {
                let after = after
                    .map(|text| given_id(&text, PrincipalId::parse))
                    .transpose()?;
                let command = ListPrincipals {
                    realm: realm.clone(),
                    after,
                    limit,
                };
                session.run(async |client| client.list_principals(command).await)
            })?;
            out.show(&page, |out| {
                let rows = by_name(page.items.iter().map(row).collect());
                out.table(1, &["NAME", "ROLES", "ENABLED", "ID"], &rows)
            })
        }
        Workload::Show { workload } => {
            let command = DescribePrincipal {
                principal: session.principal(&workload)?,
            };
            let found = session.run(async |client| client.describe_principal(command).await)?;
            out.show(&found, |out| facts(out, &found))
        }
        Workload::Token {
            workload,
            days,
            hours,
            output,
        } => token(&session, &workload, (days, hours), output.as_deref()),
        Workload::Revoke { token } => {
            let command = RevokeToken {
                token: token_id(&token)?,
            };
            session.run(async |client| client.revoke_token(command).await)?;
            done(out, "token revoked")
        }
        Workload::Certificate {
            workload,
            authority,
            name,
        } => certificate(&session, &workload, &authority, name),
        Workload::Disable { workload } => set_enabled(&session, &workload, false),
        Workload::Enable { workload } => set_enabled(&session, &workload, true),
    }
}

/// Says that something without a result is done.
pub fn done(out: Out, what: &str) -> Result<(), Failure> {
    out.show(&json!({ "done": true }), |out| out.say(what))
}

fn roles(principal: &Principal) -> String {
    let roles: Vec<String> = principal
        .grants
        .iter()
        .map(|grant| {
            if grant.realm == principal.realm {
                grant.role.clone()
            } else {
                format!("{} in {}", grant.role, grant.realm)
            }
        })
        .collect();
    roles.join(", ")
}

fn row(principal: &Principal) -> Vec<String> {
    let enabled = if principal.enabled { "yes" } else { "disabled" };
    vec![
        principal.name.clone(),
        roles(principal),
        enabled.to_owned(),
        principal.id.clone(),
    ]
}

fn facts(out: Out, principal: &Principal) -> Result<(), Failure> {
    out.facts(&[
        ("name", principal.name.clone()),
        ("id", principal.id.clone()),
        ("kind", principal.kind.clone()),
        ("realm", principal.realm.clone()),
        ("roles", roles(principal)),
        (
            "enabled",
            if principal.enabled { "yes" } else { "disabled" }.to_owned(),
        ),
        (
            "made",
            format!(
                "{} by {}",
                moment(&principal.created_at),
                principal.created_by
            ),
        ),
    ])
}

/// The id in a token's text, or the id itself.
fn token_id(text: &str) -> Result<TokenId, Failure> {
    given_id(text, TokenId::parse)
}

fn token(
    session: &Session,
    workload: &str,
    (days, hours): (Option<u64>, Option<u64>),
    output: Option<&Path>,
) -> Result<(), Failure> {
    if let Some(path) = output {
        // Before the token is issued: it is shown once, and must not be lost to a file that is there already.
        files::NewFile::create(path, files::Existing::Keep)?;
    }
    let lifetime = match (days, hours) {
        (Some(days), _) => Millis::days(days),
        (None, hours) => Millis(Millis::HOUR.0.saturating_mul(hours.unwrap_or(1))),
    };
    let command = IssueToken {
        principal: session.principal(workload)?,
        lifetime,
    };
    let issued = session.run(async |client| client.issue_token(command).await)?;
    match output {
        Some(path) => {
            let mut line = zeroize::Zeroizing::new(Vec::with_capacity(issued.token.len() + 1));
            line.extend_from_slice(issued.token.expose());
            line.push(b'\n');
            files::write_private(path, &line, files::Existing::Keep)?;
            let shown = json!({ "id": issued.id, "expires_at": issued.expires_at, "output": path.display().to_string() });
            session.out.show(&shown, |out| {
                out.say(&format!(
                    "token {} good until {}, in {}",
                    issued.id,
                    moment(&issued.expires_at),
                    path.display()
                ))
            })
        }
        None => show_token(session.out, &issued),
    }
}

fn show_token(out: Out, issued: &Token) -> Result<(), Failure> {
    let text = zeroize::Zeroizing::new(String::from_utf8_lossy(issued.token.expose()).into_owned());
    let shown = json!({ "id": issued.id, "token": text.as_str(), "expires_at": issued.expires_at });
    out.show(&shown, |out| {
        eprintln!(
            "token {} good until {}; it is not shown again:",
            issued.id,
            moment(&issued.expires_at)
        );
        out.line(&text)
    })
}

fn certificate(
    session: &Session,
    workload: &str,
    authority: &Path,
    name: String,
) -> Result<(), Failure> {
    let refused =
        |error: keyward_tls::TlsError| Failure::from(keyward_client::ClientError::from(error));
    let certificates = pem::certificates_from_file(authority).map_err(refused)?;
    let [der] = certificates.as_slice() else {
        return Err(Failure::local(
            format!(
                "`{}` holds {} certificates",
                authority.display(),
                certificates.len()
            ),
            "Give a file with the authority's own certificate only.",
        ));
    };
    let anchor = *Fingerprint::of(der).map_err(refused)?.as_bytes();
    let realm = session.realm()?;
    let principal = session.principal(workload)?;
    let register = RegisterAnchor {
        realm: realm.clone(),
        certificate: der.to_vec(),
    };
    match session.run(async |client| client.register_anchor(register).await) {
        Err(failure) if !is_there_already(&failure) => return Err(failure),
        _ => {}
    }
    let bind = BindCertificate {
        realm,
        anchor,
        name: name.clone(),
        principal,
    };
    session.run(async |client| client.bind_certificate(bind).await)?;
    let shown = json!({ "anchor": keyward_core::ids::hex(&anchor), "name": name, "principal": principal.to_string() });
    session.out.show(&shown, |out| {
        out.say(&format!(
            "certificates of `{}` with `{name}` are `{workload}` from now on",
            authority.display()
        ))
    })
}

/// Registering an authority twice is no failure here: the second binding needs it just as the first did.
fn is_there_already(failure: &Failure) -> bool {
    [
        ErrorCode::NameTaken,
        ErrorCode::Conflict,
        ErrorCode::StateUnchanged,
    ]
    .iter()
    .any(|code| code.as_str() == failure.code)
}

fn set_enabled(session: &Session, workload: &str, enabled: bool) -> Result<(), Failure> {
    let command = SetPrincipalEnabled {
        principal: session.principal(workload)?,
        enabled,
    };
    session.run(async |client| client.set_principal_enabled(command).await)?;
    done(
        session.out,
        if enabled {
            "enabled"
        } else {
            "disabled, effective now"
        },
    )
}
