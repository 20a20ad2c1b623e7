//! The command line: one file for each command.

mod ask;
mod audit;
mod backend;
mod connect;
mod connections;
mod connectors;
mod doctor;
mod edit;
mod failure;
mod fields;
mod generate;
mod list;
mod parser;
mod printer;
mod request;
mod run;
mod secrets;
mod sync;
mod syncs;
mod token_backend;
mod tokens;
mod usage;
mod verdict;

use std::process::ExitCode;

use clap::{Args, FromArgMatches, Parser, Subcommand, error::ErrorKind};

use crate::{
    config::{ServerSettings, Settings},
    demo::{self, DemoArgs, SandboxArgs},
    serve,
};
use backend::Target;
use failure::Failure;
use printer::Printer;

/// The self-hosted place where a team connects its apps: an API key is saved once, verified, and used without being
/// seen again.
#[derive(Parser)]
#[command(name = "keyhaven", version, arg_required_else_help = true, propagate_version = true)]
#[command(
    after_help = "Begin with `keyhaven demo`, or with `keyhaven serve` and the link that it prints.\n\n\
    Exit codes: 0 done, 1 something failed, 2 the command was not understood, 3 the verdict is !, 4 the app's requests for today are used up"
)]
pub(crate) struct Cli {
    /// Print JSON, the same that the API gives
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    #[command(after_help = "Examples:\n  keyhaven serve\n  \
        keyhaven serve --listen 127.0.0.1:8787 --data /var/lib/keyhaven --public-url https://keyhaven.example.com")]
    Serve {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        server: ServerSettings,
    },
    /// Try Keyhaven with a stand-in for Pipedrive and nothing to set up
    #[command(after_help = "Example: keyhaven demo --listen 127.0.0.1:8788")]
    Demo(DemoArgs),
    /// Run only the stand-in for Pipedrive, to test programs against
    #[command(after_help = "Examples:\n  keyhaven sandbox --listen 127.0.0.1:9001\n  \
        keyhaven sandbox --records 1000000 --seed 7 --no-limits")]
    Sandbox(SandboxArgs),
    /// Make a one-time link that signs a browser in
    ///
    /// It leads to --public-url or --listen, else to the server that runs on this data.
    #[command(after_help = "Example: xdg-open $(keyhaven sign-in-link)")]
    SignInLink {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        server: ServerSettings,
    },
    /// Make, list, show and revoke access tokens for programs
    #[command(subcommand)]
    Token(tokens::TokenCommand),
    /// Save a credential and verify it
    Connect(connect::ConnectArgs),
    /// Read the audit log: who did what, when, and from where
    Audit(audit::AuditArgs),
    /// List, show, verify, rename, edit, delete and restore connections, and see what goes through them
    #[command(subcommand)]
    Connections(connections::ConnectionsCommand),
    /// Run a program that uses a connection without seeing its key
    Run(run::RunArgs),
    /// Send one request to an app through a connection
    Request(request::RequestArgs),
    /// Copy an app's records into a database that people can read
    Sync(sync::SyncArgs),
    /// Save, schedule, run and watch syncs that the server runs by itself
    #[command(subcommand)]
    Syncs(syncs::SyncsCommand),
    /// The apps that can be connected
    #[command(subcommand)]
    Connectors(connectors::ConnectorsCommand),
    /// Look whether everything is in order
    #[command(after_help = "Examples:\n  keyhaven doctor\n  \
        keyhaven doctor --server https://keyhaven.example.com --json\n\nExit code 1: something does not work")]
    Doctor(TargetArgs),
    /// Print the OpenAPI document
    #[command(after_help = "Example: keyhaven openapi > openapi.json")]
    Openapi,
    /// Print completions for a shell
    #[command(
        after_help = "Example: keyhaven completions bash > ~/.local/share/bash-completion/completions/keyhaven"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each command into a folder
    #[command(after_help = "Examples:\n  keyhaven man | man -l -\n  keyhaven man /usr/local/share/man/man1")]
    Man {
        /// Where to write them
        #[arg(value_name = "DIR")]
        folder: Option<std::path::PathBuf>,
    },
}

/// The data of this machine, or a server.
#[derive(Args, Clone)]
#[command(next_help_heading = "Where to work")]
struct TargetArgs {
    /// Work on a server instead of the data of this machine; its access token stands in KEYHAVEN_TOKEN
    #[arg(long, env = "KEYHAVEN_SERVER", value_name = "URL")]
    server: Option<String>,
    #[command(flatten)]
    settings: Settings,
}

/// Reads the arguments. Help and plain messages are printed by the parser, which then ends the program; with `--json`
/// what cannot be read is told as JSON, like every other failure.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    let mut command = parser::command();
    let given = command.try_get_matches_from_mut(std::env::args_os());
    given.and_then(|given| Cli::from_arg_matches(&given)).map_err(|error| {
        if !error.use_stderr() || std::env::args_os().all(|it| it != "--json") {
            error.exit()
        }
        let text = match error.kind() {
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "there is no command".to_owned(),
            _ => error.to_string(),
        };
        let what = text.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default();
        let message = what.split_whitespace().collect::<Vec<_>>().join(" ");
        Printer::new(true).failure(&Failure::usage(message, "See keyhaven --help."))
    })
}

/// Does what was asked; the exit code says how it went.
pub(crate) async fn run(cli: Cli) -> ExitCode {
    let printer = Printer::new(cli.json);
    match dispatch(cli.command, &printer).await {
        Ok(code) => code,
        Err(failure) => printer.failure(&failure),
    }
}

async fn dispatch(command: Command, printer: &Printer) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve { settings, server } => serve::run(settings, server, printer.is_json()).await?,
        Command::Demo(args) => demo::run(args, printer.is_json()).await?,
        Command::Sandbox(args) => demo::sandbox_only(&args, printer.is_json()).await?,
        Command::SignInLink { settings, server } => tokens::sign_in_link(settings, server, printer).await?,
        Command::Token(command) => tokens::run(command, printer).await?,
        Command::Connect(args) => return connect::run(args, printer).await,
        Command::Audit(args) => audit::run(args, printer).await?,
        Command::Connections(command) => return connections::run(command, printer).await,
        Command::Run(args) => return run::run(args).await,
        Command::Request(args) => return request::run(args, printer).await,
        Command::Sync(args) => return sync::run(args, printer).await,
        Command::Syncs(command) => return syncs::run(command, printer).await,
        Command::Connectors(command) => connectors::run(command, printer).await?,
        Command::Doctor(target) => return doctor::run(target, printer).await,
        Command::Openapi => generate::openapi(printer)?,
        Command::Completions { shell } => generate::completions(shell),
        Command::Man { folder } => generate::man(folder.as_deref(), printer)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl TargetArgs {
    async fn open(self) -> Result<Target, Failure> {
        match self.server {
            Some(server) => Target::remote(&server),
            None => Target::local(self.settings).await,
        }
    }
}
