//! Single settings, for commands that must do their work beside a configuration that is wrong, or lacks something.

use std::path::PathBuf;

use portcullis_config::{ConfigFault, OpenFile, Origin};

use super::builder::ConfigBuilder;
use super::flags::Flags;
use super::parse::Listen;
use super::settings;
use super::sources::{Environment, Sources, named_file};

/// What flags, variables and the file state, of which nothing is parsed and no rule is checked.
pub(crate) struct PartialConfig {
    sources: Sources,
    faults: Vec<ConfigFault>,
}

impl PartialConfig {
    /// Reads flags over `env` over the file that one of them names; `open` reads a file.
    pub(crate) fn read(flags: &Flags, env: &Environment, open: OpenFile<'_>) -> Self {
        let mut faults = Vec::new();
        let sources = Sources::gather(flags, env, open, &mut faults);
        Self { sources, faults }
    }

    /// Whether the file could be read, if one is named.
    pub(crate) fn is_complete(&self) -> bool {
        self.sources.is_complete()
    }

    /// The text of the highest source that states a setting, and that source.
    pub(crate) fn stated(&self, key: &str) -> Option<(&str, &Origin)> {
        let stated = self.sources.of(settings::find(key)?).last()?;
        Some((&stated.text, &stated.origin))
    }

    /// The addresses to listen on.
    ///
    /// # Errors
    /// Faults of this setting. If no flag and no variable states it, also those of a file that cannot be read.
    pub(crate) fn listen(self) -> Result<Vec<Listen>, Vec<ConfigFault>> {
        let Some(setting) = settings::find("listen") else { return Err(self.faults) };
        let highest = self.sources.of(setting).last();
        let is_unknown = highest.is_none() && !self.is_complete();
        let mut faults: Vec<ConfigFault> =
            self.faults.iter().filter(|fault| is_unknown || fault.is_about(setting.key)).cloned().collect();
        let mut builder = ConfigBuilder::blank();
        let highest = highest.map(std::slice::from_ref).unwrap_or_default();
        setting.apply_all(&mut builder, highest, &mut faults);
        if faults.is_empty() { Ok(builder.config.listen) } else { Err(faults) }
    }
}

/// The configuration file that flags or variables name.
pub(crate) fn configuration_file(flags: &Flags, env: &Environment) -> Option<PathBuf> {
    named_file(flags, env)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn read(env: &[(&str, &str)], file: io::Result<&str>) -> PartialConfig {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let text = file.map(str::to_owned).map_err(|fault| fault.kind());
        PartialConfig::read(&Flags::default(), &env, &|_| text.clone().map_err(io::Error::from))
    }

    fn address(config: PartialConfig) -> Result<String, String> {
        let listen = config.listen().map(|listens| listens[0].address.to_string());
        listen.map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    const FILE: (&str, &str) = ("PORTCULLIS_CONFIG", "p.toml");
    const VARIABLE: (&str, &str) = ("PORTCULLIS_LISTEN", "127.0.0.1:7");

    #[test]
    fn the_address_is_told_whatever_else_is_wrong() {
        let wrong = "listen = \"0.0.0.0:80\"\npublic_url = \"ftp://\"\nnonsense = 1\n";
        assert_eq!(address(read(&[FILE], Ok(wrong))).unwrap(), "0.0.0.0:80");
        assert_eq!(address(read(&[FILE, VARIABLE], Ok(wrong))).unwrap(), "127.0.0.1:7");
        assert_eq!(address(read(&[("PORTCULLIS_LISTN", "x")], Ok(""))).unwrap(), "127.0.0.1:3000");
        for unreadable in [Ok("listen = "), Err(io::ErrorKind::PermissionDenied.into())] {
            assert_eq!(address(read(&[FILE, VARIABLE], unreadable)).unwrap(), "127.0.0.1:7");
        }
    }

    #[test]
    fn an_address_that_cannot_be_known_is_a_fault() {
        let denied = Err(io::ErrorKind::PermissionDenied.into());
        assert!(address(read(&[FILE], denied)).unwrap_err().contains("cannot read \"p.toml\""));
        assert!(address(read(&[FILE], Ok("listen = "))).unwrap_err().starts_with("p.toml:1: "));
        assert!(address(read(&[FILE], Ok("listen = 80"))).unwrap_err().contains("must be an array"));
        assert!(address(read(&[FILE], Ok("listen = \"x\""))).unwrap_err().starts_with("p.toml:1: listen: "));
    }

    #[test]
    fn the_installations_file_is_read_where_no_other_one_is_named() {
        let installed = (crate::config::sources::INSTALLED, "i.toml");
        let broken = || address(read(&[installed], Ok("listen = "))).unwrap_err();
        assert!(broken().starts_with("i.toml:1: "), "{}", broken());
        assert!(address(read(&[installed, FILE], Ok("listen = "))).unwrap_err().starts_with("p.toml:1: "));
        let env = [installed].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(configuration_file(&Flags::default(), &env), Some("i.toml".into()));
        let by_flag = Flags::default().with("config", "f.toml");
        assert_eq!(configuration_file(&by_flag, &env), Some("f.toml".into()));
    }

    #[test]
    fn what_is_stated_is_told_with_its_source() {
        let config = read(&[FILE, ("PORTCULLIS_MASTER_KEY_FILE", "a")], Ok("master_key_file = \"b\""));
        let (text, origin) = config.stated("master_key_file").unwrap();
        assert_eq!((text, origin.to_string().as_str()), ("a", "variable PORTCULLIS_MASTER_KEY_FILE"));
        assert!(config.stated("master_key").is_none() && config.is_complete());
    }
}
