//! One operation of the API, as data: the router and the document are both made of it.

use axum::routing::MethodFilter;
use serde_json::{Value, json};

use crate::auth::Right;

/// A method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever reaches the port.
    Anyone,
    /// Whoever is recognised.
    Caller,
    /// A key with this right.
    Key(Right),
    /// Whoever has signed the body with a secret of this webhook. The handler checks it.
    Signed,
    /// An end user for themselves, or a key with this right for anybody. The handler compares the persons.
    Person(Right),
}

/// A parameter of the query.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// `integer` or `string`.
    pub kind: &'static str,
    /// What it says.
    pub summary: &'static str,
}

/// An answer that is no problem.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// What it means.
    pub summary: &'static str,
    /// Media type and schema; `None`: there is no body.
    pub body: Option<(&'static str, &'static str)>,
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The method.
    pub verb: Verb,
    /// The path, with `{names}`.
    pub path: &'static str,
    /// Its name in generated clients.
    pub id: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// Who may call.
    pub who: Who,
    /// The query.
    pub query: &'static [Param],
    /// Media types and schemas of the body.
    pub bodies: &'static [(&'static str, &'static str)],
    /// Answers.
    pub answers: &'static [Answer],
    /// Statuses of problems beyond those that every operation has.
    pub problems: &'static [u16],
}

impl Operation {
    /// Without query and body, and with no answers yet.
    pub const fn new(
        verb: Verb,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        who: Who,
    ) -> Self {
        Self { verb, path, id, summary, who, query: &[], bodies: &[], answers: &[], problems: &[] }
    }

    /// With these parameters in the query.
    pub const fn query(self, query: &'static [Param]) -> Self {
        Self { query, ..self }
    }

    /// With these bodies.
    pub const fn bodies(self, bodies: &'static [(&'static str, &'static str)]) -> Self {
        Self { bodies, ..self }
    }

    /// With these answers.
    pub const fn answers(self, answers: &'static [Answer]) -> Self {
        Self { answers, ..self }
    }

    /// With these problems, too.
    pub const fn problems_too(self, problems: &'static [u16]) -> Self {
        Self { problems, ..self }
    }

    /// All statuses of problems, rising.
    pub fn problems(&self) -> impl Iterator<Item = u16> {
        let mut all = self.problems.to_vec();
        all.extend([429, 503]);
        let has_path = self.path.contains('{');
        if has_path || !self.query.is_empty() || !self.bodies.is_empty() {
            all.push(400);
        }
        if !self.bodies.is_empty() {
            all.extend([413, 415]);
        }
        if self.who != Who::Anyone {
            all.extend([401, 403]);
        }
        all.sort_unstable();
        all.dedup();
        all.into_iter()
    }

    /// The parameters of path and query.
    pub(super) fn parameters(&self) -> impl Iterator<Item = Value> {
        let names = self.path.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
        let of_path = names.map(|(name, _)| {
            let schema = match name {
                "source" => json!({"type": "integer", "minimum": 0, "maximum": 65_535}),
                "channel" => {
                    json!({"type": "string", "enum": ["web_push", "mobile", "email", "sms", "webhook"]})
                }
                "job" => json!({"type": "string", "pattern": "^[0-9a-f]{32}$"}),
                "announcement" => json!({"type": "string", "pattern": "^[0-9a-f]{32}$"}),
                "letter" => json!({"type": "string", "pattern": "^[0-9]{1,3}-[0-9]{1,19}$"}),
                _ => json!({"type": "string", "minLength": 1, "maxLength": 120}),
            };
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        });
        let of_query = self.query.iter().map(|param| {
            json!({
                "name": param.name, "in": "query", "description": param.summary,
                "schema": {"type": param.kind},
            })
        });
        of_path.chain(of_query)
    }
}

impl Verb {
    /// As axum has it.
    pub const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    /// As the document has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Delete => "delete",
        }
    }
}

impl Who {
    pub(super) fn described(self) -> Option<String> {
        let word = |right: Right| json!(right).as_str().unwrap_or_default().to_owned();
        match self {
            Self::Anyone | Self::Caller => None,
            Self::Signed => Some(
                "For who signs the body with HMAC-SHA256, as the settings of this hook say: by default in the form of \
                 Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`)."
                    .to_owned(),
            ),
            Self::Key(right) => Some(format!("For keys with the right `{}`.", word(right))),
            Self::Person(right) => Some(format!(
                "For users about themselves, and for keys with the right `{}` about anybody.",
                word(right)
            )),
        }
    }
}

impl Answer {
    /// With a JSON body.
    pub const fn json(status: u16, summary: &'static str, schema: &'static str) -> Self {
        Self { status, summary, body: Some(("application/json", schema)) }
    }

    /// With a text.
    pub const fn text(status: u16, summary: &'static str) -> Self {
        Self { status, summary, body: Some(("text/plain", "Text")) }
    }

    /// Without a body.
    pub const fn empty(status: u16, summary: &'static str) -> Self {
        Self { status, summary, body: None }
    }

    pub(super) fn document(&self) -> Value {
        match self.body {
            None => json!({"description": self.summary}),
            Some((media, schema)) => {
                json!({"description": self.summary, "content": {media: super::reference(schema)}})
            }
        }
    }
}
