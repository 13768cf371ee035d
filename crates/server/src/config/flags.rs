//! The flags of the command line that are settings, made from the table of settings.
//!
//! A command takes them with `#[command(flatten)]`; they are accepted before and after its subcommands. Only their
//! texts are taken here. They are parsed together with variables and file.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};

use super::settings::{self, Setting};

/// The settings that the command line states, as text.
#[derive(Clone, Default, Debug)]
pub struct Flags(BTreeMap<String, String>);

impl Flags {
    /// The same flags and `--name value`.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The value of a flag; `None` if it was not given.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn argument(setting: &Setting) -> Option<Arg> {
    let flag = setting.flag?;
    Some(
        Arg::new(flag)
            .long(flag)
            .value_name(setting.value)
            .help(setting.doc)
            .global(true)
            .help_heading("Configuration"),
    )
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        command.args(settings::all().filter_map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for flag in settings::all().filter_map(|setting| setting.flag) {
            if let Some(value) = matches.get_one::<String>(flag) {
                self.0.insert(flag.to_owned(), value.clone());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Flags, Error> {
        let command = Flags::augment_args(Command::new("portcullis")).subcommand(Command::new("serve"));
        Flags::from_arg_matches(&command.try_get_matches_from(line.split(' '))?)
    }

    #[test]
    fn flags_are_taken_before_and_after_the_subcommand() {
        for line in [
            "portcullis --listen [::1]:1 serve --data-dir d",
            "portcullis serve --data-dir d --listen=[::1]:1",
        ] {
            let flags = parse(line).unwrap();
            assert_eq!(flags.value("listen"), Some("[::1]:1"), "{line}");
            assert_eq!(flags.value("data-dir"), Some("d"), "{line}");
            assert_eq!(flags.names().count(), 2, "{line}");
        }
    }

    #[test]
    fn the_flags_are_those_of_the_contract() {
        let names: Vec<&str> = settings::all().filter_map(|setting| setting.flag).collect();
        assert_eq!(names, ["config", "data-dir", "listen", "database", "sessions"]);
        assert!(parse("portcullis serve --public-url https://a.example").is_err());
    }

    // ASVS-map: OP6
    #[test]
    fn no_secret_is_taken_from_the_command_line_where_every_process_can_read_it() {
        assert!(settings::all().filter(|setting| setting.secret).all(|setting| setting.flag.is_none()));
    }
}
