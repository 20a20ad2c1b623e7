//! What is sent: a text, a file or standard input. Of large ones only a piece at a time is in memory.

use std::{
    fs::File,
    io::{self, Read},
};

use bytes::Bytes;
use clap::Args;
use keyhaven_core::proxy::Payload;
use tokio::{sync::mpsc, task::spawn_blocking};

use crate::cli::failure::Failure;

/// What to send.
#[derive(Args)]
pub(super) struct BodyArgs {
    /// Body to send: a text, @FILE, or - or @- for standard input. It is JSON unless a Content-Type says otherwise
    #[arg(long, short = 'd', value_name = "TEXT|@FILE|-")]
    body: Option<String>,
    /// Send standard input as the body
    #[arg(long, conflicts_with = "body")]
    body_stdin: bool,
}

const PIECE: usize = 64 * 1024;
/// What is shorter is read before it is sent, so that the app learns its length.
const SHORT: usize = 1024 * 1024;

impl BodyArgs {
    /// The body, if one was given.
    pub(super) async fn read(self) -> Result<Option<Payload>, Failure> {
        let text = match self.body {
            _ if self.body_stdin => "-".to_owned(),
            Some(text) => text,
            None => return Ok(None),
        };
        if matches!(text.as_str(), "-" | "@-") {
            return Ok(Some(read(io::stdin(), None).await?));
        }
        let body = match text.strip_prefix('@') {
            None => Bytes::from(text).into(),
            Some(path) => {
                let fail = |error: io::Error| {
                    Failure::usage(format!("{path} cannot be read: {error}"), "Name another file after @.")
                };
                let file = File::open(path).map_err(fail)?;
                let about = file.metadata().map_err(fail)?;
                read(file, about.is_file().then_some(about.len())).await.map_err(fail)?
            }
        };
        Ok(Some(body))
    }
}

async fn read(mut from: impl Read + Send + 'static, length: Option<u64>) -> io::Result<Payload> {
    let first = spawn_blocking(move || {
        let mut first = Vec::new();
        (&mut from).take(SHORT as u64).read_to_end(&mut first).map(|_| (first, from))
    });
    let (first, mut from) = first.await.map_err(io::Error::other)??;
    if first.len() < SHORT {
        return Ok(Bytes::from(first).into());
    }
    let (send, pieces) = mpsc::channel(2);
    spawn_blocking(move || {
        let mut piece = Ok(Bytes::from(first));
        // An empty piece is the end; a request that is over takes no more.
        while !matches!(&piece, Ok(bytes) if bytes.is_empty()) {
            let broken = piece.is_err();
            if send.blocking_send(piece).is_err() || broken {
                return;
            }
            let mut buffer = vec![0; PIECE];
            piece = from.read(&mut buffer).map(|length| Bytes::from(buffer).slice(..length));
        }
    });
    Ok(Payload::Fed { pieces, left: length })
}
