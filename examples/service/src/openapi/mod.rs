//! The document of the API (OpenAPI 3.1), made of the same table as its routes: what is not served is not in it.

mod operation;

use serde_json::{Map, Value, json};

pub use operation::{Answer, Operation, Param, Verb, Who};

/// The bodies, as JSON Schema.
const SCHEMAS: &str = include_str!("schemas.json");

/// The document of these operations.
pub fn document(operations: &[&Operation]) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.verb.name().to_owned(), one(operation));
        }
    }
    let schemas: Value = serde_json::from_str(SCHEMAS).unwrap_or_default();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Reveille: a push gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Events in, notifications out. Errors are problem documents (RFC 9457); their type begins with urn:reveille:problem:.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "The key of an event source or an operator."},
                "signature": {"type": "apiKey", "in": "header", "name": "webhook-signature", "description": "HMAC-SHA256 over id, time and body (Standard Webhooks), or as the settings of the hook have it."},
                "user": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A signed token of an end user."},
            },
        },
    })
}

fn one(operation: &Operation) -> Value {
    let mut all = Map::new();
    all.insert("operationId".to_owned(), json!(operation.id));
    all.insert("summary".to_owned(), json!(operation.summary));
    if let Some(described) = operation.who.described() {
        all.insert("description".to_owned(), json!(described));
    }
    all.insert(
        "security".to_owned(),
        match operation.who {
            Who::Anyone => json!([]),
            Who::Signed => json!([{"signature": []}]),
            Who::Key(_) => json!([{"key": []}]),
            Who::Caller | Who::Person(_) => json!([{"key": []}, {"user": []}]),
        },
    );
    let parameters: Vec<Value> = operation.parameters().collect();
    if !parameters.is_empty() {
        all.insert("parameters".to_owned(), json!(parameters));
    }
    if !operation.bodies.is_empty() {
        let content = operation.bodies.iter().map(|(media, schema)| ((*media).to_owned(), reference(schema)));
        let content: Map<String, Value> = content.collect();
        all.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
    }
    let mut responses = Map::new();
    for answer in operation.answers {
        responses.insert(answer.status.to_string(), answer.document());
    }
    for status in operation.problems() {
        responses.insert(status.to_string(), problem(status));
    }
    all.insert("responses".to_owned(), Value::Object(responses));
    Value::Object(all)
}

fn reference(schema: &str) -> Value {
    json!({"schema": {"$ref": format!("#/components/schemas/{schema}")}})
}

fn problem(status: u16) -> Value {
    let described = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let headers = match status {
        429 | 503 => json!({"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}),
        401 => json!({"WWW-Authenticate": {"schema": {"type": "string"}, "description": "Bearer"}}),
        _ => json!({}),
    };
    json!({
        "description": described.unwrap_or("Problem"),
        "headers": headers,
        "content": {"application/problem+json": reference("Problem")},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every reference leads somewhere, and every schema is used.
    #[test]
    fn references_and_schemas_belong_together() {
        let document = document(&crate::api::operations());
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
        }
        for name in schemas.keys() {
            assert!(text.contains(&format!("\"#/components/schemas/{name}\"")), "{name} is used nowhere");
        }
        assert!(document["paths"].as_object().unwrap().len() > 15);
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let mut names: Vec<&str> = crate::api::operations().iter().map(|operation| operation.id).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
