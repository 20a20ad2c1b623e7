//! Flags for the fields of connectors. Secrets never stand in an argument: other users of a machine can read those.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, IsTerminal, Write},
};

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use keyhaven_core::{Catalogue, Secret};

use super::{backend::Given, failure::Failure, printer::Printer};
use crate::api::wire::{Connector, Field};

/// `--domain acme`, `--base-url …`: one flag for each plain field of the built-in connectors, and `--field` for others.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldFlags {
    plain: BTreeMap<String, String>,
    secret: Option<String>,
}

fn built_in(secret: bool) -> BTreeMap<String, String> {
    let catalogue = Catalogue::built_in().unwrap_or_default();
    let fields =
        catalogue.iter().flat_map(|connector| &connector.fields).filter(|field| field.is_secret() == secret);
    fields
        .map(|field| (field.id.clone(), format!("{} ({})", field.label, field.help.trim_end_matches('.'))))
        .collect()
}

fn flag(id: &str) -> String {
    id.replace('_', "-")
}

impl Args for FieldFlags {
    fn augment_args(mut command: Command) -> Command {
        for (id, help) in built_in(false) {
            command = command.arg(Arg::new(id.clone()).long(flag(&id)).value_name("VALUE").help(help));
        }
        // Known, so that they can be refused with the reason, and without repeating the value.
        let secrets: BTreeSet<String> = built_in(true).into_keys().chain(["key".into()]).collect();
        for id in secrets {
            command = command.arg(
                Arg::new(id.clone()).long(flag(&id)).hide(true).num_args(0..=1).default_missing_value(""),
            );
        }
        command.arg(
            Arg::new("field")
                .long("field")
                .value_name("FIELD=VALUE")
                .action(clap::ArgAction::Append)
                .help("Any plain field by its id"),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for FieldFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        for id in built_in(false).into_keys() {
            if let Some(value) = matches.get_one::<String>(&id) {
                flags.plain.insert(id, value.clone());
            }
        }
        for id in built_in(true).into_keys().chain(["key".into()]) {
            if matches.contains_id(&id) {
                flags.secret = Some(flag(&id));
            }
        }
        for pair in matches.get_many::<String>("field").into_iter().flatten() {
            let (id, value) = pair.split_once('=').unwrap_or((pair, ""));
            flags.plain.insert(id.to_owned(), value.to_owned());
        }
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl FieldFlags {
    pub(super) fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }

    /// The values that were given, or why they cannot be taken.
    pub(super) fn given(self, connector: &Connector) -> Result<Given, Failure> {
        let is_secret = |id: &str| connector.fields.iter().any(|field| field.id == id && field.secret);
        let secret = self.secret.or_else(|| self.plain.keys().find(|id| is_secret(id)).map(|id| flag(id)));
        if let Some(secret) = secret {
            return Err(Failure::usage(
                format!(
                    "a secret cannot be given as an argument (--{secret}): every user of this machine could read it, and the shell would keep it"
                ),
                "Leave it out to be asked for it, or send it through a pipe with --key-stdin. If it was a real key, consider it read: generate a new one.",
            ));
        }
        Ok(self.plain.into_iter().map(|(id, value)| (id, Secret::new(value))).collect())
    }
}

/// One line of standard input for each secret field.
pub(super) fn secrets_from_stdin(connector: &Connector) -> Result<Given, Failure> {
    let mut given = Given::new();
    let mut lines = std::io::stdin().lock().lines();
    for field in connector.fields.iter().filter(|field| field.secret) {
        let line = lines.next().transpose()?.unwrap_or_default();
        if line.trim().is_empty() {
            let message = format!("there is no {} on standard input", field.label);
            return Err(Failure::usage(
                message,
                "Send it as one line, such as: keyhaven connect … --key-stdin < key.txt",
            ));
        }
        given.push((field.id.clone(), Secret::new(line.trim_end_matches(['\r', '\n']).to_owned())));
    }
    Ok(given)
}

/// Can somebody answer?
pub(super) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for one field.
pub(super) fn ask(printer: &Printer, field: &Field, saved: Option<&str>) -> Result<Secret, Failure> {
    printer.note(format!("\n{}", field.help));
    let suffix = field.suffix.as_deref().map(|suffix| format!(" (before {suffix})")).unwrap_or_default();
    let keep = match (field.secret, saved) {
        (true, Some(_)) => " [empty: keep the saved one]".to_owned(),
        (false, Some(saved)) if !saved.is_empty() => format!(" [{saved}]"),
        _ if !field.required => " [may be empty]".to_owned(),
        _ => String::new(),
    };
    prompt(&format!("{}{suffix}{keep}: ", field.label), field.secret)
}

/// Asks for a text; a secret one is not shown while it is typed.
pub(super) fn prompt(text: &str, secret: bool) -> Result<Secret, Failure> {
    if secret {
        return Ok(Secret::new(rpassword::prompt_password(text)?));
    }
    let _ = write!(std::io::stderr(), "{text}");
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    if std::io::stdin().read_line(&mut line)? == 0 {
        return Err(Failure::new(1, "cancelled", "nothing was typed; nothing was saved", ""));
    }
    Ok(Secret::new(line.trim().to_owned()))
}

/// Asks a yes-or-no question.
pub(super) fn confirm(question: &str, default: bool) -> Result<bool, Failure> {
    let hint = if default { "[Y/n]" } else { "[y/N]" };
    let answer = prompt(&format!("{question} {hint} "), false)?;
    Ok(match answer.expose().to_lowercase().as_str() {
        "" => default,
        "y" | "yes" => true,
        _ => false,
    })
}
