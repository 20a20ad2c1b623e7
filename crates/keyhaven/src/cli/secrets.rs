//! Secrets from standard input, for programs.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, IsTerminal, Read},
};

use clap::Args;
use keyhaven_core::Secret;

use super::{ask, backend::Given, failure::Failure};
use crate::api::wire::{Connector, Field};

/// How secrets come in.
#[derive(Args)]
pub(super) struct SecretsFrom {
    /// Read the key from standard input: its first line
    #[arg(long)]
    key_stdin: bool,
    /// Read the secrets from standard input as JSON, such as {"user_key":"…","app_key":"…"}, for apps with several
    #[arg(long, conflicts_with = "key_stdin")]
    secrets_stdin: bool,
}

/// Far more than all fields of a form may hold.
const MAX_INPUT: u64 = 64 * 1024;

impl SecretsFrom {
    /// Do they come from standard input?
    pub(super) fn is_given(&self) -> bool {
        self.key_stdin || self.secrets_stdin
    }

    /// Reads them.
    pub(super) fn read(&self, connector: &Connector) -> Result<Given, Failure> {
        if self.secrets_stdin {
            return from_json();
        }
        if !self.key_stdin {
            return Ok(Given::new());
        }
        let fields: Vec<&Field> = connector.fields.iter().filter(|field| field.secret).collect();
        match fields.as_slice() {
            [field] => Ok(vec![(field.id.clone(), first_line(field)?)]),
            [] => Err(Failure::usage(
                format!("{} has no secret field", connector.name),
                "Leave --key-stdin out.",
            )),
            several => {
                let ids: Vec<_> = several.iter().map(|field| field.id.as_str()).collect();
                Err(Failure::usage(
                    format!("{} has {} secret fields: {}", connector.name, ids.len(), ids.join(", ")),
                    "Send them as JSON with --secrets-stdin.",
                ))
            }
        }
    }
}

fn first_line(field: &Field) -> Result<Secret, Failure> {
    // A person typed the flag by hand: the key shall not stand on the screen.
    if io::stdin().is_terminal() {
        return ask::hidden(&format!("{}: ", field.label));
    }
    let mut line = String::with_capacity(MAX_INPUT as usize);
    let read = io::stdin().lock().take(MAX_INPUT).read_line(&mut line);
    let line = Secret::new(line);
    read.map_err(|_| no_text())?;
    let key = line.expose().trim_end_matches(['\r', '\n']);
    if key.trim().is_empty() {
        return Err(Failure::usage(
            format!("there is no {} on standard input", field.label),
            "Send it as one line, such as: keyhaven connect … --key-stdin < key.txt",
        ));
    }
    Ok(Secret::new(key.to_owned()))
}

fn from_json() -> Result<Given, Failure> {
    let mut text = String::with_capacity(MAX_INPUT as usize);
    let read = io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text);
    let text = Secret::new(text);
    read.map_err(|_| no_text())?;
    let secrets: BTreeMap<String, String> = serde_json::from_str(text.expose()).map_err(|error| {
        // Where, but not what: the parser's own words may repeat a value.
        let place = format!("line {}, column {}", error.line(), error.column());
        Failure::usage(
            format!("standard input is no JSON object of texts ({place})"),
            "Send one, such as {\"user_key\":\"…\",\"app_key\":\"…\"}",
        )
    })?;
    Ok(secrets.into_iter().map(|(id, value)| (id, Secret::new(value))).collect())
}

fn no_text() -> Failure {
    Failure::usage("what came on standard input is no text", "Send the key itself, in UTF-8.")
}
