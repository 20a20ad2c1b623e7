//! The listening socket: bounded connections, and an orderly end.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

use super::{
    tls::Tls,
    worker::{Accepted, Service, Workers},
};

/// Open connections; more wait to be accepted.
const MAX_CONNECTIONS: usize = 16_384;
/// Requests under way get this long once the end was asked for.
const LAST_ORDERS: Duration = Duration::from_secs(12);

/// Serves until `stop` is done, then lets the requests under way finish.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    service: Service,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    allow_many_files();
    let workers = Workers::start(service, tls)?;
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        let (place, stream, from) = tokio::select! {
            next = next(&listener, &room) => match next {
                Ok(next) => next,
                Err(error) => {
                    // Out of file handles: waiting helps, spinning does not.
                    tracing::warn!(%error, "cannot accept a connection");
                    time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        // Answers are small and whole: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        match stream.into_std() {
            Ok(stream) => workers.hand(Accepted { stream, from, place }),
            Err(error) => tracing::warn!(%error, "an accepted connection was lost"),
        }
    }
    drop(listener);
    if !workers.stop(LAST_ORDERS).await {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
    Ok(())
}

async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let place = room.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, from) = listener.accept().await?;
    Ok((place, stream, from))
}

/// Many systems allow a process 1024 open files until it asks for more.
fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}
