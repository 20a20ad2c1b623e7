//! A PostgreSQL of our own in a temporary folder, gone when the tests are.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

const MISSING: &str = "PostgreSQL is needed for this test and was not found: apt-get install postgresql";

/// A running server.
pub struct Postgres {
    port: u16,
    bin: PathBuf,
    databases: AtomicU32,
    /// Its standard input is the server's life: when this process ends, however it ends, the server is stopped.
    _guard: Child,
}

impl Postgres {
    /// The server of this test process; started by the first that asks.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start("-F"))
    }

    /// A server that waits for the disk, as one that people use: for measuring.
    pub fn durable() -> Self {
        Self::start("")
    }

    /// `-F`: a test does not need what outlives a power cut.
    fn start(more: &str) -> Self {
        let bin = find_bin();
        let data = tempfile::Builder::new()
            .prefix("keyhaven-postgres-")
            .tempdir()
            .expect("a temporary folder")
            .keep();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o777))
            .expect("the folder can be opened to the server");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        // initdb refuses root; whoever else runs the tests runs the server as themselves.
        let become_other =
            if is_root() { "setpriv --reuid=nobody --regid=nogroup --clear-groups " } else { "" };
        let script = format!(
            "set -e
            DB={data}/db
            {become_other}{bin}/initdb -D $DB -U keyhaven --auth=trust -E UTF8 --no-sync >{data}/log 2>&1
            {become_other}{bin}/postgres -D $DB -h 127.0.0.1 -p {port} -k {data} {more} -c max_connections=200 >>{data}/log 2>&1 &
            SERVER=$!
            cat >/dev/null
            kill -INT $SERVER; wait $SERVER || true
            rm -rf {data}",
            data = data.display(),
            bin = bin.display(),
        );
        let guard = Command::new("sh").arg("-c").arg(script).stdin(Stdio::piped()).spawn().expect("a shell");
        let server = Self { port, bin, databases: AtomicU32::new(0), _guard: guard };
        for _ in 0..300 {
            if server.psql("SELECT 1") {
                return server;
            }
            thread::sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(data.join("log")).unwrap_or_default();
        panic!("PostgreSQL did not start:\n{log}");
    }

    /// A fresh database; its URL.
    pub fn create_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        assert!(self.psql(&format!("CREATE DATABASE {name}")), "the database {name} cannot be made");
        format!("postgres://keyhaven@127.0.0.1:{}/{name}", self.port)
    }

    /// What `psql` prints for a statement on the database of this URL.
    pub fn execute(&self, url: &str, sql: &str) -> String {
        let done = Command::new(self.bin.join("psql")).args([url, "-qAtc", sql]).output().expect("psql runs");
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    fn psql(&self, sql: &str) -> bool {
        let port = self.port.to_string();
        let mut command = Command::new(self.bin.join("psql"));
        command.args(["-h", "127.0.0.1", "-p", &port, "-U", "keyhaven", "-d", "postgres", "-qc", sql]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id is everywhere");
    id.stdout.trim_ascii() == b"0"
}

/// The newest server of Debian's layout, else of the path.
fn find_bin() -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    let on_path =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let has_server =
        |bin: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|tool| bin.join(tool).exists());
    let found = versions.into_iter().rev().chain(on_path).find(has_server);
    found.expect(MISSING)
}
