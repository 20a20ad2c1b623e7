//! `keyhaven request`.

mod answer;
mod body;
mod filter;
mod pages;
mod pretty;
mod screen;

use std::{borrow::Cow, process::ExitCode};

use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use keyhaven_core::proxy::{Inbound, Payload};

use super::{TargetArgs, backend::Target, failure::Failure, printer::Printer};
use crate::{api::wire, passage::Passage};
use body::BodyArgs;
use filter::Filter;
use screen::Screen;

/// Send one request to an app through a connection; Keyhaven adds the credential.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    keyhaven request sales-eu GET '/api/v2/deals?limit=5'\n  \
    keyhaven request sales-eu GET /api/v2/deals --paginate --jq '.id, .title'\n  \
    keyhaven request sales-eu POST /api/v2/deals --body '{\"title\":\"Rope, 200 m\"}'\n  \
    keyhaven request sales-eu PATCH /api/v2/deals/7 --body @change.json --include\n  \
    gzip -dc export.json.gz | keyhaven request sales-eu POST /api/v1/files --body-stdin\n\n\
    On a terminal, JSON is coloured and indented; into a pipe or file goes exactly what the app sent.\n\n\
    Exit codes: 0 the app did it (2xx or 3xx), 1 it did not, or Keyhaven refused, 2 the command was not understood")]
pub(super) struct RequestArgs {
    /// The connection's name for programs (such as sales-eu) or its id
    connection: String,
    /// GET, POST, PUT, PATCH, DELETE or another one
    method: String,
    /// Path and query, as the app's documentation writes them
    path: String,
    #[command(flatten)]
    body: BodyArgs,
    /// A header to send, such as 'Accept-Language: de'; may be repeated
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = read_header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Follow the list to its last page: prints one JSON array of all records, each as soon as it is there.
    /// An array that is not closed was cut short by an error
    #[arg(long)]
    paginate: bool,
    /// Print only the values at these paths, one a line, texts without quotes. Paths are a small part of jq's language:
    /// .name, [], [3], and commas between several. With --paginate they begin at each record
    #[arg(long, value_name = "FILTER", value_parser = Filter::compile)]
    jq: Option<Filter>,
    /// Print status and headers, too
    #[arg(long, short, conflicts_with = "paginate")]
    include: bool,
    #[command(flatten)]
    target: TargetArgs,
}

/// A request that can be sent once for each page.
struct Call {
    passage: Passage,
    connection: String,
    method: Method,
    path: String,
    headers: HeaderMap,
}

pub(super) async fn run(args: RequestArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let method = Method::from_bytes(args.method.to_uppercase().as_bytes())
        .map_err(|_| Failure::usage("this is no HTTP method", "Write GET, POST, PUT, PATCH or DELETE."))?;
    let (path, query) = match args.path.split_once('?') {
        Some((path, query)) => (path, Some(escaped(query))),
        None => (args.path.as_str(), None),
    };
    if !path.starts_with('/') {
        let remedy = "Write it as the app's documentation does, such as /api/v2/deals.";
        return Err(Failure::usage("the path must begin with /", remedy));
    }
    if args.paginate && method != Method::GET {
        return Err(Failure::usage("only GET has pages", "Leave --paginate out."));
    }
    let mut headers: HeaderMap = args.headers.into_iter().collect();
    let body = args.body.read().await?;
    if body.is_some() {
        headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    }
    let target = args.target.open().await?;
    let pages = match args.paginate {
        true => Some(pages::of(&target, &args.connection, path).await?),
        false => None,
    };
    let call =
        Call { passage: passage(target), connection: args.connection, method, path: escaped(path), headers };
    let filter = args.jq.as_ref();
    let done = match pages {
        Some(pages) => pages::follow(&call, query, &pages, filter, printer).await,
        None => {
            let answer = call.send(query, body.unwrap_or_else(nothing)).await?;
            answer::print(answer, args.include, filter, printer).await
        }
    };
    call.passage.close().await;
    match done {
        Err(failure) if failure.is_reader_gone() => Ok(ExitCode::SUCCESS),
        done => done,
    }
}

impl Call {
    async fn send(&self, query: Option<String>, body: Payload) -> Result<answer::Answer, Failure> {
        answer::of_app(&self.passage, self.pass(query, body).await?).await
    }

    /// The same, whoever answers.
    async fn pass(&self, query: Option<String>, body: Payload) -> Result<answer::Answer, Failure> {
        let call = Inbound {
            method: self.method.clone(),
            connection: &self.connection,
            path: &self.path,
            query: query.map(Cow::Owned),
            said: &self.headers.clone().into(),
            host: None,
            reached: None,
            client: None,
            body,
        };
        Ok(self.passage.send(call).await?)
    }
}

fn passage(target: Target) -> Passage {
    // The server itself strips whatever stands in the credential's place.
    target.passage(header::AUTHORIZATION, Vec::new())
}

fn nothing() -> Payload {
    bytes::Bytes::new().into()
}

fn read_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("a header is written as 'Name: value'")?;
    let name = name.trim().parse().map_err(|_| format!("“{}” is no name of a header", name.trim()))?;
    let value = value.trim().parse().map_err(|_| "the value holds what no header may hold".to_owned())?;
    Ok((name, value))
}

/// What no URL may hold, such as a blank, is written as URLs write it.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && !br#"<>"`{}|^#"#.contains(&byte);
    text.bytes().fold(String::with_capacity(text.len()), |mut all, byte| {
        match plain(byte) {
            true => all.push(char::from(byte)),
            false => all.push_str(&format!("%{byte:02X}")),
        }
        all
    })
}

/// The app of a connection.
async fn connector(target: &Target, connection: &str) -> Result<wire::Connector, Failure> {
    let saved = target.get(connection).await?;
    target.connector(&saved.connector).await
}
