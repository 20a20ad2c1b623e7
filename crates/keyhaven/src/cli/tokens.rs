//! `keyhaven token …` and `keyhaven sign-in-link`.

use clap::{Args, Subcommand, builder::NonEmptyStringValueParser};
use keyhaven_core::{policy::PolicyInput, tokens::NewToken};
use serde_json::json;

use super::{
    TargetArgs,
    backend::Target,
    failure::Failure,
    printer::{Printer, cell, plain},
};
use crate::{
    api::wire::AccessToken,
    config::{ServerSettings, Settings},
    serve,
};

/// What to do with access tokens.
#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Make an access token; it is printed once, alone on standard output
    #[command(
        after_help = "Examples:\n  export KEYHAVEN_TOKEN=$(keyhaven token create --name nightly-sync)\n  \
        keyhaven token create --name report --connection sales-eu --read-only --expires 30d"
    )]
    Create(CreateArgs),
    /// List access tokens
    #[command(after_help = "Example: keyhaven token list --json")]
    List(TargetArgs),
    /// Show what an access token may do
    #[command(after_help = "Example: keyhaven token show nightly-sync")]
    Show(One),
    /// End an access token at once
    #[command(after_help = "Example: keyhaven token revoke nightly-sync")]
    Revoke(One),
}

/// One access token.
#[derive(Args)]
pub(super) struct One {
    /// Its id or name
    token: String,
    #[command(flatten)]
    target: TargetArgs,
}

/// Which access token to make.
#[derive(Args)]
pub(super) struct CreateArgs {
    /// What it is for
    #[arg(long)]
    name: String,
    /// Only this connection; may be repeated
    #[arg(long = "connection", value_name = "CONNECTION", help_heading = LIMITS)]
    connections: Vec<String>,
    /// Only look, never change
    #[arg(long, help_heading = LIMITS)]
    read_only: bool,
    /// Only from this network or address; may be repeated
    #[arg(long = "network", value_name = "CIDR", help_heading = LIMITS)]
    networks: Vec<String>,
    /// Ends by itself: after a span (30d, 12h), with a day (2030-12-31) or at a time
    #[arg(long, value_name = "WHEN", help_heading = LIMITS, value_parser = NonEmptyStringValueParser::new())]
    expires: Option<String>,
    /// Only this method, with GET also HEAD; may be repeated
    #[arg(long = "method", value_name = "METHOD", help_heading = PROXY)]
    methods: Vec<String>,
    /// Only this path, such as '/api/v2/deals/*'; may be repeated
    #[arg(long = "path", value_name = "PATTERN", help_heading = PROXY)]
    paths: Vec<String>,
    /// Calls a minute
    #[arg(long, value_name = "NUMBER", help_heading = PROXY)]
    per_minute: Option<u32>,
    /// Calls a day
    #[arg(long, value_name = "NUMBER", help_heading = PROXY)]
    per_day: Option<u32>,
    /// Share of the app's daily budget
    #[arg(long, value_name = "PERCENT", help_heading = PROXY)]
    budget_share: Option<u8>,
    #[command(flatten)]
    target: TargetArgs,
}

const LIMITS: &str = "Limits";
const PROXY: &str = "Limits of calls through the proxy";

pub(super) async fn run(command: TokenCommand, printer: &Printer) -> Result<(), Failure> {
    match command {
        TokenCommand::Create(args) => create(args, printer).await?,
        TokenCommand::List(target) => list(&target.open().await?.tokens().await?, printer),
        TokenCommand::Show(one) => {
            let target = one.target.open().await?;
            let it = target.token(&one.token).await?;
            let connections = names(&target, it.connections.as_deref()).await;
            printer.result(&it, |printer| printer.facts(facts(&it, connections)));
        }
        TokenCommand::Revoke(one) => {
            let it = one.target.open().await?.revoke_token(&one.token).await?;
            printer.result(&it, |printer| printer.line(format!("Revoked “{}”.", plain(&it.name))));
        }
    }
    Ok(())
}

async fn create(args: CreateArgs, printer: &Printer) -> Result<(), Failure> {
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    let new = NewToken {
        id: None,
        name: args.name,
        policy: PolicyInput {
            connections: (!args.connections.is_empty()).then_some(args.connections),
            read_only: args.read_only,
            methods: args.methods,
            paths: args.paths,
            per_minute: number(args.per_minute),
            per_day: number(args.per_day),
            budget_share: number(args.budget_share.map(u32::from)),
            networks: args.networks,
        },
        expires_at: args.expires.unwrap_or_default(),
    };
    let made = args.target.open().await?.create_token(new).await?;
    printer.result(&made, |printer| {
        printer.line(made.token.as_deref().unwrap_or_default());
        printer.note("Keep it like a password: it is not shown again.");
    });
    Ok(())
}

fn list(all: &[AccessToken], printer: &Printer) {
    printer.result(&json!({ "items": all }), |printer| {
        let row = |it: &AccessToken| {
            let used = it.last_used_at.as_deref().unwrap_or("never");
            let hint = format!("{}…", it.hint);
            let may = it.may().join("; ");
            let connections = it.connections.as_ref().map_or("all".into(), |ids| ids.len().to_string());
            [&it.name, &it.id, &hint, &it.state, &connections, &may, used].map(cell).into()
        };
        printer
            .table(&["name", "id", "token", "state", "connections", "may", "last used"], all.iter().map(row));
    });
}

/// What people call them; the id of one that is no more, or that may not be seen.
async fn names(target: &Target, connections: Option<&[String]>) -> String {
    let Some(ids) = connections else { return "all".into() };
    let mut names = Vec::new();
    for id in ids {
        names.push(target.get(id).await.map_or_else(|_| id.clone(), |it| it.slug));
    }
    names.join(", ")
}

fn facts(it: &AccessToken, connections: String) -> Vec<(String, String)> {
    let time = |at: &Option<String>, none: &str| at.clone().unwrap_or_else(|| none.into());
    [
        ("Name", it.name.clone()),
        ("Id", it.id.clone()),
        ("Token", format!("{}…", it.hint)),
        ("State", it.state.clone()),
        ("May", it.may().join("; ")),
        ("Connections", connections),
        ("Made", it.created_at.clone()),
        ("Expires", time(&it.expires_at, "never")),
        ("Last used", time(&it.last_used_at, "never")),
        ("Revoked", time(&it.revoked_at, "no")),
    ]
    .map(|(label, value)| (label.to_owned(), plain(&value)))
    .into()
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
