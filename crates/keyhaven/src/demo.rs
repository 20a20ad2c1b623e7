//! `keyhaven demo`: a fresh Keyhaven with the Pipedrive sandbox beside it, and values to try.

use std::{io, net::SocketAddr, path::Path};

use clap::Args;
use keyhaven_core::{
    Actor, Inputs, Keyhaven, Secret,
    connections::{self, NewConnection},
    syncs::{self, SyncInput},
};
use keyhaven_sandbox::{SCENARIOS, Sandbox, Scenario};
use serde_json::json;

use crate::{
    config::{ServerSettings, Settings},
    serve::{self, ServeError, println},
};

/// What the demo can be told.
#[derive(Args, Clone, Debug)]
pub(crate) struct DemoArgs {
    /// Where the sandbox listens; a free port where this one is taken
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9001")]
    sandbox_listen: SocketAddr,
    #[command(flatten)]
    server: ServerSettings,
}

/// What the stand-in can be told.
#[derive(Args, Clone, Debug)]
pub(crate) struct SandboxArgs {
    /// Where it listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9001")]
    listen: SocketAddr,
    /// How many deals, persons, organizations and activities each company has
    #[arg(long, value_name = "NUMBER", default_value_t = 300)]
    records: u64,
    /// Another number makes other records
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,
    /// A burst limit and a daily budget that nobody reaches
    #[arg(long)]
    no_limits: bool,
}

/// What the demo's sync writes, in the folder of syncs.
const FILE: &str = "crm.db";

/// Runs until it is told to stop; then everything it wrote is removed.
pub(crate) async fn run(args: DemoArgs, json: bool) -> Result<(), ServeError> {
    let sandbox = start_sandbox(args.sandbox_listen).await?;
    let data = tempfile::Builder::new().prefix("keyhaven-demo-").tempdir()?;
    let settings = Settings::default().for_demo(data.path().into(), override_to(&sandbox));
    let ready = serve::prepare(settings, args.server).await?;
    let link = serve::sign_in_link(&ready.app, &ready.site).await?;
    let sync = saved_sync(&ready.app).await?;
    let (url, at) = (&ready.site.public_url, sandbox.address());
    if json {
        println(&welcome_json(url, &link, &sync, at));
    } else {
        println(&welcome(url, &link, &sync, &data.path().join("syncs").join(FILE), at));
    }
    ready.serve().await?;
    sandbox.stop().await;
    Ok(())
}

/// Runs the sandbox alone until it is told to stop.
pub(crate) async fn sandbox_only(args: &SandboxArgs, json: bool) -> Result<(), ServeError> {
    let started = Sandbox::start(args.listen).await;
    let sandbox = started.map_err(|source| ServeError::Listen { address: args.listen, source })?;
    sandbox.state().set(|settings| {
        (settings.records, settings.seed) = (args.records, args.seed);
        if args.no_limits {
            settings.lift_limits();
        }
    });
    let (url, override_) = (format!("http://{}", sandbox.address()), override_to(&sandbox));
    if json {
        println(&json!({ "url": url, "egress_override": override_ }).to_string());
    } else {
        println(&format!("The stand-in for Pipedrive listens on {url}"));
        println(&format!("KEYHAVEN_EGRESS_OVERRIDE='{override_}'"));
    }
    tokio::signal::ctrl_c().await?;
    sandbox.stop().await;
    Ok(())
}

fn override_to(sandbox: &Sandbox) -> String {
    format!("*.pipedrive.com=http://{}", sandbox.address())
}

/// A connection that works, and a sync through it that waits for its start; the path of its page.
async fn saved_sync(app: &Keyhaven) -> Result<String, keyhaven_core::Error> {
    let ctx = app.ctx(Actor::CommandLine);
    let Some(good) = SCENARIOS.iter().find(|it| it.shows == "ok") else { return Ok("/syncs".into()) };
    let secret = |text: &str| Secret::new(text.to_owned());
    let fields = [("api_key", secret(good.key)), ("domain", secret(good.domain))];
    let fields: Inputs = fields.into_iter().map(|(id, value)| (id.to_owned(), value)).collect();
    let new = NewConnection { connector: "pipedrive".into(), name: "Sales EU".into(), fields };
    let connection = connections::create(app, &ctx, new, None).await?;
    let input = SyncInput {
        destination: Some(secret(FILE)),
        schedule: Some("every hour".into()),
        ..SyncInput::default()
    };
    let sync = syncs::create(app, &ctx, &connection.id, input, true).await?;
    Ok(format!("/syncs/{}/estimate", sync.id))
}

async fn start_sandbox(wanted: SocketAddr) -> io::Result<Sandbox> {
    match Sandbox::start(wanted).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Sandbox::start(SocketAddr::new(wanted.ip(), 0)).await
        }
        started => started,
    }
}

fn welcome(url: &str, link: &str, sync: &str, file: &Path, sandbox: SocketAddr) -> String {
    let mut text = format!(
        "\nKeyhaven {} runs on {url}, with a stand-in for Pipedrive on http://{sandbox}.\n\
         Nothing here is real, and nothing stays: the data go when you press Ctrl-C.\n\n\
         1. Sign in (this link works once):\n\n     {link}\n\n\
         2. The first page offers a sync: one click copies all records of the stand-in into a SQLite database.\n    \
         What it will take before it starts:\n\n     {url}{sync}\n\n    \
         Then ask it something:\n\n     \
         sqlite3 {} 'SELECT title, owner, stage, value, currency FROM deals_readable LIMIT 5'\n\n\
         3. Add more Pipedrive connections with these, good and bad:\n\n",
        env!("CARGO_PKG_VERSION"),
        file.display()
    );
    for scenario in SCENARIOS {
        text += &format!("     {}  {:<9}  {}\n", scenario.key, scenario.domain, scenario.title);
    }
    text + "\n     (API Key Value, Pipedrive Domain, what you will see)\n"
}

fn welcome_json(url: &str, link: &str, sync: &str, sandbox: SocketAddr) -> String {
    let value = |it: &Scenario| json!({ "api_key": it.key, "domain": it.domain, "shows": it.title });
    let scenarios: Vec<_> = SCENARIOS.iter().map(value).collect();
    json!({ "url": url, "link": link, "sync": format!("{url}{sync}"), "sandbox": format!("http://{sandbox}"), "scenarios": scenarios })
        .to_string()
}
