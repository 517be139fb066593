//! Contexts: which servers there are and how to reach them, in `~/.config/keyward/config.toml`.
//!
//! A context names files; it never holds a secret itself. This is the only place that reads the environment.
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::exit::Failure;
use crate::files;

/// The whole file.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The context that is used when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// Contexts by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contexts: BTreeMap<String, Context>,
}

/// One server and one way to be known to it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// `https://host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// PEM file with the authority of the server's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// File with a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// PEM file with a client certificate, instead of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// PEM file with its private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<PathBuf>,
    /// Realm that is meant when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// The log's verifier key, as `keyward init` printed it: what offline verification trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_key: Option<String>,
}

/// The file with its place.
#[derive(Debug)]
pub struct ConfigFile {
    pub path: PathBuf,
    pub config: Config,
}

impl ConfigFile {
    /// Reads it; a file that is not there is empty.
    pub fn read(named: Option<&Path>) -> Result<Self, Failure> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => default_path()?,
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => String::new(),
            Err(error) => return Err(Failure::file(&path, &error)),
        };
        let config = toml::from_str(&text).map_err(|error| {
            Failure::local(
                format!(
                    "`{}` is not a configuration: {}",
                    path.display(),
                    error.message()
                ),
                "Correct the file; docs/cli.md lists the fields.",
            )
        })?;
        Ok(Self { path, config })
    }

    /// Writes it, readable by its owner only.
    pub fn write(&self) -> Result<(), Failure> {
        if let Some(directory) = self.path.parent() {
            std::fs::create_dir_all(directory).map_err(|error| Failure::file(directory, &error))?;
        }
        let text = toml::to_string(&self.config)
            .map_err(|error| Failure::local(error.to_string(), "Report this."))?;
        files::write_private(&self.path, text.as_bytes(), files::Existing::Replace)
    }

    /// The named context, or the current one; an empty one if there is none at all.
    pub fn context(&self, named: Option<&str>) -> Result<Context, Failure> {
        let Some(name) = named.or(self.config.current.as_deref()) else {
            return Ok(Context::default());
        };
        self.config.contexts.get(name).cloned().ok_or_else(|| {
            Failure::usage(
                format!("there is no context `{name}` in `{}`", self.path.display()),
                "`keyward context list` shows those there are; `keyward context set` makes one.",
            )
        })
    }
}

/// `$XDG_CONFIG_HOME/keyward/config.toml`, or below `~/.config`.
#[expect(
    clippy::disallowed_methods,
    reason = "this module is where the command line reads its environment"
)]
fn default_path() -> Result<PathBuf, Failure> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))
        .map(|base| base.join("keyward/config.toml"))
        .ok_or_else(|| {
            Failure::local(
                "neither HOME nor XDG_CONFIG_HOME says where the configuration is",
                "Name the file with --config.",
            )
        })
}

/// Whether the environment asks for no colours (<https://no-color.org>).
#[expect(
    clippy::disallowed_methods,
    reason = "this module is where the command line reads its environment"
)]
pub fn no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_field_is_refused() {
        let text = "[contexts.a]\nserver = \"https://a\"\ntokenfile = \"x\"\n";
        let error = toml::from_str::<Config>(text).unwrap_err();
        assert!(error.message().contains("tokenfile"), "{error}");
    }

    #[test]
    fn what_is_written_reads_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sub/config.toml");
        let context = Context {
            server: Some("https://a:1".to_owned()),
            ca: Some("/ca.pem".into()),
            realm: Some("shop".to_owned()),
            ..Context::default()
        };
        let config = Config {
            current: Some("a b".to_owned()),
            contexts: BTreeMap::from([("a b".to_owned(), context)]),
        };
        ConfigFile {
            path: path.clone(),
            config: config.clone(),
        }
        .write()
        .unwrap();
        assert_eq!(ConfigFile::read(Some(&path)).unwrap().config, config);
    }

    #[test]
    fn a_context_that_is_not_there_is_named() {
        let file = ConfigFile {
            path: "x".into(),
            config: Config::default(),
        };
        assert_eq!(file.context(None).unwrap(), Context::default());
        assert!(
            file.context(Some("prod"))
                .unwrap_err()
                .what
                .contains("`prod`")
        );
    }
}
