//! `keyhaven token …` and `keyhaven sign-in-link`: for whoever has the data folder.

use clap::Subcommand;
use keyhaven_core::{Actor, tokens};
use serde_json::json;

use super::{
    failure::Failure,
    printer::{Printer, cell, plain},
};
use crate::{
    api::wire::time,
    config::{ServerSettings, Settings},
    serve,
};

/// What to do with access tokens.
#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Make an access token; it is printed once, alone on standard output
    #[command(after_help = "Example: export KEYHAVEN_TOKEN=$(keyhaven token create --name nightly-sync)")]
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// List access tokens
    #[command(after_help = "Example: keyhaven token list --json")]
    List {
        #[command(flatten)]
        settings: Settings,
    },
    /// End an access token at once
    #[command(after_help = "Example: keyhaven token revoke nightly-sync")]
    Revoke {
        /// Its id or name
        token: String,
        #[command(flatten)]
        settings: Settings,
    },
}

pub(super) async fn run(command: TokenCommand, printer: &Printer) -> Result<(), Failure> {
    match command {
        TokenCommand::Create { name, settings } => {
            let app = settings.open().await?;
            let (made, token) = {
                let new = tokens::NewToken { name, ..Default::default() };
                tokens::create(&app, &app.ctx(Actor::CommandLine), new).await?
            };
            let value = json!({ "id": made.id, "name": made.name, "token": token.expose() });
            printer.result(&value, |printer| {
                printer.line(token.expose());
                printer.note("Keep it like a password: it is not shown again.");
            });
        }
        TokenCommand::List { settings } => {
            let app = settings.open().await?;
            let all = tokens::list(&app, &app.ctx(Actor::CommandLine)).await?;
            let value = |it: &tokens::AccessToken| {
                json!({
                    "id": it.id, "name": it.name, "hint": it.hint, "created_at": time(it.created_at),
                    "last_used_at": it.last_used_at.map(time), "revoked_at": it.revoked_at.map(time)
                })
            };
            let items: Vec<_> = all.iter().map(value).collect();
            printer.result(&json!({ "items": items }), |printer| {
                let state =
                    |it: &tokens::AccessToken| if it.revoked_at.is_some() { "revoked" } else { "active" };
                let row = |it: &tokens::AccessToken| {
                    let used = it.last_used_at.map_or("never".into(), time);
                    vec![
                        cell(&it.name),
                        cell(&it.id),
                        cell(&format!("{}…", it.hint)),
                        cell(state(it)),
                        cell(&used),
                    ]
                };
                printer.table(&["name", "id", "token", "state", "last used"], all.iter().map(row));
            });
        }
        TokenCommand::Revoke { token, settings } => {
            let app = settings.open().await?;
            let ended = tokens::revoke(&app, &app.ctx(Actor::CommandLine), &token).await?;
            let value = json!({ "id": ended.id, "revoked_at": ended.revoked_at.map(time) });
            printer.result(&value, |printer| printer.line(format!("Revoked “{}”.", plain(&ended.name))));
        }
    }
    Ok(())
}

pub(super) async fn sign_in_link(
    settings: Settings,
    server: ServerSettings,
    printer: &Printer,
) -> Result<(), Failure> {
    let (site, app) = serve::site_of(settings, server).await?;
    let link = serve::sign_in_link(&app, &site).await?;
    printer.result(&json!({ "link": link }), |printer| {
        printer.line(&link);
        printer.note("It works once, for a day.");
    });
    Ok(())
}
