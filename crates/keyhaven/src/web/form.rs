//! The form of a connection: made from the catalogue, for adding and editing.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use keyhaven_core::{Connector, Error, FieldError, Inputs, Kind, NAME_FIELD, Secret};

use super::{
    markdown,
    page::{Chrome, show},
};
use crate::server::{AppState, SignedIn};

/// What the browser sends.
pub(super) type Sent = Form<Vec<(String, String)>>;

/// One box of the form.
#[derive(Clone, Debug, Default)]
pub(super) struct Box {
    pub id: String,
    pub label: String,
    pub help: String,
    pub value: String,
    pub placeholder: String,
    pub suffix: Option<String>,
    pub secret: bool,
    pub required: bool,
    pub optional: bool,
    pub step: Option<usize>,
    pub error: Option<String>,
    /// Another value was typed, and this is what it means.
    pub put_right: bool,
    /// Where one value can be checked while the person goes on.
    pub check: Option<String>,
}

#[derive(Template)]
#[template(path = "form.html")]
pub(super) struct FormPage {
    pub chrome: Chrome,
    pub title: String,
    pub app: String,
    pub icon: String,
    pub name: String,
    /// What the button says while it works.
    pub busy: String,
    pub action: String,
    pub back: String,
    pub editing: bool,
    pub revision: Option<i64>,
    pub problems: Vec<Problem>,
    pub fields: Vec<Box>,
    pub intro: String,
    pub steps: Vec<Step>,
}

impl FormPage {
    fn problems_title(&self) -> String {
        match (self.problems.as_slice(), self.problems.iter().all(|problem| problem.link.is_some())) {
            ([_], true) => "Not saved".into(),
            ([_], false) => "One thing is not right yet:".into(),
            (all, _) => format!("{} things are not right yet:", all.len()),
        }
    }
}

/// One entry of the list of what is wrong.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// The box that it is about; empty for the form as a whole.
    pub field: String,
    pub text: String,
    /// Where to go on: address and words.
    pub link: Option<(String, &'static str)>,
}

/// One step of the guide.
pub(super) struct Step {
    pub number: usize,
    pub title: String,
    pub body: String,
    pub picture: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "field.html")]
struct OneField {
    field: Box,
}

/// Values to show again, and what is wrong with them. Secrets are never among them.
#[derive(Default)]
pub(super) struct Shown {
    pub values: BTreeMap<String, String>,
    pub errors: Vec<FieldError>,
    pub other: Option<Problem>,
}

/// Takes apart what was sent: the name, the fields, and the revision that was worked on.
pub(super) struct Taken {
    pub name: String,
    pub inputs: Inputs,
    pub revision: Option<i64>,
    plain: BTreeMap<String, String>,
}

impl Taken {
    pub(super) fn new(connector: &Connector, sent: Vec<(String, String)>) -> Self {
        let mut taken =
            Self { name: String::new(), inputs: Inputs::new(), revision: None, plain: BTreeMap::new() };
        for (id, value) in sent {
            match id.as_str() {
                NAME_FIELD => taken.name = value,
                "revision" => taken.revision = value.parse().ok(),
                _ => {
                    if connector.fields.iter().any(|field| field.id == id && !field.is_secret()) {
                        taken.plain.insert(id.clone(), value.clone());
                    }
                    taken.inputs.insert(id, Secret::new(value));
                }
            }
        }
        taken
    }

    /// To show again: plain values as they were typed.
    pub(super) fn shown(&self) -> Shown {
        let mut values = self.plain.clone();
        values.insert(NAME_FIELD.into(), self.name.clone());
        Shown { values, ..Shown::default() }
    }
}

impl Shown {
    /// The same with what went wrong. `again` opens the form afresh.
    pub(super) fn with(mut self, error: Error, again: String) -> (StatusCode, Self) {
        let (status, text, link) = match error {
            Error::Invalid(errors) => {
                self.errors = errors;
                return (StatusCode::UNPROCESSABLE_ENTITY, self);
            }
            Error::Stale { .. } => {
                let text = "Somebody else changed this connection while you were editing it. \
                            Look at what it is now, then make your change again.";
                (StatusCode::CONFLICT, text.to_owned(), "Load what is saved now")
            }
            error => {
                let status = match error.kind() {
                    Kind::Conflict => StatusCode::CONFLICT,
                    Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                    _ => StatusCode::INTERNAL_SERVER_ERROR,
                };
                tracing::warn!(%error, "a form could not be saved");
                (status, super::page::in_words(&error), "Start again")
            }
        };
        self.other = Some(Problem { field: String::new(), text, link: Some((again, link)) });
        (status, self)
    }

    /// Everything that is wrong, for the list above the form.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let of = |error: &FieldError| Problem {
            field: error.field.clone(),
            text: error.message.clone(),
            link: None,
        };
        self.other.iter().cloned().chain(self.errors.iter().map(of)).collect()
    }
}

/// The boxes of a connector, the connection's name first.
pub(super) fn boxes(connector: &Connector, shown: &Shown, editing: bool) -> Vec<Box> {
    let error =
        |id: &str| shown.errors.iter().find(|error| error.field == id).map(|error| error.message.clone());
    let value = |id: &str| shown.values.get(id).cloned().unwrap_or_default();
    let name = Box {
        id: NAME_FIELD.into(),
        label: "Connection Name".into(),
        help: connector.name_field.help.clone(),
        value: value(NAME_FIELD),
        placeholder: format!("e.g. {}", connector.name_field.example),
        required: true,
        error: error(NAME_FIELD),
        ..Box::default()
    };
    let again = !shown.errors.is_empty() || shown.other.is_some();
    let others = connector.fields.iter().map(|field| {
        let secret = field.is_secret();
        let help = match (secret, editing, again) {
            (true, true, _) => "Leave it empty to keep the saved one.".to_owned(),
            (true, false, true) => {
                format!("Please paste it again: this page never gets it back. {}", field.help)
            }
            _ => field.help.clone(),
        };
        let placeholder = if secret && editing {
            "•••••••• saved".into()
        } else {
            format!("e.g. {}", field.example)
        };
        Box {
            id: field.id.clone(),
            label: field.label.clone(),
            help,
            value: if secret { String::new() } else { value(&field.id) },
            placeholder,
            suffix: field.suffix.clone(),
            secret,
            required: field.required && !(secret && editing),
            optional: !field.required,
            step: field.step,
            error: error(&field.id),
            put_right: false,
            check: (!secret).then(|| format!("/apps/{}/fields/{}", connector.id, field.id)),
        }
    });
    std::iter::once(name).chain(others).collect()
}

/// The category of connectors that fit whatever has none of its own. Their names are no app's.
pub(super) const ANY_API: &str = "Any API";

/// What the button says while it works.
pub(super) fn busy(connector: &Connector) -> String {
    match connector.category.as_str() {
        ANY_API => "Saving and verifying…".into(),
        _ => format!("Saving and verifying with {}…", connector.name),
    }
}

/// The guide of a connector: introduction and steps.
pub(super) fn guide(connector: &Connector) -> (String, Vec<Step>) {
    let steps = connector.guide.steps.iter().zip(1..).map(|(step, number)| Step {
        number,
        title: step.title.clone(),
        body: markdown::render(&step.body),
        picture: step
            .picture
            .as_ref()
            .map(|picture| (super::assets::picture(&connector.id, &picture.file), picture.alt.clone())),
    });
    (markdown::render(&connector.guide.intro), steps.collect())
}

/// One plain value, put right and checked while the person goes on to the next box.
pub(super) async fn check_one(
    _: SignedIn,
    State(state): State<AppState>,
    Path((connector, field)): Path<(String, String)>,
    Form(sent): Sent,
) -> Response {
    let found = state.app.catalogue().get(&connector);
    let known = found.and_then(|connector| {
        connector.fields.iter().find(|it| it.id == field && !it.is_secret()).map(|it| (connector, it))
    });
    let Some((connector, it)) = known else {
        return super::refuse(StatusCode::NOT_FOUND, "There is no such field.");
    };
    let typed = sent.into_iter().find(|(id, _)| *id == field).map(|(_, value)| value).unwrap_or_default();
    let (value, error) = match it.normalise(&typed) {
        Ok(value) => (value, None),
        Err(message) => (typed.clone(), Some(FieldError { field: field.clone(), message })),
    };
    let put_right = value.trim() != typed.trim();
    let shown = Shown {
        values: BTreeMap::from([(field.clone(), value)]),
        errors: error.into_iter().collect(),
        other: None,
    };
    match boxes(connector, &shown, false).into_iter().find(|one| one.id == field) {
        Some(field) => show(&OneField { field: Box { put_right, ..field } }),
        None => super::refuse(StatusCode::NOT_FOUND, "There is no such field."),
    }
}
