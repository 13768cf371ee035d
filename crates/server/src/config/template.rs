//! The text of a configuration file to begin with: every setting, commented out unless it is given.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use toml::Value;

use super::builder::ConfigBuilder;
use super::flags::Flags;
use super::settings::{self, GROUPS, Setting, ValueType};
use portcullis_config::{ConfigFault, Origin, StatedValue};

/// What production needs, in the order in which an operator decides it, and what follows from each. The text stands
/// after what the table says of the setting.
const PRODUCTION: [(&str, &str); 9] = [
    ("public_url", "It ends development mode, which is for this machine alone."),
    (
        "listen",
        "The server speaks http here: a reverse proxy that terminates TLS connects to it, and no user does.",
    ),
    (
        "proxies.trusted",
        "Name that proxy. Otherwise all users count as one address, in lists of sessions and in limits.",
    ),
    ("data_dir", "Keep it: `portcullis backup` copies the database in it while the server runs."),
    ("database", "A file is for one node; several nodes share a PostgreSQL database."),
    (
        "master_key_file",
        "It encrypts the keys in the database, so that a copy of the database alone signs nothing. `portcullis config \
         init` makes it once; keep a copy, apart from the backups of the database.",
    ),
    ("mail.transport", "Codes at sign-in, password resets and warnings go out as mail."),
    ("mail.from", "`portcullis mail test ADDRESS` tries it."),
    (
        "strategies.enabled",
        "Under `device` a code by mail follows the password; the others take a password alone.",
    ),
];

const HEAD: &str = "\
# Configuration of Portcullis, in TOML.
#
# Every setting is here. To set one, remove the # before its key. The value is the default in production; where the text
# above names a default, it is an example. A variable takes precedence over this file: PORTCULLIS_ and the key in
# capitals, with _ for . and -, such as PORTCULLIS_MAIL_FROM. `portcullis config check --config FILE` shows what is in
# force, or every fault. Put secrets into files of their own or into variables; what holds one must not be readable for
# every user of the machine.
";

/// A file in which some settings have a value, and every other one is commented out.
pub(crate) struct ConfigTemplate {
    given: BTreeMap<&'static str, String>,
    /// The default of each setting that has one, with a public URL.
    defaults: BTreeMap<&'static str, String>,
}

impl ConfigTemplate {
    /// The settings that are given are those of `flags`, except the file itself, and `more`.
    ///
    /// # Errors
    /// Faults of their values.
    pub(crate) fn new(
        flags: &Flags,
        more: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Self, Vec<ConfigFault>> {
        let flag = |setting: &'static Setting| {
            let text = flags.value(setting.flag?).filter(|_| setting.kind != ValueType::Absent)?;
            Some((setting.key, text.to_owned()))
        };
        let given: BTreeMap<_, _> = settings::all().filter_map(flag).chain(more).collect();
        let defaults = defaults(&given)?;
        Ok(Self { given, defaults })
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{HEAD}{}", heading("What production needs"));
        for (key, purpose) in PRODUCTION {
            if let Some(setting) = settings::find(key) {
                self.write(setting, Some(purpose), &mut text);
            }
        }
        for group in &GROUPS {
            text += &heading(group.heading);
            let is_above = |setting: &Setting| PRODUCTION.iter().any(|(key, _)| *key == setting.key);
            let here = group.settings.iter().filter(|setting| setting.kind != ValueType::Absent);
            here.filter(|setting| !is_above(setting))
                .for_each(|setting| self.write(setting, None, &mut text));
        }
        text
    }

    fn write(&self, setting: &Setting, purpose: Option<&str>, text: &mut String) {
        let default = self.defaults.get(setting.key).map(String::as_str);
        // A secret has no example: one that everybody knows would be taken for a good one.
        let shown = setting.example.or(default).unwrap_or_default();
        let mut prose = format!("{}.", setting.doc);
        if let Some(purpose) = purpose {
            let _ = write!(prose, " {purpose}");
        }
        if Some(shown) != default || !matches!(setting.default, settings::DefaultValue::Fixed(_)) {
            let _ = write!(prose, " Default: {}.", setting.default_in_words());
        }
        let _ = writeln!(text, "\n{}", commented(&prose));
        let given = self.given.get(setting.key);
        let mark = if given.is_some() { "" } else { "#" };
        for line in lines(setting, given.map_or(shown, String::as_str)) {
            let _ = writeln!(text, "{mark}{line}");
        }
    }
}

/// The default of each setting in production, beside those that are given.
fn defaults(
    given: &BTreeMap<&'static str, String>,
) -> Result<BTreeMap<&'static str, String>, Vec<ConfigFault>> {
    let (mut builder, mut faults, mut defaults) = (ConfigBuilder::blank(), Vec::new(), BTreeMap::new());
    for setting in settings::all() {
        if let Some(default) = setting.default_text(&builder) {
            defaults.insert(setting.key, default);
        }
        let is_public_url = setting.key == "public_url";
        let example = || is_public_url.then_some(setting.example).flatten().map(str::to_owned);
        let stated = given.get(setting.key).cloned().or_else(example);
        let origin = setting.flag.map_or(Origin::Default, |flag| Origin::Flag(flag.to_owned()));
        let stated: Vec<StatedValue> =
            stated.into_iter().map(|text| StatedValue { text, origin: origin.clone() }).collect();
        setting.apply_all(&mut builder, &stated, &mut faults);
    }
    if faults.is_empty() { Ok(defaults) } else { Err(faults) }
}

fn heading(text: &str) -> String {
    format!("\n\n# ---- {text} ----\n")
}

/// The lines of the file that give a setting this value.
fn lines(setting: &Setting, text: &str) -> Vec<String> {
    let list = |text: &str| Value::Array(text.split(',').map(|item| item.trim().into()).collect());
    let of_table = |line: &str| {
        let (key, items) = line.split_once('=')?;
        Some(format!("{}.{key} = {}", setting.key, list(items)))
    };
    let value = match setting.kind {
        ValueType::NamedTables => return text.lines().filter_map(of_table).collect(),
        ValueType::List => list(text),
        ValueType::Integer => text.parse::<i64>().map_or_else(|_| text.into(), Value::Integer),
        ValueType::Boolean => text.parse::<bool>().map_or_else(|_| text.into(), Value::Boolean),
        ValueType::Text | ValueType::Quantity | ValueType::Absent => text.into(),
    };
    vec![format!("{} = {value}", setting.key)]
}

/// The most characters of a line of prose.
const WIDTH: usize = 118;

/// A paragraph as a comment.
fn commented(prose: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in prose.split_whitespace() {
        let is_full =
            lines.last().is_some_and(|line| line.chars().count() + 1 + word.chars().count() > WIDTH);
        if is_full {
            lines.push(String::from("#"));
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::{Config, file};
    use super::*;

    fn template() -> String {
        ConfigTemplate::new(&Flags::default(), []).unwrap().text()
    }

    /// The lines that would give a setting a value, without their mark.
    fn commented_out(text: &str) -> Vec<&str> {
        let unmarked = text.lines().filter_map(|line| line.strip_prefix('#'));
        unmarked.filter(|line| !line.is_empty() && !line.starts_with(' ')).collect()
    }

    fn setting_of(line: &str) -> &'static Setting {
        let key = line.split(" = ").next().unwrap();
        settings::all()
            .find(|setting| key == setting.key || key.starts_with(&format!("{}.", setting.key)))
            .unwrap_or_else(|| panic!("{key} is no setting"))
    }

    /// The faults of a file with this text.
    fn faults(text: &str) -> Vec<String> {
        let env = BTreeMap::from([("PORTCULLIS_CONFIG".to_owned(), "p.toml".to_owned())]);
        let open = |path: &std::path::Path| match path.to_str() {
            Some("p.toml") => Ok(text.to_owned()),
            Some("/etc/portcullis/master.key") => {
                Ok("030a11181f262d343b424950575e656c737a81888f969da4".repeat(2)[..64].to_owned())
            }
            _ => Err(io::ErrorKind::NotFound.into()),
        };
        match Config::read(&Flags::default(), &env, &open) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn the_file_has_each_setting_once_and_says_nothing_yet() {
        let text = template();
        assert_eq!(faults(&text), [""; 0]);
        assert!(text.lines().all(|line| line.is_empty() || line.starts_with('#')), "{text}");
        let mut known: Vec<&str> =
            commented_out(&text).into_iter().map(|line| setting_of(line).key).collect();
        known.sort_unstable();
        let in_files = settings::all().filter(|setting| setting.kind != ValueType::Absent);
        let mut all: Vec<&str> = in_files.map(|setting| setting.key).collect();
        all.sort_unstable();
        assert_eq!(known, all);
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
    }

    #[test]
    fn every_line_that_is_commented_in_is_a_setting_of_its_type_and_all_of_them_go_together() {
        let text = template();
        let lines = commented_out(&text);
        for line in &lines {
            let mut faults = Vec::new();
            let stated = file::read("p.toml".as_ref(), line, &mut faults).unwrap_or_default();
            assert!(faults.is_empty(), "{line}: {faults:?}");
            assert_eq!(stated.len(), 1, "{line}");
        }
        let mut faults = Vec::new();
        let stated = file::read("p.toml".as_ref(), &lines.join("\n"), &mut faults).unwrap();
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(stated.len(), lines.len());
    }

    #[test]
    fn every_value_is_one_that_its_setting_takes_and_a_secret_has_none() {
        for line in commented_out(&template()) {
            let (setting, mut builder) = (setting_of(line), ConfigBuilder::blank());
            let [(_, stated)] = &file::read("p.toml".as_ref(), line, &mut Vec::new()).unwrap()[..] else {
                panic!("{line}")
            };
            if setting.secret {
                assert!(setting.example.is_none() && line.ends_with("\"\""), "{line}");
            } else {
                assert_eq!((setting.apply)(&mut builder, &stated.text), Ok(()), "{line}");
            }
        }
    }

    #[test]
    fn a_value_without_a_word_about_the_default_is_the_default() {
        let text = template();
        for paragraph in text.split("\n\n").filter(|paragraph| paragraph.contains("\n#")) {
            let Some(line) = commented_out(paragraph).pop() else { continue };
            let setting = setting_of(line);
            let is_default = setting
                .default_text(&ConfigBuilder::blank())
                .is_some_and(|text| lines(setting, &text) == [line]);
            assert!(is_default || paragraph.contains("Default: "), "{paragraph}");
        }
    }

    #[test]
    fn what_production_needs_is_enough_once_it_is_commented_in() {
        let text = template();
        let (_, rest) = text.split_once("---- What production needs ----").unwrap();
        let (needed, _) = rest.split_once("\n# ----").unwrap();
        let stated = commented_out(needed);
        assert_eq!(stated.len(), PRODUCTION.len());
        assert_eq!(faults(&stated.join("\n")), [""; 0]);
        for needed in ["public_url", "mail.transport", "mail.from", "master_key_file"] {
            let without: Vec<&str> =
                stated.iter().copied().filter(|line| setting_of(line).key != needed).collect();
            assert_eq!(faults(&without.join("\n")).is_empty(), needed == "public_url", "{needed}");
        }
    }

    #[test]
    fn what_is_given_is_stated_and_shapes_the_defaults_below() {
        let flags =
            Flags::default().with("data-dir", "/var/lib/portcullis").with("listen", "[::1]:1, 127.0.0.1:1");
        let key = ("master_key_file", "/a \"b\"/key".to_owned());
        let text = ConfigTemplate::new(&flags, [key]).unwrap().text();
        for line in [
            "data_dir = \"/var/lib/portcullis\"",
            "listen = [\"[::1]:1\", \"127.0.0.1:1\"]",
            "master_key_file = '/a \"b\"/key'",
            "#database = \"sqlite:/var/lib/portcullis/portcullis.db\"",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        assert_eq!(faults(&text).len(), 1, "the key is not there: {:?}", faults(&text));
        let wrong = ConfigTemplate::new(&Flags::default().with("listen", "x"), []).err().unwrap();
        assert!(wrong[0].to_string().starts_with("flag --listen: "), "{wrong:?}");
    }
}
