//! Edit and rename.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use keyhaven_core::{
    Connection, Connector, Error,
    connections::{self, Change, IfOtherAccount},
};

use super::{
    assets, connection,
    form::{self, FormPage, Sent, Shown, Taken},
    page::{Chrome, Failure, go, show, show_with},
};
use crate::server::{AppState, SignedIn};

pub(super) async fn form(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Response, Failure> {
    let it = connections::get(&state.app, &ctx, &which).await?;
    if it.deleted_at.is_some() {
        // Its page offers to bring it back first.
        return Ok(go(&format!("/connections/{}", it.slug)));
    }
    let connector = connector_of(&state, &it)?;
    let mut shown = Shown { values: it.fields.clone(), ..Shown::default() };
    shown.values.insert(keyhaven_core::NAME_FIELD.into(), it.name.clone());
    Ok(show(&page(&state, connector, &it, it.revision, &shown)))
}

fn connector_of<'a>(state: &'a AppState, it: &Connection) -> Result<&'a Connector, Error> {
    state.app.catalogue().get(&it.connector).ok_or_else(|| Error::ConnectorGone(it.connector.clone()))
}

pub(super) async fn save(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
    Form(sent): Sent,
) -> Result<Response, Failure> {
    let it = connections::get(&state.app, &ctx, &which).await?;
    let connector = connector_of(&state, &it)?;
    let taken = Taken::new(connector, sent);
    let (shown, revision) = (taken.shown(), taken.revision);
    let change = Change {
        name: Some(taken.name),
        fields: Some(taken.inputs),
        revision,
        if_other_account: IfOtherAccount::Hold,
    };
    Ok(match connections::change(&state.app, &ctx, &which, change).await {
        Ok(changed) => go(&format!("/connections/{}?done=saved", changed.slug)),
        // The page of the connection asks the question.
        Err(Error::OtherAccount(_)) => go(&format!("/connections/{}", it.slug)),
        Err(error) => {
            let (status, shown) = shown.with(error, format!("/connections/{}/edit", it.slug));
            show_with(status, &page(&state, connector, &it, revision.unwrap_or(it.revision), &shown))
        }
    })
}

pub(super) async fn rename(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
    Form(sent): Sent,
) -> Response {
    let sent = sent.into_iter().find(|(id, _)| id == keyhaven_core::NAME_FIELD);
    let name = sent.map(|(_, name)| name).unwrap_or_default();
    let change = Change {
        name: Some(name.clone()),
        fields: None,
        revision: None,
        if_other_account: IfOtherAccount::Refuse,
    };
    match connections::change(&state.app, &ctx, &which, change).await {
        Ok(changed) => go(&format!("/connections/{}?done=renamed", changed.slug)),
        Err(Error::Invalid(errors)) => {
            let message = errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join(" ");
            connection::with_rename_error(&state, &ctx, &which, name, message).await
        }
        Err(error) => Failure::from(error).into_response(),
    }
}

/// The address of a refused name, opened again: back to the page with its form.
pub(super) async fn rename_form(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Response, Failure> {
    let it = connections::get(&state.app, &ctx, &which).await?;
    Ok(go(&format!("/connections/{}?rename", it.slug)))
}

fn page(
    state: &AppState,
    connector: &Connector,
    it: &Connection,
    revision: i64,
    shown: &Shown,
) -> impl Template {
    let (intro, steps) = form::guide(connector);
    FormPage {
        chrome: Chrome::new(state, "connections"),
        title: format!("Edit {}", it.name),
        busy: form::busy(connector),
        app: connector.name.clone(),
        icon: assets::picture(&connector.id, &connector.icon),
        name: it.name.clone(),
        action: format!("/connections/{}/edit", it.slug),
        back: format!("/connections/{}", it.slug),
        editing: true,
        revision: Some(revision),
        problems: shown.problems(),
        fields: form::boxes(connector, shown, true),
        intro,
        steps,
    }
}
