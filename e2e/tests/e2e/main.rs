//! What people see and do, in a real browser.

mod accessibility;
mod form;
mod keyboard;
mod list;
mod saved;
mod verdicts;
mod weight;
mod without_script;
