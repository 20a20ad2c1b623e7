//! The API for people to read, made from the OpenAPI document.

use askama::Template;
use axum::{extract::State, response::Response};
use keyhaven_core::{Connector, Reason};
use serde_json::{Map, Value, json};

use super::page::{Chrome, show};
use crate::{
    api,
    server::{AppState, SignedIn},
};

#[derive(Template)]
#[template(path = "docs_api.html")]
struct Page {
    chrome: Chrome,
    base: String,
    operations: Vec<Operation>,
    apps: Vec<App>,
    /// Reason and the status that it makes.
    reasons: Vec<(&'static str, &'static str)>,
    codes: &'static [api::Code],
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    parameters: Vec<(String, String, String)>,
}

struct App {
    id: String,
    name: String,
    fields: Vec<keyhaven_core::Field>,
    example: String,
}

pub(super) async fn page(_: SignedIn, State(state): State<AppState>) -> Response {
    let document = api::document(state.app.catalogue());
    show(&Page {
        chrome: Chrome::new(&state, "api"),
        base: state.site.public_url.clone(),
        operations: operations(&document["paths"]),
        apps: state.app.catalogue().iter().map(app).collect(),
        reasons: Reason::ALL.map(|it| (it.as_str(), it.status().as_str())).into(),
        codes: api::CODES,
    })
}

fn operations(paths: &Value) -> Vec<Operation> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let paths = paths.as_object().into_iter().flatten();
    let each = paths.flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().map(move |(method, it)| (path, method, it))
    });
    each.map(|(path, method, it)| Operation {
        id: text(&it["operationId"]),
        method: method.clone(),
        path: path.clone(),
        summary: text(&it["summary"]),
        description: text(&it["description"]),
        parameters: it["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| (text(&one["name"]), text(&one["in"]), text(&one["description"])))
            .collect(),
    })
    .collect()
}

fn app(it: &Connector) -> App {
    let fields: Map<_, _> = it.fields.iter().map(|field| (field.id.clone(), json!(field.example))).collect();
    let example = json!({ "connector": it.id, "name": it.name_field.example, "fields": fields });
    App {
        id: it.id.clone(),
        name: it.name.clone(),
        fields: it.fields.clone(),
        example: serde_json::to_string_pretty(&example).unwrap_or_default(),
    }
}
