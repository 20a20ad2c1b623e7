//! Connections: most are plain HTTP, and some shall go wrong below it.

use std::{
    error::Error,
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{Router, body::Body, response::Response};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::JoinSet,
    time::sleep,
};
use tower::ServiceExt;

use crate::{State, control};

/// Time for the last bytes of an answer to leave before its connection is closed.
const FLUSH: Duration = Duration::from_millis(20);

/// How a connection ends before its time. As an extension of an answer it takes the answer's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Close,
    Reset,
    Garbage,
}

impl fmt::Display for Ending {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self:?}")
    }
}

impl Error for Ending {}

/// Closes the connection that a request came by, soon after it was notified.
#[derive(Clone, Debug, Default)]
pub(crate) struct HangUp(pub Arc<Notify>);

pub(crate) async fn run(listener: TcpListener, state: State, mut stop: watch::Receiver<bool>) {
    let router = control::router(state.clone());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(serve(stream, router.clone(), Open::new(&state)));
            },
            _ = connections.join_next(), if !connections.is_empty() => {}
            _ = stop.changed() => break,
        }
    }
}

/// Counts a connection while it is open.
struct Open(State);

impl Open {
    fn new(state: &State) -> Self {
        state.connections().fetch_add(1, Ordering::Relaxed);
        Self(state.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections().fetch_sub(1, Ordering::Relaxed);
    }
}

async fn serve(stream: TcpStream, router: Router, _open: Open) {
    let _ = stream.set_nodelay(true);
    let hang_up = HangUp::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(hang_up.clone());
        let router = router.clone();
        async move {
            let answer: Response =
                router.oneshot(request.map(Body::new)).await.unwrap_or_else(|never| match never {});
            // hyper ends a connection whose service fails, without an answer.
            match answer.extensions().get::<Ending>() {
                Some(ending) => Err(*ending),
                None => Ok(answer),
            }
        }
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = hang_up.0.notified() => {
            let _ = tokio::time::timeout(FLUSH, &mut connection).await;
            return;
        }
    };
    let Some(ending) = ended.err().and_then(|error| ending(&error)) else { return };
    let mut stream = connection.into_parts().io.into_inner();
    match ending {
        Ending::Close => {}
        Ending::Reset => {
            sleep(FLUSH).await;
            let _ = stream.set_zero_linger();
        }
        Ending::Garbage => {
            let _ = stream.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n").await;
        }
    }
}

fn ending(error: &(dyn Error + 'static)) -> Option<Ending> {
    let known = error.downcast_ref().copied();
    known.or_else(|| error.source().and_then(ending))
}
