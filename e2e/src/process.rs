//! Processes that end with us, however we end.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
};

/// Runs the program in a session of its own and waits for our end of the pipe to close: by `drop`, by a panic, or
/// because we are gone. Then the whole session is told to end, and soon is made to. It does not hold the program's output:
/// whoever reads that sees its end.
const KEEPER: &str = r#"
setsid "$@" </dev/null &
P=$!
exec >&-
trap '' INT
cat >/dev/null
kill -TERM -$P 2>/dev/null
(sleep 3; kill -KILL -$P 2>/dev/null) >/dev/null 2>&1 & K=$!
wait $P
kill -KILL -$P $K 2>/dev/null
exit 0
"#;

/// A process and all of its children.
pub(crate) struct Process {
    keeper: Child,
}

impl Process {
    /// Starts it. `prepare` sets environment and streams; standard input is ours.
    pub(crate) fn start<A: AsRef<OsStr>>(
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = A>,
        prepare: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(program.as_ref()).args(arguments).stdin(Stdio::piped());
        prepare(&mut command);
        Self { keeper: command.spawn().expect("a shell") }
    }

    /// The first line of its standard output that holds `mark`. What comes later is read and dropped, so that the
    /// process never waits for a reader.
    pub(crate) fn line_with(&mut self, mark: &str) -> Option<String> {
        let mut lines = BufReader::new(self.keeper.stdout.take()?).lines();
        let found = lines.by_ref().map_while(Result::ok).find(|line| line.contains(mark));
        thread::spawn(move || lines.for_each(drop));
        found
    }

    /// The process itself: the keeper's child.
    pub(crate) fn id(&self) -> Option<u32> {
        let keeper = self.keeper.id();
        let children = std::fs::read_to_string(format!("/proc/{keeper}/task/{keeper}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    #[test]
    fn a_program_that_ends_early_is_not_waited_for() {
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let arguments = ["-c", "echo something else; exit 1"];
            let mut process = Process::start("sh", arguments, |command| {
                command.stdout(Stdio::piped());
            });
            tell.send(process.line_with("ready"))
        });
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(None));
    }
}
