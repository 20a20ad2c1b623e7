//! `keyhaven serve`: opens the data, listens, works in the background, ends in order.

use std::{io, net::SocketAddr, sync::Arc};

use keyhaven_core::{Actor, Keyhaven, jobs, sign_in, syncs, usage};
use serde_json::json;
use tokio::{
    net::TcpListener,
    runtime::Handle,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinHandle,
};

use crate::{
    config::{DEFAULT_LISTEN, Running, ServerSettings, SetUpError, Settings},
    server::{self, AppState, Service, Site, Tls, TlsError, TrustedProxies},
};

/// Why the server did not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// Settings or data.
    #[error(transparent)]
    SetUp(#[from] SetUpError),
    /// The log level.
    #[error("“{0}” is no log level; write error, warn, info, debug or trace")]
    Log(String),
    /// The address.
    #[error("cannot listen on {address}: {source}; choose another one with --listen")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The public URL.
    #[error(
        "the public URL “{0}” cannot be used; write http:// or https:// and a host, such as https://keyhaven.example.com"
    )]
    PublicUrl(String),
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// One of the two is missing.
    #[error("TLS needs both --tls-cert and --tls-key")]
    HalfTls,
    /// A network of a proxy.
    #[error("“{0}” is no address and no network of a trusted proxy; write 10.0.0.5 or 10.0.0.0/8")]
    TrustedProxy(String),
    /// The sign-in link cannot be made.
    #[error(transparent)]
    Link(#[from] keyhaven_core::Error),
    /// The system.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A server that listens, and has not begun to answer.
pub(crate) struct Ready {
    /// Where people reach it.
    pub site: Arc<Site>,
    pub app: Arc<Keyhaven>,
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    trusted: Arc<TrustedProxies>,
    /// Heard from the beginning: whoever reads that the server runs may stop it in order.
    stop: [Signal; 2],
    /// For commands beside it, as long as it runs.
    _running: Option<Running>,
}

/// Runs the server until it is told to stop.
pub(crate) async fn run(settings: Settings, server: ServerSettings, json: bool) -> Result<(), ServeError> {
    let ready = prepare(settings, server).await?;
    if !json {
        println(&format!("Keyhaven {} runs on {}", env!("CARGO_PKG_VERSION"), ready.site.public_url));
    }
    // The first random bytes take longer than all else together: whoever asks first need not wait for them.
    let (app, site) = (ready.app.clone(), ready.site.clone());
    tokio::spawn(async move {
        match sign_in_link(&app, &site).await {
            Ok(link) if json => println(&json!({ "url": site.public_url, "link": link }).to_string()),
            Ok(link) => println(&format!("Sign in once with:  {link}")),
            Err(error) => tracing::error!(%error, "no sign-in link can be made; try: keyhaven sign-in-link"),
        }
    });
    ready.serve().await
}

/// A fresh one-time link.
pub(crate) async fn sign_in_link(app: &Keyhaven, site: &Site) -> Result<String, keyhaven_core::Error> {
    let token = sign_in::issue_link(app, &app.ctx(Actor::CommandLine)).await?;
    Ok(site.sign_in_url(token.expose()))
}

/// Opens the data and the socket.
pub(crate) async fn prepare(settings: Settings, server: ServerSettings) -> Result<Ready, ServeError> {
    let (settings, from_file) = settings.with_file().map_err(SetUpError::from)?;
    let server = server.or(from_file);
    start_log(server.log.as_deref().unwrap_or("info"))?;
    let wanted = server.listen.unwrap_or(DEFAULT_LISTEN);
    // The socket first: an address in use is told before anything is written.
    let listener =
        TcpListener::bind(wanted).await.map_err(|source| ServeError::Listen { address: wanted, source })?;
    let tls = match (server.tls_cert, server.tls_key) {
        (Some(certificate), Some(key)) => Some(Arc::new(Tls::open(certificate, key)?)),
        (None, None) => None,
        _ => return Err(ServeError::HalfTls),
    };
    let public_url = public_url(server.public_url, listener.local_addr()?, tls.is_some())?;
    let trusted = server.trusted_proxies.as_deref().map(TrustedProxies::parse).transpose();
    let trusted = Arc::new(trusted.map_err(ServeError::TrustedProxy)?.unwrap_or_default());
    let data = settings.data().map_err(SetUpError::from)?;
    let app = settings.open_as_is().await?;
    let running = Running::note(&data, &public_url).unwrap_or_else(|error| {
        tracing::warn!(%error, "the server's address cannot be noted: keyhaven sign-in-link needs --public-url");
        None
    });
    let stop = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    for one in app.egress_overrides() {
        tracing::warn!("development override of egress: {one}");
    }
    let (site, app) = (Arc::new(Site { public_url }), Arc::new(app));
    Ok(Ready { site, app, listener, tls, trusted, stop, _running: running })
}

/// The data, and how the server on them is reached: as these settings say, else as the one that runs does.
pub(crate) async fn site_of(
    settings: Settings,
    server: ServerSettings,
) -> Result<(Site, Keyhaven), ServeError> {
    let (settings, from_file) = settings.with_file().map_err(SetUpError::from)?;
    let is_named = server.listen.is_some() || server.public_url.is_some();
    let mut server = server.or(from_file);
    if !is_named && let Some(url) = Running::url(&settings.data().map_err(SetUpError::from)?) {
        server.public_url = Some(url);
    }
    let address = server.listen.unwrap_or(DEFAULT_LISTEN);
    let public_url = public_url(server.public_url, address, server.tls_cert.is_some())?;
    Ok((Site { public_url }, settings.open_as_is().await?))
}

fn public_url(given: Option<String>, address: SocketAddr, tls: bool) -> Result<String, ServeError> {
    let scheme = if tls { "https" } else { "http" };
    let Some(given) = given else { return Ok(format!("{scheme}://{address}")) };
    let url = given.trim_end_matches('/');
    let uri: Option<axum::http::Uri> = url.parse().ok();
    let fits = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some()
            && matches!(uri.path(), "" | "/")
            && uri.query().is_none()
    });
    if fits { Ok(url.to_owned()) } else { Err(ServeError::PublicUrl(given)) }
}

impl Ready {
    /// Answers until the process is told to stop, then ends in order.
    pub(crate) async fn serve(self) -> Result<(), ServeError> {
        let [mut terminate, mut interrupt] = self.stop;
        let (stop_jobs, stopped) = watch::channel(false);
        let (stop_recorder, recorder_stopped) = watch::channel(false);
        let recorder = tokio::spawn(usage::run(self.app.clone(), recorder_stopped));
        let worker = tokio::spawn(jobs::run(self.app.clone(), stopped.clone()));
        let syncs = tokio::spawn(syncs::run_due(self.app.clone(), stopped));
        let router = server::router(AppState { app: self.app.clone(), site: self.site });
        let (app, trusted) = (self.app.clone(), self.trusted.clone());
        let service = Service { app, router, trusted, main: Handle::current() };
        server::serve(self.listener, self.tls, service, async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tracing::info!("stopping");
        })
        .await?;
        let _ = stop_jobs.send(true);
        ended(worker).await;
        ended(syncs).await;
        // Last: what the syncs have called is counted, too.
        let _ = stop_recorder.send(true);
        ended(recorder).await;
        self.app.close().await;
        Ok(())
    }
}

async fn ended(task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::error!(%error, "a background worker ended badly");
    }
}

/// Logs to standard error. A second call in one process changes nothing.
fn start_log(level: &str) -> Result<(), ServeError> {
    use std::io::IsTerminal;

    use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};
    let level: tracing::Level = level.parse().map_err(|_| ServeError::Log(level.into()))?;
    // Other crates' chatter may hold headers and statements: it is never logged below a warning.
    let targets = Targets::new()
        .with_default(tracing::Level::WARN)
        .with_targets(["keyhaven", "keyhaven_core", "keyhaven_store"].map(|name| (name, level)));
    let to = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    let _ = tracing_subscriber::registry().with(to).with(targets).try_init();
    Ok(())
}

/// To standard output; a reader that went away is no reason to stop a server.
pub(crate) fn println(line: &str) {
    use std::io::Write;
    let _ = writeln!(io::stdout(), "{line}");
}
