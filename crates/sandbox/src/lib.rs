//! A stand-in for Pipedrive on one port, for trying and testing.
//!
//! It answers for any `Host` under `pipedrive.com`, asks for the key before it looks at the path, and can be told to
//! fail in every way that Pipedrive and networks fail. Facts and their sources: docs/SANDBOX.md.
//!
//! Controlled from outside by JSON under `/__sandbox/`:
//!
//! | request | does |
//! |---|---|
//! | `GET /__sandbox/state` | all tokens, their users and modes, and the settings |
//! | `GET /__sandbox/requests` | what was asked: method, host, path, where the key stood; never the key |
//! | `PUT /__sandbox/tokens/{key}` | makes or changes a token: `{"user": 1, "mode": "daily", "latency_ms": 50, "foreign": "honour"}` |
//! | `DELETE /__sandbox/tokens/{key}` | as if the user had pressed “Generate new token” |
//! | `PUT /__sandbox/settings` | `{"foreign": "refuse", "latency_ms": 0, "burst_limit": 100, "daily_budget": 0}` |
//! | `POST /__sandbox/reset` | everything as at the start |

mod answers;
mod control;
mod limits;
mod listen;
mod pipedrive;
mod scenarios;
mod state;

use std::{io, net::SocketAddr};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use scenarios::{SCENARIOS, Scenario};
pub use state::{Asked, Foreign, Mode, State, TokenSettings};

/// A running stand-in. Dropped, it ends.
pub struct Sandbox {
    address: SocketAddr,
    state: State,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Sandbox {
    /// Starts it, with the tokens of [`SCENARIOS`].
    pub async fn start(listen: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let state = State::default();
        let task = tokio::spawn(listen::run(listener, state.clone(), stopped));
        Ok(Self { address, state, stop, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its switches.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Ends it.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}
