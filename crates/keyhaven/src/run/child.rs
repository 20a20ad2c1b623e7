//! The program as a process: signals pass to it, and its end is ours.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::unix::process::ExitStatusExt,
    process::{ExitCode, ExitStatus},
};

use rustix::process::{Pid, Signal, getpgrp, kill_process};
use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use super::RunError;

/// The last are those that a terminal sends to every process in its foreground.
const PASSED: &[Signal] =
    &[Signal::TERM, Signal::HUP, Signal::USR1, Signal::USR2, Signal::INT, Signal::QUIT, Signal::WINCH];

pub(super) async fn run(mut command: Command, program: &OsStr) -> Result<ExitCode, RunError> {
    // Before the program starts, so that no signal is lost between.
    let mut signals = signals()?;
    let mut child = command.spawn().map_err(|source| {
        let program = program.to_string_lossy().into_owned();
        match source.kind() {
            io::ErrorKind::NotFound => RunError::NotFound(program),
            _ => RunError::NotStarted { program, source },
        }
    })?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(code(status?)),
            Some(signal) = signals.recv() => pass(&child, signal),
        }
    }
}

fn signals() -> io::Result<mpsc::UnboundedReceiver<Signal>> {
    let (send, signals) = mpsc::unbounded_channel();
    for one in PASSED {
        let mut stream = signal(SignalKind::from_raw(one.as_raw()))?;
        let send = send.clone();
        tokio::spawn(async move { while stream.recv().await.is_some() && send.send(*one).is_ok() {} });
    }
    Ok(signals)
}

fn pass(child: &Child, signal: Signal) {
    let from_terminal = matches!(signal, Signal::INT | Signal::QUIT | Signal::WINCH);
    if from_terminal && in_foreground() {
        return;
    }
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended meanwhile.
        let _ = kill_process(pid, signal);
    }
}

/// Then the terminal itself has told the program.
fn in_foreground() -> bool {
    let terminal = File::open("/dev/tty").ok();
    terminal.and_then(|it| rustix::termios::tcgetpgrp(it).ok()).is_some_and(|group| group == getpgrp())
}

/// As shells tell it: 128 and the number of the signal that ended it.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
