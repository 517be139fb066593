//! How a command ends: the exit code, and what a person is told. The table is in `docs/cli.md`.
use std::process::ExitCode;

use keyward_client::{ClientError, Refusal};
use keyward_core::ErrorCode;
use serde_json::json;

use crate::out::wrapped;

/// Longest line of a message, without its label.
const LINE: usize = 72;

/// Exit codes; stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The server understood and said no.
    Refused = 1,
    /// The command line is not right; clap uses the same number.
    Usage = 2,
    /// No trusted connection; nothing was done.
    NotReachable = 3,
    /// The server is sealed.
    Sealed = 4,
    /// Evidence or stored data do not verify.
    Integrity = 5,
    /// Something of this machine: a file, a permission, the configuration.
    Local = 6,
    /// The request was sent and no answer came: it may have taken effect.
    Unknown = 7,
}

/// A failure with all that a person needs: what happened, its code, what to do next.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub code: String,
    pub what: String,
    pub next: String,
    pub request_id: Option<String>,
}

impl Failure {
    /// The command line is not right.
    pub fn usage(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", what, next)
    }

    /// Something of this machine.
    pub fn local(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Exit::Local, "local", what, next)
    }

    /// Something does not verify.
    pub fn integrity(what: impl Into<String>) -> Self {
        Self::new(
            Exit::Integrity,
            "not_verified",
            what,
            "Keep the files as they are, do not rely on what they say, and start an investigation.",
        )
    }

    pub fn new(exit: Exit, code: &str, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            exit,
            code: code.to_owned(),
            what: what.into(),
            next: next.into(),
            request_id: None,
        }
    }

    /// A file that cannot be read or written.
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        // The system's number says nothing more to people than its words.
        let reason = match error.raw_os_error() {
            Some(_) if error.kind() == std::io::ErrorKind::NotFound => {
                "no such file or directory".to_owned()
            }
            Some(_) => error.kind().to_string(),
            None => error.to_string(),
        };
        Self::local(
            format!("`{}`: {reason}", path.display()),
            "Check the path and its permissions.",
        )
    }

    /// Tells it on standard error: as one JSON object, or in lines for people.
    pub fn report(&self, as_json: bool) -> ExitCode {
        if as_json {
            let mut object = json!({
                "code": self.code, "detail": self.what, "help": self.next, "exit": self.exit as u8,
            });
            if let (Some(id), Some(members)) = (&self.request_id, object.as_object_mut()) {
                members.insert("request_id".to_owned(), id.as_str().into());
            }
            eprintln!("{}", json!({ "error": object }));
        } else {
            let code = match &self.request_id {
                Some(id) => format!("{} (request {id})", self.code),
                None => self.code.clone(),
            };
            for (name, text) in [
                ("error", &self.what),
                (" code", &code),
                (" next", &self.next),
            ] {
                for (index, line) in wrapped(text, LINE).iter().enumerate() {
                    let name = if index == 0 {
                        format!("{name}: ")
                    } else {
                        " ".repeat(name.len() + 2)
                    };
                    eprintln!("{name}{line}");
                }
            }
        }
        ExitCode::from(self.exit as u8)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let text = error.to_string();
        match error {
            ClientError::Refused(refusal) => refused(*refusal),
            ClientError::Unreachable { .. } => Self::new(
                Exit::NotReachable,
                "unreachable",
                text,
                "Check the address, and that the server runs: `keyward context list` shows where it is looked for.",
            ),
            ClientError::Untrusted { .. } => Self::new(
                Exit::NotReachable,
                "untrusted",
                text,
                "Check that the address is the right one, and that --ca names the authority of its certificate.",
            ),
            ClientError::NoAnswer { .. } => Self::new(
                Exit::Unknown,
                "no_answer",
                text,
                "The request may have taken effect: look before repeating it (`keyward audit records`).",
            ),
            ClientError::Token(_) | ClientError::Tls(_) | ClientError::Runtime(_) => {
                Self::local(text, "Correct the named credential or certificate file.")
            }
            ClientError::Address(_) => Self::usage(text, "Give it as https://HOST:PORT."),
            ClientError::Answer { .. } | ClientError::NotCallable { .. } => Self::new(
                Exit::Local,
                "answer",
                text,
                "Check the address, and that server and command line are of releases that go together.",
            ),
        }
    }
}

fn refused(refusal: Refusal) -> Failure {
    let exit = match refusal.known() {
        Some(ErrorCode::Sealed) => Exit::Sealed,
        Some(
            ErrorCode::AuditInconsistent
            | ErrorCode::StorageCorrupted
            | ErrorCode::OutcomeUnknown
            | ErrorCode::SignatureInvalid
            | ErrorCode::MacInvalid,
        ) => {
            if refusal.known() == Some(ErrorCode::OutcomeUnknown) {
                Exit::Unknown
            } else {
                Exit::Integrity
            }
        }
        _ => Exit::Refused,
    };
    let next = match refusal.known() {
        Some(ErrorCode::Sealed) => "Open the seal with `keyward unseal`.".to_owned(),
        Some(
            ErrorCode::Unauthenticated
            | ErrorCode::TokenInvalid
            | ErrorCode::TokenExpired
            | ErrorCode::TokenRevoked,
        ) => {
            format!(
                "{} `--token-file` or the context's `token_file` says which one is used.",
                refusal.help
            )
        }
        _ => refusal.help.clone(),
    };
    Failure {
        exit,
        code: refusal.code,
        what: refusal.detail,
        next,
        request_id: Some(refusal.request_id).filter(|id| !id.is_empty()),
    }
}
