//! `keyhaven doctor`.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::ExitCode};

use http::Method;
use keyhaven_core::{
    doctor::{self, Finding, Level},
    remote::Remote,
};

use super::{
    TargetArgs,
    backend::Target,
    failure::Failure,
    printer::{Printer, mark, plain},
};
use crate::config::Settings;

pub(super) async fn run(args: TargetArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let findings = match &args.server {
        Some(server) => match Target::remote(server)? {
            Target::Remote(remote) => there(&remote).await,
            Target::Local(..) => Vec::new(),
        },
        None => here(args.settings).await?,
    };
    printer.result(&serde_json::json!({ "findings": findings }), |printer| {
        for finding in &findings {
            let status = match finding.level {
                Level::Ok => "valid",
                Level::Warning => "unverified",
                Level::Fault => "invalid",
            };
            let mut lines = finding.message.lines();
            let first = plain(lines.next().unwrap_or_default());
            printer.line(format!("{} {:<13} {first}", mark(status), finding.what));
            for line in lines.chain(finding.remedy.as_deref()) {
                printer.line(format!("  {:<13} {}", "", plain(line)));
            }
        }
    });
    let fault = findings.iter().any(|finding| finding.level == Level::Fault);
    Ok(if fault { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// This machine. Nothing is made that is not there yet.
async fn here(settings: Settings) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    let settings = match settings.with_file() {
        Ok((settings, _)) => settings,
        Err(error) => return Ok(vec![fault("settings", error.to_string(), "Correct the settings file.")]),
    };
    let folder = match settings.data() {
        Ok(folder) => folder,
        Err(error) => return Ok(vec![fault("data folder", error.to_string(), "Name one with --data.")]),
    };
    findings.push(data_folder(&folder));
    if findings.iter().any(|finding| finding.level == Level::Fault) {
        return Ok(findings);
    }
    match Target::local(settings).await {
        Ok(Target::Local(app, ctx)) => findings.extend(doctor::examine(&app, &ctx).await?),
        Ok(Target::Remote(_)) => {}
        Err(failure) => findings.push(Finding {
            what: "data",
            level: Level::Fault,
            message: failure.message,
            remedy: Some(failure.remedy).filter(|remedy| !remedy.is_empty()),
        }),
    }
    Ok(findings)
}

fn data_folder(folder: &Path) -> Finding {
    const WHAT: &str = "data folder";
    let shown = folder.display();
    match fs::metadata(folder) {
        Ok(about) if !about.is_dir() => fault(WHAT, format!("{shown} is no folder"), "Name one with --data."),
        Ok(about) if about.permissions().mode() & 0o077 != 0 => Finding::trouble(
            WHAT,
            Level::Warning,
            format!("other users of this machine may look into {shown}"),
            format!("Run: chmod 700 {shown}"),
        ),
        Ok(_) => Finding::ok(WHAT, format!("{shown}, for nobody else")),
        Err(error) => fault(
            WHAT,
            format!("{shown} cannot be looked into: {error}"),
            "Start the server once to make it (keyhaven serve), or name the right one with --data.",
        ),
    }
}

/// A server, as far as its token opens it.
async fn there(remote: &Remote) -> Vec<Finding> {
    let ready = match remote.call(Method::GET, "/readyz", None).await {
        Ok((200, _)) => Finding::ok("server", format!("{} answers and is ready", remote.address())),
        Ok((status, _)) => fault(
            "server",
            format!("{} answers, but is not ready (HTTP {status})", remote.address()),
            "Look at the server's log; on its machine, keyhaven doctor tells more.",
        ),
        Err(error) => {
            let failure = Failure::from(error);
            return vec![fault("server", failure.message, &failure.remedy)];
        }
    };
    let token = match remote.call(Method::GET, "/api/v1/connections?limit=1", None).await {
        Ok((200, _)) => Finding::ok("access token", "KEYHAVEN_TOKEN is accepted"),
        Ok((401, _)) => fault(
            "access token",
            "KEYHAVEN_TOKEN is not accepted".into(),
            "Make a new one on the server with: keyhaven token create --name NAME",
        ),
        Ok((status, _)) => fault(
            "access token",
            format!("whether KEYHAVEN_TOKEN is accepted cannot be told (HTTP {status})"),
            "Look at the server's log.",
        ),
        Err(error) => fault("access token", error.to_string(), "Look at the server's log."),
    };
    let transport = if remote.is_private() {
        Finding::ok("transport", "nobody on the way can read the token")
    } else {
        let message = "http:// without TLS: whoever is on the way can read the token";
        Finding::trouble("transport", Level::Warning, message, "Use the server's https:// address.")
    };
    vec![ready, token, transport]
}

fn fault(what: &'static str, message: String, remedy: &str) -> Finding {
    Finding::trouble(what, Level::Fault, message, remedy)
}
