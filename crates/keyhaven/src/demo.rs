//! `keyhaven demo`: a fresh Keyhaven with the Pipedrive sandbox beside it, and values to try.

use std::{io, net::SocketAddr};

use clap::Args;
use keyhaven_sandbox::{SCENARIOS, Sandbox};

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

/// Runs until it is told to stop; then everything it wrote is removed.
pub(crate) async fn run(args: DemoArgs) -> Result<(), ServeError> {
    let sandbox = start_sandbox(args.sandbox_listen).await?;
    let data = tempfile::Builder::new().prefix("keyhaven-demo-").tempdir()?;
    let override_ = format!("*.pipedrive.com=http://{}", sandbox.address());
    let settings = Settings::default().for_demo(data.path().into(), override_);
    let ready = serve::prepare(settings, args.server).await?;
    let link = serve::sign_in_link(&ready.app, &ready.site).await?;
    println(&welcome(&ready.site.public_url, &link, sandbox.address()));
    ready.serve().await?;
    sandbox.stop().await;
    Ok(())
}

/// Runs the sandbox alone until it is told to stop.
pub(crate) async fn sandbox_only(listen: SocketAddr) -> Result<(), ServeError> {
    let started = Sandbox::start(listen).await;
    let sandbox = started.map_err(|source| ServeError::Listen { address: listen, source })?;
    println(&format!("The stand-in for Pipedrive listens on http://{}", sandbox.address()));
    println(&format!("KEYHAVEN_EGRESS_OVERRIDE='*.pipedrive.com=http://{}'", sandbox.address()));
    tokio::signal::ctrl_c().await?;
    sandbox.stop().await;
    Ok(())
}

async fn start_sandbox(wanted: SocketAddr) -> io::Result<Sandbox> {
    match Sandbox::start(wanted).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Sandbox::start(SocketAddr::new(wanted.ip(), 0)).await
        }
        started => started,
    }
}

fn welcome(url: &str, link: &str, sandbox: SocketAddr) -> String {
    let mut text = format!(
        "\nKeyhaven {} runs on {url}, with a stand-in for Pipedrive on http://{sandbox}.\n\
         Nothing here is real, and nothing stays: the data go when you press Ctrl-C.\n\n\
         1. Sign in (this link works once):\n\n     {link}\n\n\
         2. Add a Pipedrive connection with one of these:\n\n",
        env!("CARGO_PKG_VERSION")
    );
    for scenario in SCENARIOS {
        text += &format!("     {}  {:<9}  {}\n", scenario.key, scenario.domain, scenario.title);
    }
    text + "\n     (API Key Value, Pipedrive Domain, what you will see)\n"
}
