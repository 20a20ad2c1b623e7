//! Measures what is promised and writes it down: `cargo xtask bench`.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a developer's tool: it stops and says where")]

mod list;
mod report;
mod save;
mod screens;
mod start;

use std::{env, fs, time::Duration};

use report::{Figure, Report};

/// Values in order, to take the middle or the end of.
struct Sample(Vec<f64>);

impl Sample {
    fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// The value that this share of all stays at or below.
    fn quantile(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((share * last as f64).round() as usize).copied().unwrap_or(f64::NAN)
    }

    fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

const MIB: f64 = 1024.0 * 1024.0;

#[tokio::main]
async fn main() {
    let to = env::args().nth(1);
    let binary = env::var("KEYHAVEN_BIN").expect("KEYHAVEN_BIN: run this by `cargo xtask bench`");
    let mut report = Report::default();
    let size = fs::metadata(&binary).expect("the binary").len() as f64 / MIB;
    report.add(Figure::new("size of the stripped binary", 20.0, size, "MiB"));
    start::measure(&binary, &mut report);
    save::measure(&mut report).await;
    list::measure(&mut report).await;
    screens::measure(&mut report).await;
    let page = report.page();
    println!("{page}");
    if let Some(to) = to {
        // The parts that other measurements have written stay.
        let old = fs::read_to_string(&to).unwrap_or_default();
        let others = old.find("\n## ").map(|at| &old[at..]).unwrap_or_default();
        fs::write(to, page + others).expect("the page can be written");
    }
}
