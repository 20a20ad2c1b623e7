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
    assets,
    form::{self, FormPage, Sent, Shown, Taken},
    page::{Chrome, Failure, go, show, show_with},
};
use crate::server::{AppState, SignedIn};

#[derive(Template)]
#[template(path = "catalogue.html")]
struct Catalogue<'a> {
    chrome: Chrome,
    search: String,
    found: usize,
    /// Apps first, then what connects any API.
    groups: Vec<(&'static str, Vec<App<'a>>)>,
}

struct App<'a> {
    it: &'a Connector,
    icon: String,
}

impl<'a> App<'a> {
    fn new(it: &'a Connector) -> Self {
        Self { it, icon: assets::picture(&it.id, &it.icon) }
    }
}

pub(super) async fn catalogue(
    _: SignedIn,
    State(state): State<AppState>,
    Query(params): Query<BTreeMap<String, String>>,
) -> Response {
    let search = params.get("q").cloned().unwrap_or_default();
    let wanted = search.trim().to_lowercase();
    let fits = |app: &&Connector| {
        format!("{} {} {}", app.name, app.summary, app.category).to_lowercase().contains(&wanted)
    };
    let found: Vec<&Connector> = state.app.catalogue().iter().filter(fits).collect();
    let (any, apps): (Vec<_>, Vec<_>) = found.iter().copied().partition(|app| app.category == form::ANY_API);
    let groups = [("Apps", apps), ("Any other API", any)];
    show(&Catalogue {
        chrome: Chrome::new(&state, "connections"),
        search,
        found: found.len(),
        groups: groups
            .into_iter()
            .filter(|(_, apps)| !apps.is_empty())
            .map(|(title, apps)| (title, apps.into_iter().map(App::new).collect()))
            .collect(),
    })
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
            let (status, shown) = shown.with(error, format!("/connections/new/{}", connector.id));
            show_with(status, &page(&state, connector, &shown))
        }
    }
}

fn page(state: &AppState, connector: &Connector, shown: &Shown) -> FormPage {
    let (intro, steps) = form::guide(connector);
    let any = connector.category == form::ANY_API;
    FormPage {
        chrome: Chrome::new(state, "connections"),
        title: format!("Connect {}{}", if any { "any API: " } else { "" }, connector.name),
        busy: form::busy(connector),
        app: connector.name.clone(),
        icon: assets::picture(&connector.id, &connector.icon),
        name: String::new(),
        action: format!("/connections/new/{}", connector.id),
        back: "/connections/new".into(),
        editing: false,
        revision: None,
        problems: shown.problems(),
        fields: form::boxes(connector, shown, false),
        intro,
        steps,
    }
}
