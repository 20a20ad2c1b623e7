//! Connections for a program that `keyhaven run` has started, to hosts that are none of its connection's.

use std::{io, time::Duration};

use tokio::{net::TcpStream, time::timeout};

const CONNECT_TIME: Duration = Duration::from_secs(20);

/// Connects to wherever the program wants to.
///
/// Nothing is judged here, on purpose: the program runs as the same user on the same machine and could dial any
/// address itself. What goes through is its own, end to end; no credential of Keyhaven's is ever put into it.
pub async fn tunnel(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = timeout(CONNECT_TIME, TcpStream::connect((host, port))).await??;
    stream.set_nodelay(true)?;
    Ok(stream)
}
