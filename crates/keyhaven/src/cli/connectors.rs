//! `keyhaven connectors …`.

use clap::Subcommand;

use super::{TargetArgs, failure::Failure, printer::Printer};
use crate::api::wire::Connector;

/// What to see of the catalogue.
#[derive(Subcommand)]
pub(super) enum ConnectorsCommand {
    /// List the apps that can be connected
    List(TargetArgs),
    /// Show an app's fields and how to find the values
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
                let row = |it: &Connector| vec![it.id.clone(), it.name.clone(), it.summary.clone()];
                printer.table(&["app", "name", "what it is"], all.iter().map(row).collect());
            });
        }
        ConnectorsCommand::Show { app, target } => {
            let it = target.open().await?.connector(&app).await?;
            printer.result(&it, |printer| {
                printer.line(format!("{}: {}\n", it.name, it.summary));
                let row = |field: &crate::api::wire::Field| {
                    let kind = if field.secret { "secret" } else { "plain" };
                    vec![field.id.clone(), field.label.clone(), kind.to_owned(), field.help.clone()]
                };
                printer.table(&["field", "label", "kind", "meaning"], it.fields.iter().map(row).collect());
                printer.line(format!("\nConnect it with: keyhaven connect {}", it.id));
            });
        }
    }
    Ok(())
}
