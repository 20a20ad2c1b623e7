//! wrk, and what it says.

use std::{fs, process::Command};

const SECONDS: u32 = 4;

/// One run.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub per_second: f64,
    pub median_us: f64,
    pub p99_us: f64,
    /// Of the processes named, kernel's work for them included.
    pub cpu_us: f64,
}

impl Load {
    /// Calls for some seconds.
    pub(crate) fn run(url: &str, header: &str, callers: usize, processes: &[u32]) -> Self {
        let before = cpu_us(processes);
        let output = Command::new("wrk")
            .args(["-t1", &format!("-c{callers}"), &format!("-d{SECONDS}s"), "--latency", "-H", header, url])
            .output()
            .expect("wrk runs: apt-get install wrk");
        let used = cpu_us(processes) - before;
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(!text.contains("Non-2xx"), "{url}: {text}");
        let after = |mark: &str| {
            let begins = |line: &&str| line.trim_start().starts_with(mark);
            // The count stands before its words; everything else behind them.
            let line = text.lines().find(begins).or_else(|| text.lines().find(|line| line.contains(mark)));
            line.unwrap_or_else(|| panic!("{mark}: {text}")).replace(mark, "").trim().to_owned()
        };
        let count = after("requests in");
        let count: f64 = count.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a count");
        Self {
            per_second: after("Requests/sec:").parse().expect("a rate"),
            median_us: microseconds(&after("50%")),
            p99_us: microseconds(&after("99%")),
            cpu_us: used / count,
        }
    }

    /// The median of each figure.
    pub(crate) fn median(all: &[Self]) -> Self {
        let middle = |of: fn(&Self) -> f64| {
            let mut values: Vec<f64> = all.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        Self {
            per_second: middle(|it| it.per_second),
            median_us: middle(|it| it.median_us),
            p99_us: middle(|it| it.p99_us),
            cpu_us: middle(|it| it.cpu_us),
        }
    }
}

/// `389.00us`, `3.80ms`, `1.02s`.
fn microseconds(text: &str) -> f64 {
    let number = |unit: &str| text.strip_suffix(unit).and_then(|number| number.trim().parse::<f64>().ok());
    let us = number("us").or_else(|| number("ms").map(|ms| ms * 1000.0));
    us.or_else(|| number("s").map(|s| s * 1_000_000.0)).unwrap_or_else(|| panic!("no time: {text}"))
}

/// User and system time of these processes, in hundredths of a second as the system counts.
fn cpu_us(processes: &[u32]) -> f64 {
    let of = |process: &u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |n: usize| fields.get(n).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) * 10_000.0
    };
    processes.iter().map(of).sum()
}
