//! Running other programs: quietly, with a sign of life, and with everything they said if they fail.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use crate::paths;

const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// What a program said, both streams in one, in order.
type Output = Arc<Mutex<String>>;

/// A stopwatch.
#[expect(clippy::disallowed_methods, reason = "a developer's stopwatch: nothing of Keyhaven's depends on it")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A cargo command in the checkout.
pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    // The cargo that runs us, so that `cargo +nightly xtask` stays on its toolchain.
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.args(arguments).current_dir(paths::root());
    command
}

/// Runs it with our own standard streams.
pub(crate) fn plainly(mut command: Command) -> Result<(), String> {
    let said = shown(&command);
    let status = command.status().map_err(|error| format!("{said} cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{said} failed ({status})")) }
}

/// Runs it and keeps what it says: `Ok` if it succeeded, else `Err`.
pub(crate) fn quietly(mut command: Command) -> Result<String, String> {
    let said = shown(&command);
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = started.map_err(|error| format!("{said} cannot be started: {error}"))?;
    let output = Output::default();
    let readers = [
        child.stdout.take().map(|out| read(out, &output)),
        child.stderr.take().map(|err| read(err, &output)),
    ];
    let (done, finished) = mpsc::channel();
    let watcher = thread::spawn({
        let output = Arc::clone(&output);
        move || watch(&finished, &output)
    });
    let status = child.wait();
    for reader in readers.into_iter().flatten() {
        let _ = reader.join();
    }
    let _ = done.send(());
    let _ = watcher.join();
    let output = std::mem::take(&mut *output.lock().unwrap_or_else(PoisonError::into_inner));
    match status {
        Ok(status) if status.success() => Ok(output),
        Ok(status) => Err(format!("$ {said}\n{output}{said} failed ({status})")),
        Err(error) => Err(format!("{said} was lost: {error}")),
    }
}

fn read(stream: impl Read + Send + 'static, output: &Output) -> thread::JoinHandle<()> {
    let output = Arc::clone(output);
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

/// A long silence looks like a hang: now and then the latest line is shown.
fn watch(finished: &mpsc::Receiver<()>, output: &Output) {
    let began = now();
    while let Err(mpsc::RecvTimeoutError::Timeout) = finished.recv_timeout(SIGN_OF_LIFE) {
        let output = output.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = output.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("…");
        let latest: String = latest.chars().take(100).collect();
        println!("    {:>4} s  {latest}", began.elapsed().as_secs());
    }
}

fn shown(command: &Command) -> String {
    let mut said = command.get_program().to_string_lossy().into_owned();
    if let Some(name) = said.rsplit('/').next() {
        said = name.to_owned();
    }
    for argument in command.get_args() {
        said = format!("{said} {}", argument.to_string_lossy());
    }
    said
}
