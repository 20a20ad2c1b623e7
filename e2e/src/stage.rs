//! Everything that one test needs.

use keyhaven_sandbox::{SCENARIOS, Sandbox, Scenario};

use crate::{Browser, Options, Server};

/// The stand-in, a Keyhaven that asks it, and a browser that is signed in. All end with this.
pub struct Stage {
    /// The browser; the first to end.
    pub browser: Browser,
    /// Keyhaven.
    pub server: Server,
    /// Pipedrive's stand-in.
    pub sandbox: Sandbox,
}

impl Stage {
    /// Starts all, and signs in.
    pub async fn open() -> Self {
        Self::with(Options::default()).await
    }

    /// [`Stage::open`] with another browser.
    pub async fn with(options: Options) -> Self {
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).await.expect("a free port");
        let server = Server::start(&sandbox.address().to_string());
        Self::around(sandbox, server, options).await
    }

    /// [`Stage::open`] with one override of egress instead of three, as `keyhaven demo` has it.
    pub async fn with_pipedrive_only() -> Self {
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).await.expect("a free port");
        let server = Server::start_for_pipedrive(&sandbox.address().to_string());
        Self::around(sandbox, server, Options::default()).await
    }

    async fn around(sandbox: Sandbox, server: Server, options: Options) -> Self {
        let browser = Browser::start(options, server.url()).await;
        browser.goto(server.sign_in_link()).await;
        browser.until_text("Connections").await;
        Self { browser, server, sandbox }
    }

    /// A scenario of the stand-in by its word.
    #[must_use]
    pub fn scenario(shows: &str) -> Scenario {
        *SCENARIOS.iter().find(|one| one.shows == shows).expect("a scenario of this word")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.server.log();
            let tail: Vec<&str> = log.lines().rev().take(15).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("Keyhaven's log:\n{}\n", tail.join("\n")).as_bytes(),
            )
            .unwrap_or_default();
        }
    }
}
