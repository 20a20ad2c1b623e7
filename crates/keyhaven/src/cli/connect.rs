//! `keyhaven connect pipedrive`: asks step by step, saves and verifies.

use std::process::ExitCode;

use clap::Args;
use keyhaven_core::Secret;

use super::{
    TargetArgs,
    ask::{Form, can_ask, confirm},
    backend::{Given, Target, copy},
    failure::Failure,
    fields::FieldFlags,
    printer::{Printer, plain},
    secrets::SecretsFrom,
    verdict,
};
use crate::api::wire::Connection;

/// Save a credential and verify it.
#[derive(Args)]
#[command(after_help = "Examples:\n  keyhaven connect pipedrive\n  \
    keyhaven connect pipedrive --name 'Sales EU' --domain acme --key-stdin < key.txt\n  \
    pass show pipedrive/sales | keyhaven connect pipedrive --name 'Sales EU' --key-stdin --json\n\n\
    A key is never taken as an argument: other users of a machine can read those.\n\
    Exit code 3: it is saved, and the verdict is !")]
pub(super) struct ConnectArgs {
    /// The app, such as pipedrive; see keyhaven connectors list
    #[arg(value_name = "APP")]
    connector: String,
    /// Connection Name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    secrets: SecretsFrom,
    #[command(flatten)]
    fields: FieldFlags,
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) async fn run(args: ConnectArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    args.fields.refuse_secrets()?;
    let target = args.target.open().await?;
    let connector = target.connector(&args.connector).await?;
    let mut given = args.fields.given(&connector)?;
    let asks = !args.secrets.is_given();
    if asks && !can_ask() {
        let remedy = "Give --name, the plain fields and --key-stdin, or run it in a terminal.";
        return Err(Failure::usage("there is nobody to ask for the key", remedy));
    }
    let form = Form { printer, target: &target, connector: &connector };
    let name = match args.name {
        None if !asks => return Err(Failure::usage("the connection needs a name", "Give it with --name.")),
        None => {
            form.guide();
            form.name(None)?
        }
        Some(name) => {
            if asks {
                form.guide();
            }
            name
        }
    };
    given.extend(args.secrets.read(&connector)?);
    if asks {
        for field in &connector.fields {
            if given.iter().all(|(id, _)| *id != field.id) {
                given.push((field.id.clone(), form.field(field, None)?));
            }
        }
    }
    let saved = save(&form, name, given, asks).await?;
    settle(printer, &target, saved, asks).await
}

/// Saves; what cannot be accepted is asked for again.
async fn save(
    form: &Form<'_>,
    mut name: String,
    mut given: Given,
    asks: bool,
) -> Result<Connection, Failure> {
    loop {
        let spinner = form.printer.spinner(&format!("Saving and verifying with {}…", form.connector.name));
        let saved = form.target.create(&form.connector.id, name.clone(), copy(&given)).await;
        spinner.finish_and_clear();
        match saved {
            Err(failure) if asks && form.again(&failure.fields, &mut name, &mut given, false)? => {}
            other => return other,
        }
    }
}

/// Tells the verdict. A better domain is one key press away.
pub(super) async fn settle(
    printer: &Printer,
    target: &Target,
    it: Connection,
    asks: bool,
) -> Result<ExitCode, Failure> {
    let better = it.outcome.suggestion.as_ref().filter(|_| asks && it.status != "valid");
    let Some(better) = better else {
        verdict::print(printer, &it, target.support());
        return Ok(verdict::code(&it));
    };
    // A program reads one document: the last.
    if printer.is_json() {
        printer.note(format!("! {}", plain(&it.outcome.message)));
    } else {
        verdict::print(printer, &it, target.support());
    }
    let changed = if confirm(&format!("\nUse “{}” instead?", plain(&better.value)), true)? {
        let given = vec![(better.field.clone(), Secret::new(better.value.clone()))];
        let spinner = printer.spinner(&format!("Verifying with {}…", it.app));
        let changed = target.change(&it.id, None, &given, false).await;
        spinner.finish_and_clear();
        Some(changed?)
    } else {
        None
    };
    if printer.is_json() || changed.is_some() {
        verdict::print(printer, changed.as_ref().unwrap_or(&it), target.support());
    }
    Ok(verdict::code(changed.as_ref().unwrap_or(&it)))
}
