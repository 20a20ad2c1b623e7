//! JSON bodies. Their values may be secrets: no message here ever repeats one.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use keyhaven_core::{Inputs, Secret};

use super::{
    json::Json,
    problem::{Failure, shown},
    wire::WrongField,
};

/// A JSON object, taken apart member by member.
pub(super) struct Object {
    members: Vec<(String, Json)>,
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
            Ok(Json::Object(members)) => Ok(Self { members, wrong: Vec::new(), raw }),
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

    /// The member of this name. Who says something twice may mean either.
    fn take(&mut self, name: &str) -> Option<Json> {
        let all = std::mem::take(&mut self.members).into_iter();
        let (mine, others): (Vec<_>, _) = all.partition(|(member, _)| member == name);
        self.members = others;
        if mine.len() > 1 {
            self.refuse(name, "It is given twice.");
        }
        mine.into_iter().next().map(|(_, value)| value)
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Json::Text(text) => Some(text.expose().into()),
            _ => {
                self.refuse(name, "It must be a text.");
                None
            }
        }
    }

    /// A text; null is as good as nothing.
    pub(super) fn maybe_text(&mut self, name: &str) -> Option<String> {
        let null =
            self.members.iter().position(|(member, value)| member == name && matches!(value, Json::Null));
        null.map(|at| self.members.remove(at));
        self.text(name)
    }

    /// The same for what may be a password.
    pub(super) fn maybe_secret(&mut self, name: &str) -> Option<Secret> {
        match self.take(name)? {
            Json::Text(text) => Some(text),
            Json::Null => None,
            _ => {
                self.refuse(name, "It must be a text.");
                None
            }
        }
    }

    pub(super) fn required_text(&mut self, name: &str) -> String {
        if !self.members.iter().any(|(member, _)| member == name) {
            self.refuse(name, "It is missing.");
        }
        self.text(name).unwrap_or_default()
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        match self.take(name) {
            None => false,
            Some(Json::Flag(flag)) => flag,
            Some(_) => {
                self.refuse(name, "It must be true or false.");
                false
            }
        }
    }

    /// A list of texts; null is as good as nothing.
    pub(super) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let items = match self.take(name)? {
            Json::List(items) => items,
            Json::Null => return None,
            _ => Vec::from([Json::Other]),
        };
        let text =
            |item: &Json| if let Json::Text(text) = item { Some(text.expose().to_owned()) } else { None };
        let texts: Option<Vec<_>> = items.iter().map(text).collect();
        if texts.is_none() {
            self.refuse(name, "It must be a list of texts.");
        }
        texts
    }

    /// What a list limits something to; absent or null: no limit. One that came out empty was meant to limit.
    pub(super) fn limit(&mut self, name: &str) -> Vec<String> {
        let texts = self.texts(name);
        if texts.as_ref().is_some_and(Vec::is_empty) {
            self.refuse(
                name,
                "The list is empty. Leave the limit out, or give null, where there shall be none.",
            );
        }
        texts.unwrap_or_default()
    }

    /// A whole number as a text; empty where there is none, or null.
    pub(super) fn number(&mut self, name: &str) -> String {
        match self.take(name) {
            None | Some(Json::Null) => String::new(),
            Some(Json::Number(number)) => number.to_string(),
            Some(_) => {
                self.refuse(name, "It must be a whole number.");
                String::new()
            }
        }
    }

    /// The connector's fields, each of which is a secret until the connector says otherwise.
    pub(super) fn inputs(&mut self, name: &str) -> Option<Inputs> {
        let Json::Object(fields) = self.take(name)? else {
            self.refuse(name, "It must be an object of texts.");
            return None;
        };
        let mut inputs = Inputs::new();
        for (field, value) in fields {
            let at = format!("{name}.{}", shown(&field));
            match value {
                Json::Text(_) if inputs.contains_key(&field) => self.refuse(at, "It is given twice."),
                Json::Text(text) => drop(inputs.insert(field, text)),
                _ => self.refuse(at, "It must be a text."),
            }
        }
        Some(inputs)
    }

    /// Everything was taken, and nothing was wrong.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        for (unknown, _) in std::mem::take(&mut self.members) {
            self.refuse(shown(&unknown), "There is no such member.");
        }
        if self.wrong.is_empty() { Ok(()) } else { Err(Failure::fields(self.wrong)) }
    }
}
