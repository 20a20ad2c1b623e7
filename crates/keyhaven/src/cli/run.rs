//! `keyhaven run`.

use std::{ffi::OsString, process::ExitCode};

use clap::Args;

use super::{TargetArgs, failure::Failure};
use crate::run::{self, Job, RunError};

/// Run a program that uses a connection without seeing its key.
///
/// Its https requests to the connection's hosts get the key on their way. It finds a placeholder where it looks for a
/// key, and everything else goes out untouched.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    keyhaven run sales-eu -- python nightly.py\n  \
    keyhaven run sales-eu -- curl https://acme.pipedrive.com/api/v1/users/me\n  \
    keyhaven run --strict sales-eu -- node sync.js --all\n  \
    KEYHAVEN_TOKEN=kh_… keyhaven run --server https://keyhaven.example.com sales-eu -- ./report.sh\n\n\
    The program must heed HTTPS_PROXY and one of SSL_CERT_FILE, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or \
    NODE_EXTRA_CA_CERTS, as curl, Python, Go, Ruby, git and Node do. Others, such as Java, call \
    the server's /proxy/ with an access token instead.\n\n\
    The exit code is the program's own; 128 and a signal's number where one ended it, 127 where there is no such \
    program. Signals pass to it.")]
pub(super) struct RunArgs {
    /// Refuse every host that is none of the connection's
    #[arg(long)]
    strict: bool,
    /// Tell on standard error where each request goes
    #[arg(long, short)]
    verbose: bool,
    /// The connection's name for programs (such as sales-eu) or its id
    connection: String,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    command: Vec<OsString>,
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) async fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let target = args.target.open().await?;
    let saved = target.get(&args.connection).await?;
    if saved.deleted_at.is_some() {
        let remedy = format!("Bring it back with: keyhaven connections restore {}", saved.slug);
        return Err(Failure::new(1, "not_found", "this connection was deleted", remedy));
    }
    let header = saved.header.as_deref().and_then(|name| name.parse().ok());
    let header = header.filter(|_| !saved.hosts.is_empty()).ok_or_else(|| {
        let message = "the saved values of this connection name no host";
        Failure::new(1, "nothing_to_do", message, "Edit the connection.")
    })?;
    let app = target.connector(&saved.connector).await?;
    let mut command = args.command.into_iter();
    let job = Job {
        passage: target.passage(header, app.in_use.query),
        connection: saved.id,
        hosts: saved.hosts,
        variable: app.in_use.env,
        strict: args.strict,
        verbose: args.verbose,
        program: command.next().unwrap_or_default(),
        arguments: command.collect(),
    };
    Ok(run::run(job).await?)
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let (exit, remedy) = match &error {
            RunError::NotFound(_) => {
                (127, "Look at its name, and at PATH; a program here needs ./ before it.")
            }
            RunError::NotStarted { .. } => (126, "Look whether it may be executed."),
            _ => (1, "Look at the folder for temporary files, and whether 127.0.0.1 can be listened on."),
        };
        Self::new(exit, "not_run", error.to_string(), remedy)
    }
}
