//! What is made from the program itself: OpenAPI, completions, manual pages.

use std::{fs, io, path::Path};

use clap::CommandFactory;
use keyhaven_core::Catalogue;

use super::{Cli, failure::Failure, printer::Printer};
use crate::api;

pub(super) fn openapi(printer: &Printer) -> Result<(), Failure> {
    let catalogue = Catalogue::built_in().map_err(|errors| {
        let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
        Failure::new(1, "catalogue", all.join("; "), "")
    })?;
    printer.line(serde_json::to_string_pretty(&api::document(&catalogue)).unwrap_or_default());
    Ok(())
}

pub(super) fn completions(shell: clap_complete::Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "keyhaven", &mut script);
    let _ = io::Write::write_all(&mut io::stdout(), &script);
}

/// Into a folder, or the main page on standard output.
pub(super) fn man(folder: Option<&Path>, printer: &Printer) -> Result<(), Failure> {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        let _ = io::Write::write_all(&mut io::stdout(), &page);
        return Ok(());
    };
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)?;
    let shown = folder.display();
    printer.note(format!("Manual pages written to {shown}; read one with: man -l {shown}/keyhaven.1"));
    Ok(())
}
