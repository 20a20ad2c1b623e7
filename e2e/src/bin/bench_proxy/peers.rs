//! nginx, as the app and as the peer.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// A running nginx. Ends with this.
pub(crate) struct Nginx {
    pub address: String,
    child: Child,
    _folder: TempDir,
}

const GOOD: &str =
    r#"{"success":true,"data":{"name":"B","company_name":"Acme","company_id":1,"company_domain":"acme"}}"#;

impl Nginx {
    /// Answers 2 KB to whatever is asked, and says that it allows as much as anybody wants.
    pub(crate) fn app() -> Self {
        let server = format!(
            "add_header x-ratelimit-limit 100000000; add_header x-daily-ratelimit-token-limit 1000000000000; \
             add_header x-daily-ratelimit-token-remaining 900000000000; default_type application/json; \
             location = /api/v1/users/me {{ return 200 '{GOOD}'; }} location / {{ return 200 '{}'; }}",
            "x".repeat(2048)
        );
        Self::start(1, "", &server)
    }

    /// Passes everything on to it.
    pub(crate) fn proxy(app: &Self) -> Self {
        let upstream = format!(
            "upstream app {{ server {}; keepalive 64; keepalive_requests 1000000000; }}",
            app.address
        );
        let server = "location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ''; \
                      proxy_set_header Host acme.pipedrive.com; \
                      proxy_set_header x-api-token 600d600d600d600d600d600d600d600d600d600d; }";
        Self::start(thread::available_parallelism().map_or(1, usize::from), &upstream, server)
    }

    fn start(workers: usize, upstream: &str, server: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a free port").to_string();
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration(folder.path(), &address, workers, upstream, server)).expect("a file");
        let child = Command::new("nginx")
            .args(["-c".as_ref(), file.as_os_str()])
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx runs: apt-get install nginx-light");
        let it = Self { address, child, _folder: folder };
        for _ in 0..100 {
            if TcpStream::connect(&it.address).is_ok() {
                return it;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("nginx does not listen");
    }

    /// Where it is called.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/api/v2/deals", self.address)
    }

    /// Master and workers.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let master = self.child.id();
        let children =
            fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap_or_default();
        children.split_whitespace().filter_map(|id| id.parse().ok()).chain([master]).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Asked to, the master takes its workers along.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn configuration(folder: &Path, address: &str, workers: usize, upstream: &str, server: &str) -> String {
    let at = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {at}/{kind};"))
        .concat();
    format!(
        "daemon off; worker_processes {workers}; pid {at}/pid; error_log {at}/error.log;\n\
         events {{ worker_connections 2048; }}\n\
         http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; {temporary}\n\
         {upstream}\nserver {{ listen {address} backlog=1024; {server} }} }}\n"
    )
}
