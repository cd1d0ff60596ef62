//! Texts in the languages that people read.

use std::collections::BTreeMap;

use reveille_content::Templates;

/// The texts, links and sounds of one app or of all, in one or several languages: give them to
/// [`Writer::new`](crate::Writer::new), or to [`App::with_texts`](crate::App::with_texts) for a brand beside others.
#[derive(Debug)]
pub struct Languages {
    otherwise: Templates,
    others: BTreeMap<String, Templates>,
}

impl Languages {
    /// Begins with the texts for people whose language is not known, or not among the others.
    #[must_use]
    pub const fn new(otherwise: Templates) -> Self {
        Self { otherwise, others: BTreeMap::new() }
    }

    /// With the texts of another language, for devices whose locale it is: `de` serves `de-AT`, too, if there is nothing
    /// closer.
    #[must_use]
    pub fn with(mut self, templates: Templates) -> Self {
        self.others.insert(tag(templates.language()), templates);
        self
    }

    /// The texts for a locale: as it is, or without its last parts, or the ones for everybody.
    #[must_use]
    pub fn of(&self, locale: Option<&str>) -> &Templates {
        let Some(locale) = locale.filter(|_| !self.others.is_empty()) else { return &self.otherwise };
        let locale = tag(locale);
        let mut wanted = locale.as_str();
        loop {
            if let Some(templates) = self.others.get(wanted) {
                return templates;
            }
            match wanted.rsplit_once('-') {
                Some((shorter, _)) => wanted = shorter,
                None => return &self.otherwise,
            }
        }
    }

    /// The languages' tags, that for everybody first.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.otherwise.language()).chain(self.others.keys().map(String::as_str))
    }
}

impl From<Templates> for Languages {
    fn from(templates: Templates) -> Self {
        Self::new(templates)
    }
}

/// Language tags are compared without case (RFC 5646 §2.1.1); Android and Java write `de_AT`.
fn tag(locale: &str) -> String {
    locale.to_ascii_lowercase().replace('_', "-")
}
