//! Keyhaven: the self-hosted place where a team connects its apps.

mod api;
mod cli;
mod config;
mod demo;
mod passage;
mod proxy;
mod run;
mod serve;
mod server;
mod web;
mod words;

use std::{process::ExitCode, time::Duration};

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(cli::run(cli));
            // What still waits for a destination, or for standard input, is not waited for.
            runtime.shutdown_timeout(Duration::from_secs(1));
            code
        }
        Err(error) => {
            tracing::error!(%error, "the system gives no threads");
            ExitCode::FAILURE
        }
    }
}
