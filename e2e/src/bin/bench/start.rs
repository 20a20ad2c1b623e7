//! How long until it answers, and what it then holds in memory.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    Sample, ms,
    report::{Figure, Report},
};

const STARTS: usize = 20;
const REST: Duration = Duration::from_secs(5);

/// Ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn measure(binary: &str, report: &mut Report) {
    let data = tempfile::tempdir().expect("a temporary folder");
    // The first start makes keys and tables; what is measured is every later one.
    let (_, first) = start(binary, data.path());
    drop(first);
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let (took, running) = start(binary, data.path());
        times.push(took);
        drop(running);
    }
    let times = Sample::new(times);
    report.add(Figure::new("start of `serve` to its first answer, median", 50.0, times.median(), "ms"));
    report.note(format!("slowest of the {STARTS} starts"), times.quantile(1.0), "ms");
    let (_, running) = start(binary, data.path());
    thread::sleep(REST);
    report.add(Figure::new("resident memory, idle", 20.0, resident(running.0.id()), "MiB"));
}

fn start(binary: &str, data: &std::path::Path) -> (f64, Running) {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.expect("a free port");
    let mut command = Command::new(binary);
    command.args(["serve", "--listen", &address.to_string()]).env("KEYHAVEN_DATA", data);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let running = Running(command.spawn().expect("Keyhaven runs"));
    while !answers(address) {
        assert!(began.elapsed() < Duration::from_secs(30), "Keyhaven does not answer");
        thread::sleep(Duration::from_micros(100));
    }
    (ms(began.elapsed()), running)
}

fn answers(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let mut answer = String::new();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

/// MiB.
pub(crate) fn resident(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) / 1024.0
}
