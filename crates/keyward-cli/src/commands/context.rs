//! `context`.
use crate::args::Global;
use crate::args::context::Context as Args;
use crate::config::{ConfigFile, Context};
use crate::exit::Failure;
use crate::out::Out;

pub fn run(global: &Global, args: Args, out: Out) -> Result<(), Failure> {
    let mut file = match ConfigFile::read(global.config.as_deref()) {
        // A named file that is not there yet is made by `set`.
        Err(_)
            if matches!(args, Args::Set { .. })
                && global.config.as_ref().is_some_and(|path| !path.exists()) =>
        {
            ConfigFile {
                path: global.config.clone().unwrap_or_default(),
                config: Default::default(),
            }
        }
        other => other?,
    };
    match args {
        Args::List => return list(&file, out),
        Args::Use { name } => {
            file.context(Some(&name))?;
            file.config.current = Some(name);
        }
        Args::Set { name, log_key } => {
            let mut context = file.config.contexts.remove(&name).unwrap_or_default();
            change(&mut context, global, log_key)?;
            file.config.contexts.insert(name.clone(), context);
            file.config.current.get_or_insert(name);
        }
        Args::Remove { name } => {
            file.context(Some(&name))?;
            file.config.contexts.remove(&name);
            if file.config.current.as_ref() == Some(&name) {
                file.config.current = None;
            }
        }
    }
    file.write()?;
    list(&file, out)
}

fn list(file: &ConfigFile, out: Out) -> Result<(), Failure> {
    out.show(&file.config, |out| {
        let row = |(name, context): (&String, &Context)| {
            let current = file.config.current.as_ref() == Some(name);
            vec![
                format!("{}{name}", if current { "* " } else { "  " }),
                context.server.clone().unwrap_or_default(),
                context.realm.clone().unwrap_or_default(),
            ]
        };
        if file.config.contexts.is_empty() {
            return out.say("no contexts; `keyward context set` makes one");
        }
        let rows: Vec<_> = file.config.contexts.iter().map(row).collect();
        out.table(1, &["  NAME", "SERVER", "REALM"], &rows)
    })
}

/// Takes over what was given, with absolute paths: a context is used from any directory.
fn change(context: &mut Context, global: &Global, log_key: Option<String>) -> Result<(), Failure> {
    let absolute = |path: &std::path::PathBuf| {
        std::path::absolute(path).map_err(|error| Failure::file(path, &error))
    };
    let Global {
        server,
        ca,
        token_file,
        certificate,
        private_key,
        realm,
        ..
    } = global;
    if let Some(server) = server {
        let address = keyward_client::ServerAddress::parse(server)
            .map_err(keyward_client::ClientError::from)?;
        context.server = Some(address.to_string());
    }
    if let Some(path) = ca {
        context.ca = Some(absolute(path)?);
    }
    if let Some(path) = token_file {
        context.token_file = Some(absolute(path)?);
        (context.certificate, context.private_key) = (None, None);
    }
    if let (Some(certificate), Some(key)) = (certificate, private_key) {
        context.certificate = Some(absolute(certificate)?);
        context.private_key = Some(absolute(key)?);
        context.token_file = None;
    }
    if let Some(realm) = realm {
        context.realm = Some(realm.clone());
    }
    if let Some(key) = log_key {
        context.log_key = Some(key);
    }
    Ok(())
}
