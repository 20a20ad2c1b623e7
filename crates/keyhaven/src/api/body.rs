//! JSON bodies. Their values may be secrets: no message here ever repeats one.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use keyhaven_core::{Inputs, Secret};
use serde_json::{Map, Value};

use super::{problem::Failure, wire::WrongField};

/// A JSON object, taken apart member by member.
pub(super) struct Object {
    members: Map<String, Value>,
    wrong: Vec<WrongField>,
    /// The body as it came, to recognise a repetition.
    pub raw: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Object {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_lowercase();
        if kind != "application/json" && !kind.ends_with("+json") {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let failure = Failure::new(
                status,
                "not_json",
                "The body must be JSON.",
                "Send “Content-Type: application/json”.",
            );
            return Err(failure.into_response());
        }
        let raw = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        Self::parse(raw).map_err(IntoResponse::into_response)
    }
}

impl Object {
    fn parse(raw: Bytes) -> Result<Self, Failure> {
        let broken = |detail: String| {
            Failure::new(
                StatusCode::BAD_REQUEST,
                "broken_json",
                &detail,
                "Send one JSON object, as described at /docs/api.",
            )
        };
        match serde_json::from_slice(&raw) {
            Ok(Value::Object(members)) => Ok(Self { members, wrong: Vec::new(), raw }),
            Ok(_) => Err(broken("The body is JSON, but no object.".into())),
            Err(error) => Err(broken(format!(
                "The body is no JSON: it breaks at line {}, column {}.",
                error.line(),
                error.column()
            ))),
        }
    }

    fn refuse(&mut self, field: impl Into<String>, message: &str) {
        self.wrong.push(WrongField { field: field.into(), message: message.into() });
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.members.remove(name) {
            None => None,
            Some(Value::String(text)) => Some(text),
            Some(_) => {
                self.refuse(name, "It must be a text.");
                None
            }
        }
    }

    pub(super) fn required_text(&mut self, name: &str) -> String {
        if !self.members.contains_key(name) {
            self.refuse(name, "It is missing.");
        }
        self.text(name).unwrap_or_default()
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        match self.members.remove(name) {
            None => false,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                self.refuse(name, "It must be true or false.");
                false
            }
        }
    }

    /// The connector's fields, each of which is a secret until the connector says otherwise.
    pub(super) fn inputs(&mut self, name: &str) -> Option<Inputs> {
        let fields = match self.members.remove(name)? {
            Value::Object(fields) => fields,
            _ => {
                self.refuse(name, "It must be an object of texts.");
                return None;
            }
        };
        let mut inputs = Inputs::new();
        for (field, value) in fields {
            match value {
                Value::String(text) => drop(inputs.insert(field, Secret::new(text))),
                _ => self.refuse(format!("{name}.{}", shown(&field)), "It must be a text."),
            }
        }
        Some(inputs)
    }

    /// Everything was taken, and nothing was wrong.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        for unknown in std::mem::take(&mut self.members).keys() {
            self.refuse(shown(unknown), "There is no such member.");
        }
        if self.wrong.is_empty() { Ok(()) } else { Err(Failure::fields(self.wrong)) }
    }
}

/// A member's name, fit to be repeated.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}
