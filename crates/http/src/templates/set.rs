//! Files, languages and the template engine together: what renders a sentence or a layout.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior};
use tracing::warn;

use super::fault::{TemplateError, TemplateFault};
use super::files::TemplateFiles;
use super::language::{Language, Text};

/// The language that is built in.
pub(crate) const ENGLISH: &str = "en";

/// Texts in every language there is, and layouts. In them a variable that is not defined is a fault.
#[derive(Debug)]
pub struct TemplateSet {
    environment: Environment<'static>,
    files: TemplateFiles,
    languages: BTreeMap<String, Language>,
    /// Languages that were wanted and are missing: the log names each once.
    missing: Mutex<BTreeSet<String>>,
}

impl TemplateSet {
    /// The templates of the binary.
    pub(crate) fn built_in() -> Self {
        // The tests load and render them all.
        Self::read(None).0
    }

    /// Reads the templates of `folder` over those of the binary, and has `check` render them all, so that a slip in one
    /// stops the start and not a user who waits for a code.
    ///
    /// # Errors
    /// What is wrong with them, or that there are none in `language`.
    pub fn load(
        folder: Option<&Path>,
        language: &str,
        check: impl FnOnce(&Self) -> Vec<TemplateFault>,
    ) -> Result<Self, TemplateError> {
        let (set, mut faults) = Self::read(folder);
        for fault in check(&set) {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
        match set.find(language) {
            _ if !faults.is_empty() => Err(TemplateError::Faults(faults)),
            None => Err(TemplateError::Language(language.to_owned())),
            Some(_) => Ok(set),
        }
    }

    fn read(folder: Option<&Path>) -> (Self, Vec<TemplateFault>) {
        let mut faults = Vec::new();
        let files = TemplateFiles::read(folder, &mut faults);
        let mut languages = BTreeMap::new();
        for (tag, file) in files.languages() {
            match Language::parse(tag, &file.path, &file.text) {
                Ok(language) => drop(languages.insert(tag.to_owned(), language)),
                Err(fault) => faults.push(fault),
            }
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        (Self { environment, files, languages, missing: Mutex::default() }, faults)
    }

    /// Every language that has texts.
    pub fn languages(&self) -> impl Iterator<Item = &Language> {
        self.languages.values()
    }

    /// The language for a tag: `de-AT` gets `de-at`, otherwise `de`, otherwise English.
    ///
    /// # Errors
    /// There are no texts in English either.
    pub fn language(&self, tag: &str) -> Result<&Language, TemplateFault> {
        let english = || {
            let mut missing = self.missing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if missing.insert(tag.to_owned()) {
                warn!(language = ?tag, "there are no texts in this language; English is used");
            }
            self.languages.get(ENGLISH)
        };
        self.find(tag)
            .or_else(english)
            .ok_or_else(|| TemplateFault::of_file(ENGLISH, "there are no texts in English"))
    }

    fn find(&self, tag: &str) -> Option<&Language> {
        let tag = tag.to_ascii_lowercase().replace('_', "-");
        let tags =
            std::iter::successors(Some(tag.as_str()), |tag| tag.rsplit_once('-').map(|(shorter, _)| shorter));
        tags.into_iter().find_map(|tag| self.languages.get(tag))
    }

    /// A sentence as plain text: a layout escapes it.
    ///
    /// # Errors
    /// What is wrong with the template.
    pub fn sentence(
        &self,
        language: &Language,
        text: &Text,
        variables: &Value,
    ) -> Result<String, TemplateFault> {
        let rendered = self.environment.render_named_str("sentence.txt", text.get_ref(), variables.clone());
        rendered.map_err(|error| language.fault(text, error.line().unwrap_or(1), one_line(&error)))
    }

    /// A layout with its sentences. HTML is escaped in one whose name ends in `.html`.
    ///
    /// # Errors
    /// What is wrong with the template.
    pub fn layout(&self, name: &str, context: &Value) -> Result<String, TemplateFault> {
        let rendered = self.environment.render_named_str(name, self.text(name), context.clone());
        rendered
            .map_err(|error| TemplateFault::new(self.path(name), error.line().unwrap_or(1), one_line(&error)))
    }

    /// A file as it is.
    pub fn text(&self, name: &str) -> &str {
        self.files.0.get(name).map_or("", |file| &file.text)
    }

    /// The path of a file, for messages.
    pub fn path(&self, name: &str) -> &str {
        self.files.0.get(name).map_or("", |file| &file.path)
    }
}

fn one_line(error: &minijinja::Error) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    format!("{}{detail}", error.kind()).replace('\n', " ")
}
