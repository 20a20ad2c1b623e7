//! Questions to a person at a terminal. They go to standard error, so that results can still be piped.

use std::{
    io::{self, ErrorKind, IsTerminal, Write},
    process,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use keyhaven_core::{NAME_FIELD, Secret, check_name};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    backend::{Given, Target},
    failure::Failure,
    printer::{Printer, plain},
};
use crate::api::wire::{Connector, Field, WrongField};

/// Can somebody answer?
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// The form of one connector, asked line by line.
pub(super) struct Form<'a> {
    pub printer: &'a Printer,
    pub target: &'a Target,
    pub connector: &'a Connector,
}

impl Form<'_> {
    /// Tells where to find the values, as the page beside the form does.
    pub(super) fn guide(&self) {
        self.printer.note(format!("Connect {}. Where to find the values:\n", plain(&self.connector.name)));
        let text = |body: &str| {
            let text = body.replace(['*', '`'], "").replace("](", " (").replace('[', "");
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let steps = (1..).zip(&self.connector.guide).flat_map(|(number, step)| {
            [(format!("{number}."), step.title.clone()), (String::new(), text(&step.body))]
        });
        self.printer.note_facts(steps.collect());
    }

    /// Asks for a name until it can be one; an empty answer keeps the saved one.
    pub(super) fn name(&self, saved: Option<&str>) -> Result<String, Failure> {
        let keep = saved.map(|saved| format!(" [{}]", plain(saved))).unwrap_or_default();
        self.printer.note("\nHow you will recognise this connection, such as Sales EU. Only for display.");
        loop {
            let typed = prompt(&format!("Connection Name{keep}: "))?;
            match (typed.is_empty(), saved) {
                (true, Some(saved)) => return Ok(saved.to_owned()),
                _ => match check_name(typed.expose()) {
                    Ok(name) => return Ok(name),
                    Err(error) => self.refuse(&error.message),
                },
            }
        }
    }

    /// Asks for one value until it can be one; on an edit an empty answer keeps what is saved.
    pub(super) fn field(&self, field: &Field, saved: Option<&str>) -> Result<Secret, Failure> {
        self.printer.note(format!("\n{} Example: {}", plain(&field.help), plain(&field.example)));
        let suffix = field.suffix.as_deref().map(|suffix| format!(" (before {suffix})")).unwrap_or_default();
        let keep = match saved {
            Some(_) if field.secret => " [empty: keep the saved one]".to_owned(),
            Some(saved) if !saved.is_empty() => format!(" [{}]", plain(saved)),
            _ if !field.required => " [may be empty]".to_owned(),
            _ => String::new(),
        };
        let question = format!("{}{}{keep}: ", plain(&field.label), plain(&suffix));
        loop {
            let typed = if field.secret { hidden(&question)? } else { prompt(&question)? };
            if typed.is_empty() {
                if saved.is_some() || !field.required {
                    return Ok(typed);
                }
                self.refuse(&format!("{} is needed.", field.label));
                continue;
            }
            match self.target.put_right(&self.connector.id, &field.id, typed.expose()) {
                Ok(right) => {
                    if !field.secret && right != typed.expose() {
                        self.printer.note(format!("  taken as {}", plain(&right)));
                    }
                    return Ok(Secret::new(right));
                }
                Err(message) => self.refuse(&message),
            }
        }
    }

    /// Asks again for what was not accepted; false where that does not help.
    pub(super) fn again(
        &self,
        wrong: &[WrongField],
        name: &mut String,
        given: &mut Given,
        is_edit: bool,
    ) -> Result<bool, Failure> {
        let field_of =
            |wrong: &WrongField| self.connector.fields.iter().find(|field| field.id == wrong.field);
        if wrong.is_empty() || wrong.iter().any(|it| it.field != NAME_FIELD && field_of(it).is_none()) {
            return Ok(false);
        }
        for it in wrong {
            self.refuse(&it.message);
            let Some(field) = field_of(it) else {
                *name = self.name(None)?;
                continue;
            };
            given.retain(|(id, _)| *id != field.id);
            let value = self.field(field, is_edit.then_some(""))?;
            if !is_edit || !value.is_empty() {
                given.push((field.id.clone(), value));
            }
        }
        Ok(true)
    }

    fn refuse(&self, message: &str) {
        self.printer.note(format!("! {}", plain(message)));
    }
}

/// Asks for a text.
fn prompt(question: &str) -> Result<Secret, Failure> {
    let _ = write!(io::stderr(), "{question}");
    let _ = io::stderr().flush();
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? == 0 {
        return Err(cancelled());
    }
    Ok(Secret::new(line.trim().to_owned()))
}

/// The terminal is raw: only the one who made it so may end the process.
static HIDDEN: AtomicBool = AtomicBool::new(false);

/// Asks for a text that is not shown while it is typed.
pub(super) fn hidden(question: &str) -> Result<Secret, Failure> {
    end_on_interrupt()?;
    HIDDEN.store(true, Ordering::SeqCst);
    let typed = rpassword::prompt_password(question);
    HIDDEN.store(false, Ordering::SeqCst);
    match typed {
        Ok(typed) => Ok(Secret::new(typed)),
        Err(error) if error.kind() == ErrorKind::Interrupted => {
            let _ = writeln!(io::stderr());
            process::exit(INTERRUPTED)
        }
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(cancelled()),
        Err(error) => Err(error.into()),
    }
}

/// What shells report for Ctrl-C.
const INTERRUPTED: i32 = 130;

/// On Ctrl-C rpassword raises the signal while the terminal is still raw; a process that died of it would leave
/// the terminal without echo. So the signal is caught, rpassword puts the terminal right, and then we end.
fn end_on_interrupt() -> io::Result<()> {
    static ONCE: Once = Once::new();
    if ONCE.is_completed() {
        return Ok(());
    }
    let mut interrupts = signal(SignalKind::interrupt())?;
    ONCE.call_once(|| {
        tokio::spawn(async move {
            while interrupts.recv().await.is_some() {
                if !HIDDEN.load(Ordering::SeqCst) {
                    process::exit(INTERRUPTED);
                }
            }
        });
    });
    Ok(())
}

fn cancelled() -> Failure {
    Failure::new(1, "cancelled", "the question was not answered; nothing was saved", "")
}

/// Asks a yes-or-no question.
pub(super) fn confirm(question: &str, default: bool) -> Result<bool, Failure> {
    let hint = if default { "[Y/n]" } else { "[y/N]" };
    let answer = prompt(&format!("{question} {hint} "))?;
    Ok(match answer.expose().to_lowercase().as_str() {
        "" => default,
        "y" | "yes" => true,
        _ => false,
    })
}
