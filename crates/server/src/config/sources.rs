//! The texts that flags, variables and the file state, lowest priority first.
//!
//! Only names are checked here: whether a setting is known, and whether two variables of one setting agree.

use std::collections::BTreeMap;
use std::path::PathBuf;

use portcullis_config::{ConfigFault, OpenFile, Origin, StatedValue, unreadable};

use super::file;
use super::flags::Flags;
use super::settings::{self, Setting, VARIABLE_PREFIX};

/// The prefix of the test suite's own variables.
const TEST_PREFIX: &str = "PORTCULLIS_TEST_";

/// The environment: names and values.
pub(super) type Environment = BTreeMap<String, String>;

/// All stated values by key.
#[derive(Default)]
pub(super) struct Sources {
    stated: BTreeMap<&'static str, Vec<StatedValue>>,
    misses_something: bool,
}

impl Sources {
    /// Collects the values of the file that a flag or variable names, then of variables, then of flags.
    pub(super) fn gather(
        flags: &Flags,
        env: &Environment,
        open: OpenFile<'_>,
        faults: &mut Vec<ConfigFault>,
    ) -> Self {
        let mut sources = Self::default();
        let env = &stated_variables(env);
        if let Some((path, origin)) = configuration_file(flags, env) {
            let text = open(&path).map_err(|error| {
                faults.push(ConfigFault::new(origin, unreadable(&path, &error)));
            });
            match text.ok().and_then(|text| file::read(&path, &text, faults)) {
                Some(values) => values.into_iter().for_each(|(setting, value)| sources.add(setting, value)),
                None => sources.misses_something = true,
            }
        }
        sources.add_variables(env, faults);
        sources.add_flags(flags, faults);
        sources
    }

    /// The values stated for this setting, lowest priority first.
    pub(super) fn of(&self, setting: &Setting) -> &[StatedValue] {
        self.stated.get(setting.key).map_or(&[], Vec::as_slice)
    }

    /// Adds a value with a higher priority than all before.
    fn add(&mut self, setting: &'static Setting, stated: StatedValue) {
        self.stated.entry(setting.key).or_default().push(stated);
    }

    /// Whether every source could be read, so that a rule can tell what is missing.
    pub(super) fn is_complete(&self) -> bool {
        !self.misses_something
    }

    fn add_variables(&mut self, env: &Environment, faults: &mut Vec<ConfigFault>) {
        for setting in settings::all() {
            let names = [setting.also.map(str::to_owned), Some(setting.variable())];
            let mut found = names.into_iter().flatten().filter_map(|name| Some((env.get(&name)?, name)));
            let Some((text, name)) = found.next() else { continue };
            if let Some((_, other)) = found.find(|(second, _)| *second != text) {
                let message = format!("differs from {name}; keep one of them");
                faults.push(ConfigFault::new(Origin::Variable(other), message));
            }
            self.add_text(setting, text, Origin::Variable(name), faults);
        }
        for name in env.keys().filter(|name| is_unknown(name)) {
            let known = settings::all().map(Setting::variable).chain(portcullis_gateway::config::variables());
            let known: Vec<String> = known.collect();
            let message = settings::not_a_setting(name, known.iter().map(String::as_str));
            faults.push(ConfigFault::new(Origin::Variable(name.clone()), message));
        }
    }

    fn add_flags(&mut self, flags: &Flags, faults: &mut Vec<ConfigFault>) {
        for name in flags.names() {
            let setting = settings::all().find(|setting| setting.flag == Some(name));
            let origin = Origin::Flag(name.to_owned());
            match setting.zip(flags.value(name)) {
                Some((setting, text)) => self.add_text(setting, text, origin, faults),
                None => faults.push(ConfigFault::new(origin, "is not a setting")),
            }
        }
    }

    /// Adds a text that came from a shell. An empty flag is refused: it is more often an accident than intended.
    fn add_text(
        &mut self,
        setting: &'static Setting,
        text: &str,
        origin: Origin,
        faults: &mut Vec<ConfigFault>,
    ) {
        let objection = match text {
            "" => "is empty: leave it out, or give a value",
            _ if text.contains(char::REPLACEMENT_CHARACTER) => "is not UTF-8",
            _ => return self.add(setting, StatedValue { text: text.to_owned(), origin }),
        };
        faults.push(ConfigFault::new(origin, objection).about(setting.key));
    }
}

/// The variables that state something: an empty one is unset, as `JWT_SECRET=` of a template that was not filled in
/// is, and one of Kubernetes is about a Service.
fn stated_variables(env: &Environment) -> Environment {
    let stated = env.iter().filter(|(name, value)| !value.is_empty() && !is_of_a_service(name, value));
    stated.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Whether Kubernetes makes this variable, of a Service whose name begins with `portcullis`, in every container of its
/// namespace: `…_SERVICE_HOST`, `…_SERVICE_PORT`, `…_SERVICE_PORT_HTTP`, `…_PORT`, `…_PORT_3000_TCP_ADDR`.
fn is_of_a_service(name: &str, value: &str) -> bool {
    let Some(rest) = name.strip_prefix(VARIABLE_PREFIX.trim_end_matches('_')) else { return false };
    let is_url = PROTOCOLS.iter().any(|protocol| {
        value.strip_prefix(&protocol.to_lowercase()).is_some_and(|rest| rest.starts_with("://"))
    });
    rest.ends_with("_SERVICE_HOST")
        || rest.contains("_SERVICE_PORT")
        || (rest.ends_with("_PORT") && is_url)
        || is_of_a_port(rest)
}

const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// Whether a name has `_PORT_`, a number, and a protocol after it.
fn is_of_a_port(name: &str) -> bool {
    name.match_indices("_PORT_").any(|(at, found)| {
        let rest = name.get(at + found.len()..).unwrap_or_default();
        let protocol = rest.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('_');
        let is_numbered = rest.starts_with(|c: char| c.is_ascii_digit());
        is_numbered && protocol.is_some_and(|rest| PROTOCOLS.iter().any(|word| rest.starts_with(word)))
    })
}

/// Whether a variable has our prefix but is not a setting.
fn is_unknown(name: &str) -> bool {
    name.starts_with(VARIABLE_PREFIX)
        && !name.starts_with(TEST_PREFIX)
        && settings::all().all(|setting| setting.variable() != name)
        && !portcullis_gateway::config::is_variable(name)
}

/// The name in an environment under which the configuration file of the installation stands: no variable has it.
pub(super) const INSTALLED: &str = "";

/// The configuration file that these sources name.
pub(super) fn named_file(flags: &Flags, env: &Environment) -> Option<PathBuf> {
    configuration_file(flags, &stated_variables(env)).map(|(path, _)| path)
}

/// The configuration file and the source that names it; `None` if there is none.
fn configuration_file(flags: &Flags, env: &Environment) -> Option<(PathBuf, Origin)> {
    let variable = settings::find("config").map(Setting::variable)?;
    let by_flag = flags.value("config").map(|path| (path, Origin::Flag("config".to_owned())));
    let by_variable = || env.get(&variable).map(|path| (path.as_str(), Origin::Variable(variable.clone())));
    let installed = || env.get(INSTALLED).map(|path| (path.as_str(), Origin::Default));
    let named = by_flag.or_else(by_variable).or_else(installed);
    let (path, origin) = named.filter(|(path, _)| !path.is_empty())?;
    Some((PathBuf::from(path), origin))
}
