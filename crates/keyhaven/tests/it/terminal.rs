//! The command line as a person at a terminal meets it: a real pseudo-terminal, typed into and read.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};
use serde_json::Value;

use crate::common::{GLOBEX, GOOD, House, WRONG};

/// A program in a terminal of its own. `setsid --ctty` makes the terminal its controlling one, as a login does.
struct Terminal {
    child: Child,
    keyboard: File,
    terminal: File,
    screen: Arc<Mutex<String>>,
    seen: usize,
}

impl Terminal {
    fn start(house: &House, arguments: &[&str]) -> Self {
        Self::of(house, arguments, 40)
    }

    /// Of so many rows.
    fn of(house: &House, arguments: &[&str], rows: u16) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
        let terminal = File::options().read(true).write(true).open(name).unwrap();
        tcsetwinsize(&terminal, Winsize { ws_row: rows, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let plain = house.command(arguments);
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(plain.get_program()).args(plain.get_args()).env_clear();
        for (name, value) in plain.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("PATH", "/usr/bin:/bin").env("TERM", "xterm");
        let side = || Stdio::from(terminal.try_clone().unwrap());
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
        let keyboard = File::from(keyboard);
        let screen = Arc::new(Mutex::new(String::new()));
        let (kept, mut shown) = (screen.clone(), keyboard.try_clone().unwrap());
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = shown.read(&mut buffer) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        Self { child, keyboard, terminal, screen, seen: 0 }
    }

    fn screen(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    /// Waits until this is shown, after what was waited for before.
    fn wait_for(&mut self, text: &str) {
        for _ in 0..1500 {
            let screen = self.screen();
            if let Some(at) = screen[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("“{text}” is not shown: {}", &self.screen()[self.seen..]);
    }

    /// Waits for a question whose answer is not to be shown, until the terminal hides it.
    fn wait_until_hidden(&mut self, question: &str) {
        self.wait_for(question);
        for _ in 0..500 {
            if !self.echoes() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the terminal still shows what is typed");
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.terminal).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    fn enter(&mut self, text: &str) {
        writeln!(self.keyboard, "{text}").unwrap();
    }

    fn answer(&mut self, question: &str, text: &str) {
        self.wait_for(question);
        self.enter(text);
    }

    /// The exit code, and all that was shown.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        assert!(self.echoes(), "the terminal was left without echo");
        // The screen is read by another thread: a mark behind the last words tells that all came through.
        let mut terminal = self.terminal.try_clone().unwrap();
        terminal.write_all(b"(end)").unwrap();
        self.wait_for("(end)");
        (code, self.screen())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn connections(house: &House) -> Vec<Value> {
    let list = house.run(&["connections", "list", "--json"], "");
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    list["items"].as_array().unwrap().clone()
}

#[test]
fn connecting_asks_step_by_step_and_never_shows_the_key() {
    let house = House::new();
    let mut terminal = Terminal::start(&house, &["connect", "pipedrive"]);
    terminal.wait_for("1.  Open your personal preferences");
    terminal.answer("Connection Name: ", " ");
    terminal.wait_for("! Give the connection a name");
    terminal.answer("Connection Name: ", "Sales EU");
    terminal.wait_until_hidden("API Key Value: ");
    terminal.enter("");
    terminal.wait_for("! API Key Value is needed.");
    terminal.wait_until_hidden("API Key Value: ");
    terminal.enter(GOOD);
    // Each value is judged at once, and shown put right.
    terminal.answer("Pipedrive Domain (before .pipedrive.com) [may be empty]: ", "not a domain");
    terminal.wait_for("! A Pipedrive domain is one word");
    terminal.answer("[may be empty]: ", "https://ACNE.pipedrive.com/deals");
    terminal.wait_for("taken as acne");
    terminal.wait_for("Sales EU: Wrong domain");
    terminal.answer("Use “acme” instead? [Y/n] ", "");
    terminal.wait_for("Sales EU: Works");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains(&GOOD[..12]), "{screen}");
    let saved = connections(&house);
    assert_eq!((saved.len(), &saved[0]["fields"]["domain"]), (1, &Value::from("acme")));
}

#[test]
fn a_verdict_that_is_not_mended_is_exit_code_3() {
    let house = House::new();
    let mut terminal =
        Terminal::start(&house, &["connect", "pipedrive", "--name", "Bad", "--domain", "acme"]);
    terminal.wait_until_hidden("API Key Value: ");
    terminal.enter(WRONG);
    terminal.wait_for("keyhaven connections edit bad");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(3), "{screen}");
    // A terminal gets colours; --json stays JSON there, with the questions beside it.
    assert!(screen.contains("\u{1b}["), "{screen}");
}

#[test]
fn editing_keeps_what_is_left_empty_and_asks_before_it_takes_another_company() {
    let house = House::new();
    let connect = ["connect", "pipedrive", "--name", "Sales", "--domain", "acme", "--key-stdin"];
    assert!(house.run(&connect, GOOD).status.success());
    for (yes, code, company) in [("", 1, "Acme Ltd"), ("y", 0, "Globex Corp")] {
        let mut terminal = Terminal::start(&house, &["connections", "edit", "sales"]);
        terminal.answer("Connection Name [Sales]: ", "");
        terminal.wait_until_hidden("API Key Value [empty: keep the saved one]: ");
        terminal.enter(GLOBEX);
        terminal.answer("(before .pipedrive.com) [acme]: ", "globex");
        terminal.answer("Take it over? [y/N] ", yes);
        let (got, screen) = terminal.end();
        assert_eq!(got, Some(code), "{screen}");
        assert_eq!(connections(&house)[0]["account"]["company"], company);
    }
    let mut terminal = Terminal::start(&house, &["connections", "edit", "sales"]);
    terminal.answer("Connection Name [Sales]: ", "Renamed");
    terminal.wait_until_hidden("[empty: keep the saved one]: ");
    terminal.enter("");
    terminal.answer("[globex]: ", "");
    terminal.wait_for("Renamed: Works");
    assert_eq!(terminal.end().0, Some(0));
    assert_eq!(connections(&house)[0]["account"]["company"], "Globex Corp");

    let mut terminal = Terminal::start(&house, &["connections", "delete", "sales"]);
    terminal.wait_for("stops working at once");
    terminal.answer("Delete it? [y/N] ", "");
    terminal.wait_for("Nothing was deleted.");
    assert_eq!(terminal.end().0, Some(0));
    assert_eq!(connections(&house).len(), 1);
}

#[test]
fn whoever_gives_up_leaves_the_terminal_as_it_was() {
    let house = House::new();
    for keys in ["\u{3}", "secret part\u{3}", "\u{4}"] {
        let mut terminal = Terminal::start(&house, &["connect", "pipedrive", "--name", "N"]);
        terminal.wait_until_hidden("API Key Value: ");
        terminal.keyboard.write_all(keys.as_bytes()).unwrap();
        // `end` looks whether the terminal echoes again.
        let (code, screen) = terminal.end();
        let wanted = if keys == "\u{4}" { 1 } else { 130 };
        assert_eq!(code, Some(wanted), "{screen}");
        assert!(!screen.contains("secret part"), "{screen}");
    }
    assert_eq!(connections(&house).len(), 0);
}

#[test]
fn a_key_typed_at_key_stdin_is_not_shown_either() {
    let house = House::new();
    let mut terminal = Terminal::start(&house, &["connect", "pipedrive", "--name", "N", "--key-stdin"]);
    terminal.wait_until_hidden("API Key Value: ");
    terminal.enter(GOOD);
    terminal.wait_for("N: Works");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0));
    assert!(!screen.contains(GOOD), "{screen}");
}

fn with_connection() -> House {
    let house = House::new();
    let saved = house.run(
        &["connect", "pipedrive", "--name", "Sales EU", "--domain", "acme", "--key-stdin"],
        &format!("{GOOD}\n"),
    );
    assert!(saved.status.success());
    house.sandbox.state().set(|settings| (settings.burst_limit, settings.latency_ms) = (100_000, 120));
    house
}

#[test]
fn the_stream_under_way_is_shown_on_a_low_terminal_too() {
    let house = with_connection();
    let to = format!("sqlite:{}", house.data.path().join("crm.db").display());
    let streams = "users, currencies, filters, pipelines, stages, files";
    let mut terminal = Terminal::of(&house, &["sync", "sales-eu", "--to", &to, "--streams", streams], 5);
    for stream in streams.split(", ") {
        terminal.wait_for(&format!("{stream:22} ─"));
    }
    terminal.wait_for("rows read");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn a_sync_that_is_interrupted_says_so_and_ends() {
    let house = with_connection();
    let to = format!("sqlite:{}", house.data.path().join("crm.db").display());
    let mut terminal = Terminal::start(&house, &["sync", "sales-eu", "--to", &to]);
    terminal.wait_for("person_fields");
    terminal.keyboard.write_all(b"\x03").unwrap();
    terminal.wait_for("Stopping");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(1));
    assert!(screen.contains("the sync was cancelled") && screen.contains("goes on where it was"), "{screen}");
}
