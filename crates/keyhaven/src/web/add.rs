//! Add a connection: choose an app, fill in its form.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use keyhaven_core::{
    Connector, Error,
    connections::{self, NewConnection},
};

use super::{
    form::{self, FormPage, Sent, Shown, Taken},
    page::{Chrome, Failure, go, show, show_with},
};
use crate::server::{AppState, SignedIn};

#[derive(Template)]
#[template(path = "catalogue.html")]
struct Catalogue<'a> {
    chrome: Chrome,
    search: String,
    apps: Vec<&'a Connector>,
}

pub(super) async fn catalogue(
    _: SignedIn,
    State(state): State<AppState>,
    Query(params): Query<BTreeMap<String, String>>,
) -> Response {
    let search = params.get("q").cloned().unwrap_or_default();
    let wanted = search.trim().to_lowercase();
    let fits = |app: &&Connector| {
        // The general connectors fit whatever is not there.
        let text = format!("{} {} {}", app.name, app.summary, app.category).to_lowercase();
        text.contains(&wanted)
    };
    let apps = state.app.catalogue().iter().filter(fits).collect();
    show(&Catalogue { chrome: Chrome::new(&state, "connections"), search, apps })
}

pub(super) async fn form(
    _: SignedIn,
    State(state): State<AppState>,
    Path(connector): Path<String>,
) -> Response {
    match state.app.catalogue().get(&connector) {
        Some(connector) => show(&page(&state, connector, &Shown::default())),
        None => Failure::from(Error::UnknownConnector(connector)).into_response(),
    }
}

pub(super) async fn save(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(id): Path<String>,
    Form(sent): Sent,
) -> Response {
    let Some(connector) = state.app.catalogue().get(&id) else {
        return Failure::from(Error::UnknownConnector(id)).into_response();
    };
    let taken = Taken::new(connector, sent);
    let shown = taken.shown();
    let new = NewConnection { connector: id, name: taken.name, fields: taken.inputs };
    match connections::create(&state.app, &ctx, new, None).await {
        Ok(made) => go(&format!("/connections/{}?done=saved", made.slug)),
        Err(error) => {
            let (status, shown) = shown.with(error);
            show_with(status, &page(&state, connector, &shown))
        }
    }
}

fn page(state: &AppState, connector: &Connector, shown: &Shown) -> FormPage {
    let (intro, steps) = form::guide(connector);
    let (problems_title, problems) = form::problems(shown);
    FormPage {
        chrome: Chrome::new(state, "connections"),
        title: format!("Connect {}", connector.name),
        app: connector.name.clone(),
        name: String::new(),
        action: format!("/connections/new/{}", connector.id),
        back: "/connections/new".into(),
        editing: false,
        revision: None,
        problems_title,
        problems,
        fields: form::boxes(connector, shown, false),
        intro,
        steps,
    }
}
