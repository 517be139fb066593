//! Passphrases: typed without echo on the terminal, or from a file or an open descriptor; never from the command line,
//! where every other program can read them.
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use keyward_core::secret::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::exit::Failure;
use crate::files;

/// Longest line taken from a terminal.
const LINE_MAX: usize = 1024;

/// Where a passphrase comes from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub file: Option<&'a Path>,
    pub descriptor: Option<u32>,
}

/// Whether a new passphrase is chosen or an existing one entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Typed twice.
    New,
    Existing,
}

/// Reads the passphrase; one line end at its end is not part of it.
pub fn passphrase(source: Source<'_>, asking: Asking) -> Result<Secret, Failure> {
    let secret = match (source.file, source.descriptor) {
        (Some(path), _) => files::read_secret(path)?,
        (None, Some(number)) => descriptor(number)?,
        (None, None) => typed(asking)?,
    };
    let secret = without_line_end(secret);
    if secret.is_empty() {
        return Err(Failure::usage(
            "the passphrase is empty",
            "Enter the passphrase.",
        ));
    }
    Ok(secret)
}

fn without_line_end(secret: Secret) -> Secret {
    let mut bytes = secret.into_inner();
    for end in [b'\n', b'\r'] {
        if bytes.last() == Some(&end) {
            bytes.pop();
        }
    }
    Secret::new(bytes)
}

/// Through `/dev/fd`, which duplicates a descriptor that the caller opened for us.
fn descriptor(number: u32) -> Result<Secret, Failure> {
    let name = format!("/dev/fd/{number}");
    let path = Path::new(&name);
    let mut file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    files::read_limited(&mut file, LINE_MAX as u64, &name)
}

fn typed(asking: Asking) -> Result<Secret, Failure> {
    let mut terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .map_err(|_| {
            Failure::usage(
                "there is no terminal to ask for the passphrase",
                "Give it with --passphrase-file FILE or --passphrase-fd NUMBER.",
            )
        })?;
    let first = without_line_end(prompted(&mut terminal, "Passphrase: ")?);
    if asking == Asking::New {
        let second = without_line_end(prompted(&mut terminal, "Once more: ")?);
        if first.expose() != second.expose() {
            return Err(Failure::usage("the two passphrases differ", "Try again."));
        }
    }
    Ok(first)
}

/// Asks with echo off, and puts the terminal back however it ends.
fn prompted(terminal: &mut File, text: &str) -> Result<Secret, Failure> {
    let failed = |error: std::io::Error| {
        Failure::local(format!("terminal: {error}"), "Use --passphrase-file.")
    };
    let quiet = Quiet::begin(terminal).map_err(failed)?;
    write!(terminal, "{text}")
        .and_then(|()| terminal.flush())
        .map_err(failed)?;
    let mut line = vec![0_u8; LINE_MAX];
    let mut length = 0;
    while let Some(place) = line.get_mut(length..length + 1) {
        if terminal.read(place).map_err(failed)? == 0 || line.get(length) == Some(&b'\n') {
            break;
        }
        length += 1;
    }
    // The rest of the buffer was never written to, so cutting it off leaves nothing behind.
    line.truncate(length);
    let secret = Secret::new(line);
    drop(quiet);
    writeln!(terminal).map_err(failed)?;
    Ok(secret)
}

struct Quiet {
    terminal: File,
    before: Termios,
}

impl Quiet {
    fn begin(terminal: &File) -> std::io::Result<Self> {
        let terminal = terminal.try_clone()?;
        let before = tcgetattr(&terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// Makes sure that somebody means what cannot be undone.
pub fn confirm(what: &str, word: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
    let Ok(mut terminal) = terminal else {
        return Err(Failure::usage(
            format!("{what}, and there is no terminal to confirm it"),
            "Say --yes if you mean it.",
        ));
    };
    let failed = |error: std::io::Error| Failure::local(format!("terminal: {error}"), "Use --yes.");
    write!(terminal, "{what}.\nType `{word}` to go on: ")
        .and_then(|()| terminal.flush())
        .map_err(failed)?;
    let mut answer = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(terminal), &mut answer)
        .map_err(failed)?;
    if answer.trim_end_matches(['\n', '\r']) == word {
        Ok(())
    } else {
        Err(Failure::usage(
            "not confirmed; nothing was done",
            "Repeat the command if you mean it.",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_from_a_file_loses_one_line_end_and_no_blanks() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("p");
        for (text, kept) in [
            ("a b \n", "a b "),
            ("a\r\n", "a"),
            ("a", "a"),
            ("a\n\n", "a\n"),
        ] {
            files::write_private(&path, text.as_bytes(), files::Existing::Replace).unwrap();
            let source = Source {
                file: Some(&path),
                descriptor: None,
            };
            assert_eq!(
                passphrase(source, Asking::New).unwrap().expose(),
                kept.as_bytes(),
                "{text:?}"
            );
        }
        files::write_private(&path, b"\n", files::Existing::Replace).unwrap();
        let source = Source {
            file: Some(&path),
            descriptor: None,
        };
        assert!(passphrase(source, Asking::New).is_err());
    }
}
