//! Texts and layouts, and what becomes of them.
//!
//! Three kinds of files: `layout.txt` and `layout.html`, and one file of texts for each language. Those that the binary
//! brings along are replaced, file by file, by those of a folder. Everything is rendered once for each kind of letter when
//! it is loaded, so that a slip in a template is told at the start and not when somebody waits for a code.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior, context};
use toml::Spanned;
use tracing::warn;

use super::fault::Fault;
use super::kind::Kind;
use super::language::Language;
use super::sample;
use super::sources::{self, Source};

/// The language that is always there.
pub(super) const ENGLISH: &str = "en";

/// What a letter is made of. Nothing here has been made harmless by being here.
#[derive(Clone, Copy)]
pub(super) struct Content<'a> {
    pub(super) kind: Kind,
    /// What its sentences may use.
    pub(super) facts: &'a Value,
    /// What the layouts alone may use.
    pub(super) code: Option<&'a str>,
    pub(super) link: Option<&'a str>,
}

/// A letter in words.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// Texts in several languages, and two layouts.
pub(super) struct Templates {
    environment: Environment<'static>,
    text: Source,
    html: Source,
    languages: BTreeMap<String, Language>,
    /// The languages that were asked for and are not there: each is told of once.
    missed: Mutex<BTreeSet<String>>,
}

impl Templates {
    /// Loads what the binary brings along, and what replaces it.
    pub(super) fn load(folder: Option<&std::path::Path>) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let sources = sources::gather(folder, &mut faults);
        let mut languages = BTreeMap::new();
        for (tag, source) in &sources.languages {
            match Language::parse(tag, &source.file, &source.text) {
                Ok(language) => drop(languages.insert(tag.clone(), language)),
                Err(fault) => faults.push(fault),
            }
        }
        let missed = Mutex::default();
        let environment = environment();
        let templates = Self { environment, text: sources.text, html: sources.html, languages, missed };
        templates.try_all(&mut faults);
        if faults.is_empty() { Ok(templates) } else { Err(faults) }
    }

    /// Whether letters can be written in this language.
    pub(super) fn has(&self, tag: &str) -> bool {
        self.find(tag).is_some()
    }

    /// Puts a letter into words.
    pub(super) fn render(&self, tag: &str, content: Content<'_>) -> Result<Rendered, Fault> {
        let language = self.language(tag).ok_or_else(|| Fault::of_file(ENGLISH, "there is no such text"))?;
        self.render_in(language, content)
    }

    /// `de-AT` is answered by `de-at`, else by `de`, else by English.
    fn language(&self, tag: &str) -> Option<&Language> {
        self.find(tag).or_else(|| {
            let mut missed = self.missed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if missed.insert(tag.to_owned()) {
                warn!(language = ?tag, "there are no texts in this language; letters are written in English");
            }
            self.languages.get(ENGLISH)
        })
    }

    fn find(&self, tag: &str) -> Option<&Language> {
        let tag = tag.to_ascii_lowercase().replace('_', "-");
        let tags =
            std::iter::successors(Some(tag.as_str()), |tag| tag.rsplit_once('-').map(|(shorter, _)| shorter));
        tags.into_iter().find_map(|tag| self.languages.get(tag))
    }

    fn render_in(&self, language: &Language, content: Content<'_>) -> Result<Rendered, Fault> {
        let say = |text: &Spanned<String>| self.sentence(language, text, content.facts);
        let say_all = |texts: &[Spanned<String>]| texts.iter().map(say).collect::<Result<Vec<_>, _>>();
        let section = language.section(content.kind);
        let subject = say(section.subject())?;
        let layout = context! {
            language => language.tag.as_str(),
            subject => subject.as_str(),
            greeting => say(language.greeting())?,
            lines => say_all(section.lines())?,
            code => content.code,
            link => content.link,
            button => section.button().map(say).transpose()?,
            notes => say_all(section.notes())?,
            closing => say(language.closing())?,
        };
        let text = self.layout(&self.text, "layout.txt", &layout)?;
        let html = self.layout(&self.html, "layout.html", &layout)?;
        Ok(Rendered { subject, text, html })
    }

    fn sentence(&self, language: &Language, text: &Spanned<String>, facts: &Value) -> Result<String, Fault> {
        let rendered = self.environment.render_named_str("sentence.txt", text.get_ref(), facts.clone());
        rendered.map_err(|error| {
            Fault::new(&language.file, language.line(text.span(), error.line().unwrap_or(1)), told(&error))
        })
    }

    fn layout(&self, source: &Source, name: &str, context: &Value) -> Result<String, Fault> {
        let rendered = self.environment.render_named_str(name, &source.text, context.clone());
        rendered.map_err(|error| Fault::new(&source.file, error.line().unwrap_or(1), told(&error)))
    }

    /// Renders everything, with a name and without.
    fn try_all(&self, faults: &mut Vec<Fault>) {
        let mut found = Vec::new();
        for language in self.languages.values() {
            for (kind, named) in Kind::all().flat_map(|kind| [(kind, true), (kind, false)]) {
                match sample::with(kind, named, |content| self.render_in(language, content)) {
                    Ok(rendered) => self.look_at(kind, &rendered, &mut found),
                    Err(fault) => found.push(fault),
                }
            }
        }
        for fault in found {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
    }

    /// A letter that does not show what it was sent for is no use to anybody.
    fn look_at(&self, kind: Kind, rendered: &Rendered, faults: &mut Vec<Fault>) {
        let Some((what, secret)) = sample::secret(kind) else { return };
        for (source, body) in [(&self.text, &rendered.text), (&self.html, &rendered.html)] {
            if !body.contains(secret) {
                faults.push(Fault::of_file(&source.file, format!("does not show {what}")));
            }
        }
    }
}

/// HTML is escaped, and what is not defined is a fault.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
}

fn told(error: &minijinja::Error) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    format!("{}{detail}", error.kind()).replace('\n', " ")
}
