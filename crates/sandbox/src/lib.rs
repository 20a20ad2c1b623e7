//! A stand-in for Pipedrive on one port, for trying and testing.
//!
//! It answers for any `Host` under `pipedrive.com`, asks for the key before it looks at the path, and can be told to
//! fail in every way that Pipedrive and networks fail. Facts and their sources: docs/SANDBOX.md.
//!
//! Controlled from outside by JSON under `/__sandbox/`:
//!
//! | request | does |
//! |---|---|
//! | `GET /__sandbox/state` | settings, all tokens with their users and modes, tokens spent by each company, open connections |
//! | `GET /__sandbox/requests` | the last 10,000 requests: method, host, path, where the key stood, bytes of the body; with `keep_headers` also `sent`: query and headers |
//! | `PUT /__sandbox/tokens/{key}` | makes or changes a token: `{"user": 1, "mode": "daily", "latency_ms": 50, "foreign": "honour"}` |
//! | `DELETE /__sandbox/tokens/{key}` | as if the user had pressed “Generate new token” |
//! | `PUT /__sandbox/settings` | all of [`Settings`]; what is absent is as at the start |
//! | `GET`, `POST`, `DELETE /__sandbox/faults` | shows, adds a [`Rule`], removes all: `{"fault": {"latency": {"ms": 50}}, "key": "…", "path": "/api/v2/", "skip": 2, "times": 1}` |
//! | `PUT /__sandbox/clock` | the time of day in seconds since 1970, such as `1767225599`; it goes on from there, or stands still: `{"at": 1767225599, "frozen": true}` |
//! | `POST /__sandbox/companies/{company}/acts` | does an [`Act`] or a list of them: `{"change": {"kind": "deals", "id": 5, "fields": {"title": "New"}}}`; answers with ids and codes of what is new |
//! | `GET /__sandbox/companies/{company}/{kind}` | the truth: all records that are not gone for good, each with `is_deleted` |
//! | `GET /__sandbox/companies/{company}/{kind}/fields` | definitions of the kind's fields |
//! | `POST /__sandbox/hooks` | adds a [`Hook`]: `{"path": "/api/v2/deals", "after": 2, "company": 54235233, "acts": [{"delete": {"kind": "deals", "id": 5}}]}` |
//! | `POST /__sandbox/reset` | everything as at the start |

mod acts;
mod answers;
mod asked;
mod bodies;
mod clock;
mod control;
mod crm;
mod faults;
mod hooks;
mod limits;
mod listen;
mod lists;
mod modes;
mod operation;
mod perform;
mod pipedrive;
mod query;
mod rules;
mod scenarios;
mod settings;
mod state;
mod tokens;

use std::{io, net::SocketAddr};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use acts::Act;
pub use asked::{Asked, Sent};
pub use crm::Kind;
pub use faults::Fault;
pub use hooks::Hook;
pub use rules::Rule;
pub use scenarios::{ACME, GLOBEX, SCENARIOS, Scenario};
pub use settings::Settings;
pub use state::State;
pub use tokens::{Foreign, Mode, TokenSettings};

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
