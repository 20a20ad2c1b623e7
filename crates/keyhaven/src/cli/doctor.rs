//! `keyhaven doctor`.

use std::process::ExitCode;

use http::Method;
use keyhaven_core::doctor::{self, Finding, Level};

use super::{
    TargetArgs,
    backend::Target,
    failure::Failure,
    printer::{Printer, mark, plain},
};

pub(super) async fn run(target: TargetArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let findings = match target.open().await? {
        Target::Local(app, ctx) => doctor::examine(&app, &ctx).await?,
        Target::Remote(remote) => {
            let (ready, _) = remote.call(Method::GET, "/readyz", None).await?;
            let (token, _) = remote.call(Method::GET, "/api/v1/connections?limit=1", None).await?;
            vec![
                judge(
                    "server",
                    ready == 200,
                    format!("{} answers", remote.address()),
                    "Look at the server's log.",
                ),
                judge(
                    "access token",
                    token == 200,
                    "KEYHAVEN_TOKEN is accepted".into(),
                    "Make a new one on the server with: keyhaven token create --name NAME",
                ),
            ]
        }
    };
    printer.result(&serde_json::json!({ "findings": findings }), |printer| {
        for finding in &findings {
            let status = match finding.level {
                Level::Ok => "valid",
                Level::Warning => "unverified",
                Level::Fault => "invalid",
            };
            printer.line(format!("{} {:<13} {}", mark(status), finding.what, plain(finding.message.clone())));
            if let Some(remedy) = &finding.remedy {
                printer.line(format!("  {:<13} {remedy}", ""));
            }
        }
    });
    let fault = findings.iter().any(|finding| finding.level == Level::Fault);
    Ok(if fault { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn judge(what: &'static str, good: bool, message: String, remedy: &str) -> Finding {
    if good {
        Finding::ok(what, message)
    } else {
        Finding::trouble(what, Level::Fault, "not as it should be", remedy)
    }
}
