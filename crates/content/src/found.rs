//! Texts that were looked up once.

use reveille_conversation::content::{Layout, Texts};

/// Titles and bodies of one language by template and plural form, so that a message costs no look-up by text.
#[derive(Debug)]
pub(crate) struct Found {
    /// In the order of their keys.
    templates: Vec<(&'static str, Parts)>,
    labels: Vec<(&'static str, Box<str>)>,
}

/// By plural form.
#[derive(Debug)]
struct Parts {
    titles: [Option<Box<str>>; 6],
    bodies: [Option<Box<str>>; 6],
}

/// A part of what a notification shows.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Title,
    Body,
}

impl Found {
    pub(crate) fn of(texts: &Texts) -> Self {
        let part =
            |key: &str, part: &str| Texts::FORMS.map(|form| texts.form(key, part, form).map(Box::from));
        let mut templates: Vec<_> = Layout::TEMPLATES
            .iter()
            .map(|key| (*key, Parts { titles: part(key, "title"), bodies: part(key, "body") }))
            .collect();
        templates.sort_unstable_by_key(|(key, _)| *key);
        let actions = Layout::ACTIONS.iter().copied().flatten();
        let labels = actions.filter_map(|action| Some((action.id, texts.text("action", action.id)?.into())));
        Self { templates, labels: labels.collect() }
    }

    pub(crate) fn text(&self, texts: &Texts, layout: &Layout, part: Part) -> Option<&str> {
        let at = self.templates.binary_search_by_key(&layout.template, |(key, _)| key).ok()?;
        let (_, parts) = self.templates.get(at)?;
        let forms = match part {
            Part::Title => &parts.titles,
            Part::Body => &parts.bodies,
        };
        let category = texts.category(layout.count);
        let form = Texts::FORMS.iter().position(|form| *form == category)?;
        forms.get(form)?.as_deref()
    }

    pub(crate) fn label(&self, action: &str) -> Option<&str> {
        self.labels.iter().find(|(id, _)| *id == action).map(|(_, label)| &**label)
    }
}
