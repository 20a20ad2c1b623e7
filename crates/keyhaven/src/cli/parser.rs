//! The parser, but for what the environment would do to it.

use std::env;

use clap::{Arg, Command, CommandFactory, builder::Resettable};

use super::Cli;

/// The commands. An empty variable is as good as none, and what stands in the environment is not told as if it had to
/// be given.
pub(super) fn command() -> Command {
    let mut command = without_empty(Cli::command());
    // Only then does each know how it is called.
    command.build();
    with_plain_usage(command)
}

/// Orchestrators and shells set a variable to nothing where they mean that it is not set.
fn without_empty(command: Command) -> Command {
    let is_empty = |arg: &Arg| arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    let heeded = move |arg: Arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg };
    command.mut_args(heeded).mut_subcommands(without_empty)
}

/// By itself an error's usage names all that is given, by variables, too.
fn with_plain_usage(mut command: Command) -> Command {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    command.override_usage(usage).mut_subcommands(with_plain_usage)
}
