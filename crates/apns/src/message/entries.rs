//! Where the custom keys stand in their JSON.

/// One key and its value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where the value begins, behind the colon.
    pub(super) value: usize,
    /// Where the entry ends.
    pub(super) end: usize,
}

/// A list whose first entry needs no allocation: most pushes carry one or no key.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Entries {
    first: Option<Entry>,
    rest: Vec<Entry>,
}

impl Entries {
    pub(super) fn push(&mut self, entry: Entry) {
        if self.first.is_none() {
            self.first = Some(entry);
        } else {
            self.rest.push(entry);
        }
    }

    pub(super) fn pop(&mut self) {
        if self.rest.pop().is_none() {
            self.first = None;
        }
    }

    pub(super) fn last(&self) -> Option<&Entry> {
        self.rest.last().or(self.first.as_ref())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.first.iter().chain(&self.rest)
    }
}
