//! Flags for the fields of connectors. Secrets never stand in an argument: other users of a machine can read those.

use std::{collections::BTreeMap, sync::LazyLock};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use keyhaven_core::{Catalogue, Secret};

use super::{backend::Given, failure::Failure};
use crate::api::wire::Connector;

/// `--domain acme`, `--base-url …`: one flag for each plain field of the built-in connectors, and `--field` for others.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldFlags {
    plain: BTreeMap<String, String>,
    /// The flag of a secret that was given as an argument.
    secret: Option<String>,
    /// Something that stands where no argument belongs; it may be a key.
    surplus: bool,
}

/// A field of the built-in connectors, by its id: its help, and whether it is secret.
static BUILT_IN: LazyLock<BTreeMap<String, (String, bool)>> = LazyLock::new(|| {
    let catalogue = Catalogue::built_in().unwrap_or_default();
    let mut all = BTreeMap::new();
    for field in catalogue.iter().flat_map(|connector| &connector.fields) {
        let help = || (format!("{}: {}", field.label, field.help), field.is_secret());
        all.entry(field.id.clone()).or_insert_with(help);
    }
    all
});

fn built_in(secret: bool) -> impl Iterator<Item = (&'static String, &'static String)> {
    BUILT_IN.iter().filter(move |(_, (_, is_secret))| *is_secret == secret).map(|(id, (help, _))| (id, help))
}

/// What must not stand in an argument: known, so that it can be refused with the reason.
fn secrets() -> impl Iterator<Item = &'static str> {
    built_in(true).map(|(id, _)| id.as_str()).chain(["key"])
}

fn flag(id: &str) -> String {
    id.replace('_', "-")
}

fn plain_field(id: &'static str) -> Arg {
    Arg::new(id).help_heading("Plain fields of the app")
}

impl Args for FieldFlags {
    fn augment_args(mut command: Command) -> Command {
        for (id, help) in built_in(false) {
            command = command.arg(plain_field(id).long(flag(id)).value_name("VALUE").help(help));
        }
        for id in secrets() {
            let refused = Arg::new(id).long(flag(id)).hide(true);
            command = command.arg(refused.num_args(0..=1).default_missing_value(""));
        }
        let any = plain_field("field").long("field").value_name("FIELD=VALUE").action(ArgAction::Append);
        command
            .arg(any.help("Any plain field by its id: see keyhaven connectors show APP"))
            .arg(Arg::new("surplus").num_args(0..).hide(true))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for FieldFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        for (id, _) in built_in(false) {
            if let Some(value) = matches.get_one::<String>(id) {
                flags.plain.insert(id.clone(), value.clone());
            }
        }
        flags.secret = secrets().find(|id| matches.contains_id(id)).map(flag);
        for pair in matches.get_many::<String>("field").into_iter().flatten() {
            match pair.split_once('=') {
                Some((id, value)) => flags.plain.insert(id.to_owned(), value.to_owned()),
                None => {
                    let message = "--field takes FIELD=VALUE, such as --field domain=acme";
                    return Err(clap::Error::raw(clap::error::ErrorKind::InvalidValue, message));
                }
            };
        }
        flags.surplus = matches.contains_id("surplus");
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

    /// Refuses what can be known to be a secret before anything is opened.
    pub(super) fn refuse_secrets(&self) -> Result<(), Failure> {
        match &self.secret {
            Some(secret) => Err(refused(&format!("a secret cannot be given as an argument (--{secret})"))),
            None if self.surplus => Err(refused(
                "there is one argument too many, not repeated here; if it is the key, it cannot be given so",
            )),
            None => Ok(()),
        }
    }

    /// The values that were given, or why they cannot be taken.
    pub(super) fn given(self, connector: &Connector) -> Result<Given, Failure> {
        self.refuse_secrets()?;
        let is_secret = |id: &str| connector.fields.iter().any(|field| field.id == id && field.secret);
        if let Some(id) = self.plain.keys().find(|id| is_secret(id)) {
            return Err(refused(&format!("a secret cannot be given as an argument (--field {id}=…)")));
        }
        Ok(self.plain.into_iter().map(|(id, value)| (id, Secret::new(value))).collect())
    }
}

fn refused(what: &str) -> Failure {
    Failure::usage(
        format!("{what}: every user of this machine could read it, and the shell would keep it"),
        "Leave it out to be asked for it, or send it through a pipe with --key-stdin. If it was a real key, consider it read: generate a new one.",
    )
}

/// The arguments that put this value in, where a shell takes it as it is.
pub(super) fn as_argument(field: &str, value: &str) -> Option<String> {
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
    let fits = !value.is_empty() && !value.starts_with('-') && value.chars().all(simple);
    let known = built_in(false).any(|(id, _)| id == field);
    fits.then(
        || if known { format!("--{} {value}", flag(field)) } else { format!("--field {field}={value}") },
    )
}
