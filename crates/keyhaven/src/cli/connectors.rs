//! `keyhaven connectors …`.

use clap::Subcommand;

use super::{
    TargetArgs,
    failure::Failure,
    printer::{Printer, cell, plain},
};
use crate::api::wire::{Connector, Field};

/// What to see of the catalogue.
#[derive(Subcommand)]
pub(super) enum ConnectorsCommand {
    /// List the apps that can be connected
    #[command(after_help = "Example: keyhaven connectors list --json")]
    List(TargetArgs),
    /// Show the fields of an app
    #[command(after_help = "Example: keyhaven connectors show pipedrive")]
    Show {
        /// The app's id, such as pipedrive
        app: String,
        #[command(flatten)]
        target: TargetArgs,
    },
}

pub(super) async fn run(command: ConnectorsCommand, printer: &Printer) -> Result<(), Failure> {
    match command {
        ConnectorsCommand::List(target) => {
            let all = target.open().await?.connectors().await?;
            printer.result(&serde_json::json!({ "items": all }), |printer| {
                let row = |it: &Connector| vec![cell(&it.id), cell(&it.name), cell(&it.summary)];
                printer.table(&["app", "name", "what it is"], all.iter().map(row));
                printer.note("\nConnect one with: keyhaven connect APP");
            });
        }
        ConnectorsCommand::Show { app, target } => {
            let it = target.open().await?.connector(&app).await?;
            printer.result(&it, |printer| {
                printer.line(format!("{}: {}\n", plain(&it.name), plain(&it.summary)));
                let row = |field: &Field| {
                    let kind = match (field.secret, field.required) {
                        (true, _) => "secret",
                        (false, true) => "plain",
                        (false, false) => "plain, may be empty",
                    };
                    vec![
                        cell(&field.id),
                        cell(&field.label),
                        cell(kind),
                        cell(&field.help),
                        cell(&field.example),
                    ]
                };
                let head = ["field", "label", "kind", "meaning", "example"];
                printer.table(&head, it.fields.iter().map(row));
                printer.line(format!("\nConnect it with: keyhaven connect {}", it.id));
            });
        }
    }
    Ok(())
}
