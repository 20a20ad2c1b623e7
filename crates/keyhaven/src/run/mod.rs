//! `keyhaven run`: a program with hard-coded addresses, whose calls to one app go through a connection.
//!
//! A proxy on the loopback interface opens the connection's hosts with certificates of an authority that lives in
//! memory, as long as the command. Everything else is tunnelled untouched, or refused.

mod authority;
mod child;
mod environment;
mod files;
mod opened;
mod tunnel;

use std::{collections::HashMap, ffi::OsString, io, process::ExitCode, sync::Arc};

use axum::http::uri::Authority as HostAndPort;
use keyhaven_core::{Rng, SystemRng};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::passage::Passage;
use authority::Authority;
use files::Files;

/// What to run, and what it may use.
pub(crate) struct Job {
    pub passage: Passage,
    /// Id or slug.
    pub connection: String,
    /// The hosts that are opened, as host or host:port.
    pub hosts: Vec<String>,
    /// Where the program looks for a key.
    pub variable: Option<String>,
    /// Refuse every other host.
    pub strict: bool,
    /// Tell on standard error what is done.
    pub verbose: bool,
    pub program: OsString,
    pub arguments: Vec<OsString>,
}

/// Why the program does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The system.
    #[error("the loopback proxy cannot be set up: {0}")]
    Io(#[from] io::Error),
    /// Certificates.
    #[error("no certificate can be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS.
    #[error("no certificate can be used: {0}")]
    Tls(#[from] rustls::Error),
    /// There is no such program.
    #[error("there is no program “{0}”")]
    NotFound(String),
    /// It does not start.
    #[error("“{program}” cannot be started: {source}")]
    NotStarted {
        /// Which.
        program: String,
        /// What the system says.
        source: io::Error,
    },
}

/// What the proxy works with.
struct Shared {
    passage: Passage,
    connection: String,
    /// By host and port.
    opened: HashMap<(String, u16), TlsAcceptor>,
    /// What `Proxy-Authorization` must be.
    authorization: String,
    strict: bool,
    verbose: bool,
}

impl Shared {
    /// The way into a host of the connection.
    fn acceptor(&self, host: &str, port: u16) -> Option<&TlsAcceptor> {
        self.opened.get(&(plain_host(host), port))
    }

    fn note(&self, text: impl FnOnce() -> String) {
        if self.verbose {
            use io::Write;
            let _ = writeln!(anstream::stderr(), "keyhaven: {}", text());
        }
    }
}

/// Runs the program to its end; the exit code is its own.
pub(crate) async fn run(job: Job) -> Result<ExitCode, RunError> {
    let authority = Authority::new()?;
    let mut opened = HashMap::new();
    for (host, port) in job.hosts.iter().filter_map(|host| split(host)) {
        opened.insert((host.clone(), port), authority.acceptor(&host)?);
    }
    let mut secret = [0; 24];
    SystemRng.fill(&mut secret);
    let secret = secret.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = format!("http://{}:{secret}@{}", tunnel::USER, listener.local_addr()?);
    let files = Files::write(&authority.pem())?;
    let shared = Arc::new(Shared {
        passage: job.passage,
        connection: job.connection,
        opened,
        authorization: tunnel::authorization(&secret),
        strict: job.strict,
        verbose: job.verbose,
    });
    let proxy = tokio::spawn(tunnel::serve(listener, shared.clone()));
    let mut command = tokio::process::Command::new(&job.program);
    command.args(&job.arguments).kill_on_drop(true);
    environment::set(&mut command, &address, shared.strict, &files, job.variable.as_deref());
    let end = child::run(command, &job.program).await;
    proxy.abort();
    shared.passage.close().await;
    end
}

/// `host` or `host:port`, as parts.
fn split(text: &str) -> Option<(String, u16)> {
    let authority: HostAndPort = text.parse().ok()?;
    Some((plain_host(authority.host()), authority.port_u16().unwrap_or(443)))
}

fn plain_host(host: &str) -> String {
    host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase()
}
