//! `keyhaven connections edit`.

use std::process::ExitCode;

use clap::Args;

use super::{
    ask::{Form, can_ask, confirm},
    backend::Given,
    connect::settle,
    connections::One,
    failure::Failure,
    fields::FieldFlags,
    printer::Printer,
    secrets::SecretsFrom,
};
use crate::api::wire::Connection;

/// What to change; without any of it, it is asked for.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  keyhaven connections edit sales-eu\n  keyhaven connections edit sales-eu --domain acme\n  \
    keyhaven connections edit sales-eu --key-stdin < new-key.txt\n\n\
    Whatever changes a value verifies it. Exit code 3: it is saved, and the verdict is !"
)]
pub(super) struct EditArgs {
    #[command(flatten)]
    one: One,
    /// A new name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    secrets: SecretsFrom,
    /// Take the new key over even if it belongs to another company
    #[arg(long)]
    accept_other_account: bool,
    #[command(flatten)]
    fields: FieldFlags,
}

pub(super) async fn run(args: EditArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    args.fields.refuse_secrets()?;
    let target = args.one.target.open().await?;
    let saved = target.get(&args.one.connection).await?;
    let connector = target.connector(&saved.connector).await?;
    let asks = !args.secrets.is_given() && args.fields.is_empty() && args.name.is_none();
    if asks && !can_ask() {
        let remedy = "Give --name, the plain fields or --key-stdin, or run it in a terminal.";
        return Err(Failure::usage("there is nobody to ask for new values", remedy));
    }
    let mut given = args.fields.given(&connector)?;
    given.extend(args.secrets.read(&connector)?);
    let form = Form { printer, target: &target, connector: &connector };
    let mut name = args.name;
    if asks {
        form.guide();
        name = Some(form.name(Some(&saved.name))?);
        given = ask_values(&form, &saved)?;
    }
    match change(&form, &saved, name, given, args.accept_other_account, asks).await? {
        Some(changed) => settle(printer, &target, changed, asks).await,
        None => {
            printer.note("Nothing was changed.");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn ask_values(form: &Form<'_>, saved: &Connection) -> Result<Given, Failure> {
    let mut given = Given::new();
    for field in &form.connector.fields {
        let old = saved.fields.get(&field.id).map_or("", String::as_str);
        let value = form.field(field, Some(old))?;
        if !value.is_empty() {
            given.push((field.id.clone(), value));
        }
    }
    Ok(given)
}

/// Saves; asks again for what cannot be accepted, and whether a key of another company is meant.
async fn change(
    form: &Form<'_>,
    saved: &Connection,
    name: Option<String>,
    mut given: Given,
    mut accept: bool,
    asks: bool,
) -> Result<Option<Connection>, Failure> {
    let mut name = name.unwrap_or_else(|| saved.name.clone());
    loop {
        let spinner = form.printer.spinner(&format!("Saving and verifying with {}…", saved.app));
        let new_name = (name != saved.name).then(|| name.clone());
        let changed = form.target.change(&saved.id, new_name, &given, accept).await;
        spinner.finish_and_clear();
        match changed {
            Err(failure) if failure.is_other_account() && asks && !accept => {
                let message = failure.message.trim_end_matches('.');
                if !confirm(&format!("\n{message}. Take it over?"), false)? {
                    return Ok(None);
                }
                accept = true;
            }
            Err(mut failure) if failure.is_other_account() => {
                failure.remedy =
                    "Repeat it with --accept-other-account if the connection shall belong to the other company."
                        .into();
                return Err(failure);
            }
            Err(failure) if asks && form.again(&failure.fields, &mut name, &mut given, true)? => {}
            other => return other.map(Some),
        }
    }
}
