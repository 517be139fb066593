//! `policy`.
use std::path::Path;

use keyward_core::command::{DeletePolicy, ListPolicies, PutPolicy};
use keyward_core::limits::POLICY_MAX_BYTES;

use super::workload::done;
use crate::args::Global;
use crate::args::policy::Policy;
use crate::exit::Failure;
use crate::files;
use crate::out::{Out, moment};
use crate::session::{Session, name};

pub fn run(global: &Global, args: Policy, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let realm = session.realm()?;
    match args {
        Policy::Put { name: text, file } => {
            let command = PutPolicy {
                realm,
                name: name(&text)?,
                text: policy_text(&file)?,
            };
            session.run(async |client| client.put_policy(command).await)?;
            done(out, &format!("policy `{text}` in force"))
        }
        Policy::List => {
            let list =
                session.run(async |client| client.list_policies(ListPolicies { realm }).await)?;
            out.show(&list, |out| {
                let row = |policy: &keyward_client::Policy| {
                    let lines = policy.text.lines().count().to_string();
                    vec![
                        policy.name.clone(),
                        lines,
                        moment(&policy.changed_at),
                        policy.changed_by.clone(),
                    ]
                };
                let rows: Vec<_> = list.items.iter().map(row).collect();
                out.table(0, &["NAME", "LINES", "CHANGED", "BY"], &rows)
            })
        }
        Policy::Show { name: text } => {
            let list =
                session.run(async |client| client.list_policies(ListPolicies { realm }).await)?;
            let found = list.items.into_iter().find(|policy| policy.name == text);
            let found = found.ok_or_else(|| {
                Failure::usage(
                    format!("there is no policy `{text}` in this realm"),
                    "`keyward policy list` shows those there are.",
                )
            })?;
            out.show(&found, |out| out.line(found.text.trim_end()))
        }
        Policy::Delete { name: text } => {
            let command = DeletePolicy {
                realm,
                name: name(&text)?,
            };
            session.run(async |client| client.delete_policy(command).await)?;
            done(out, &format!("policy `{text}` removed"))
        }
    }
}

fn policy_text(file: &Path) -> Result<String, Failure> {
    if file == Path::new("-") {
        let bytes = files::read_limited(
            &mut std::io::stdin().lock(),
            POLICY_MAX_BYTES as u64,
            "standard input",
        )?;
        return String::from_utf8(bytes.into_inner()).map_err(|_| {
            Failure::local(
                "standard input is not text in UTF-8",
                "Check what is piped in.",
            )
        });
    }
    files::read_text(file, POLICY_MAX_BYTES as u64)
}
