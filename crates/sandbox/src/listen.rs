//! Connections: most are plain HTTP, and some shall go wrong below it.

use std::io;

use axum::{Router, body::Body, response::Response};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tower::ServiceExt;

use crate::{Mode, State, control, pipedrive::CloseInstead};

pub(crate) async fn run(listener: TcpListener, state: State, mut stop: watch::Receiver<bool>) {
    let router = control::router(state.clone());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(serve(stream, router.clone(), state.clone()));
            },
            _ = connections.join_next(), if !connections.is_empty() => {}
            _ = stop.changed() => break,
        }
    }
}

async fn serve(mut stream: TcpStream, router: Router, state: State) {
    let _ = stream.set_nodelay(true);
    if wants_garbage(&stream, &state).await {
        let _ = stream.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n").await;
        return;
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move {
            let answer: Response =
                router.oneshot(request.map(Body::new)).await.unwrap_or_else(|never| match never {});
            // hyper closes a connection whose service fails, without an answer.
            if answer.extensions().get::<CloseInstead>().is_some() {
                Err(io::Error::other("closed"))
            } else {
                Ok(answer)
            }
        }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Looks at the first request without taking it: does it carry a key whose answer shall be garbage?
async fn wants_garbage(stream: &TcpStream, state: &State) -> bool {
    let garbage: Vec<String> = {
        let world = state.lock();
        world
            .tokens
            .iter()
            .filter(|(_, token)| token.mode == Mode::Garbage)
            .map(|(key, _)| key.clone())
            .collect()
    };
    let mut head = [0; 2048];
    let Ok(length) = stream.peek(&mut head).await else { return false };
    let head = String::from_utf8_lossy(&head[..length]);
    garbage.iter().any(|key| head.contains(key.as_str()))
}
