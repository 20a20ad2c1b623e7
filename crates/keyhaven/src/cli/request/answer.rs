//! An answer: whose it is, and how it is printed.

use std::process::ExitCode;

use http::{Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use keyhaven_core::remote::RemoteError;

use super::{Filter, Screen};
use crate::{
    api::wire::Problem,
    cli::{
        failure::Failure,
        printer::{Printer, plain},
    },
    passage::Passage,
    proxy::ANSWER,
    server::AnyBody,
};

/// An answer, mostly the app's.
pub(super) type Answer = Response<AnyBody>;

/// A filter needs the whole answer, and so does the next page.
const MAX: usize = 64 * 1024 * 1024;

/// What is not the app's answer is a failure.
pub(super) async fn of_app(passage: &Passage, answer: Answer) -> Result<Answer, Failure> {
    let whose = answer.headers().get(ANSWER).map(|value| value.as_bytes());
    let status = answer.status();
    match whose {
        Some(b"app") => Ok(answer),
        _ => {
            let body = whole(answer).await?;
            let problem: Problem = serde_json::from_slice(&body).map_err(|_| stranger(passage, status))?;
            let mut failure = Failure { exit: 1, ..Failure::from(problem) };
            if let (Passage::There { .. }, StatusCode::UNAUTHORIZED) = (passage, status) {
                failure.remedy = crate::cli::backend::CHECK_TOKEN.into();
            }
            Err(failure)
        }
    }
}

fn stranger(passage: &Passage, status: StatusCode) -> Failure {
    let server = match passage {
        Passage::There { remote, .. } => remote.address().to_owned(),
        Passage::Here(_) => "Keyhaven".into(),
    };
    RemoteError::NotKeyhaven { server, status: status.as_u16() }.into()
}

/// Prints it; the exit code says whether the app did what was asked.
pub(super) async fn print(
    answer: Answer,
    include: bool,
    filter: Option<&Filter>,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    if include {
        head(&answer, printer);
    }
    let status = answer.status();
    match filter.filter(|_| is_good(status)) {
        Some(filter) => pick(filter, &whole(answer).await?)?,
        None => pass(answer).await?,
    }
    Ok(code(status, printer))
}

/// Prints piece by piece.
async fn pass(answer: Answer) -> Result<(), Failure> {
    let mut screen = Screen::new(is_json(&answer));
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(error.as_ref()))?;
        if let Ok(piece) = frame.into_data() {
            screen.print(&piece)?;
        }
    }
    Ok(screen.end()?)
}

/// Prints what a filter picks, one a line.
pub(super) fn pick(filter: &Filter, json: &[u8]) -> Result<(), Failure> {
    let picked = filter.run(json).map_err(|error| {
        Failure::new(1, "filter", format!("the filter does not fit this answer: {}", plain(&error)), "")
    })?;
    let mut screen = Screen::new(false);
    for line in picked {
        screen.print(format!("{line}\n").as_bytes())?;
    }
    Ok(())
}

/// The body as a whole.
pub(super) async fn whole(answer: Answer) -> Result<bytes::Bytes, Failure> {
    let read = Limited::new(answer.into_body(), MAX).collect().await;
    read.map(|body| body.to_bytes()).map_err(|error| {
        if error.is::<LengthLimitError>() {
            let remedy = "Ask for less at once, or print the whole answer without --jq and --paginate.";
            return Failure::new(
                1,
                "too_large",
                "the answer is larger than the 64 MiB that can be worked on",
                remedy,
            );
        }
        broken(error.as_ref())
    })
}

fn broken(error: &(dyn std::error::Error + Send + Sync)) -> Failure {
    Failure::new(1, "broken", format!("the answer broke off: {error}"), "Try again.")
}

/// 0 or 1; says what the app said, where it did not do what was asked.
pub(super) fn code(status: StatusCode, printer: &Printer) -> ExitCode {
    if is_good(status) {
        return ExitCode::SUCCESS;
    }
    printer.note(format!("The app answered {status}."));
    ExitCode::FAILURE
}

pub(super) fn is_good(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection()
}

fn is_json(answer: &Answer) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.to_ascii_lowercase().contains("json"))
}

fn head(answer: &Answer, printer: &Printer) {
    printer.line(format!("{:?} {}", answer.version(), answer.status()));
    for (name, value) in answer.headers() {
        printer.line(format!("{name}: {}", plain(&String::from_utf8_lossy(value.as_bytes()))));
    }
    printer.line("");
}
