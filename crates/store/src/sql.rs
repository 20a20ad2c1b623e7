//! Every statement has a name here, so that a test can prepare all of them on both databases.

/// Declares statements and lists them as `ALL`.
macro_rules! statements {
    ($($name:ident = $sql:expr;)+) => {
        $(const $name: &str = $sql;)+
        pub(crate) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}
pub(crate) use statements as declare;

/// The columns of a connection, in the order of [`crate::ConnectionRow`].
macro_rules! connection_columns {
    () => {
        "id, workspace, slug, connector, name, fields, status, verdict, account, last_check, verified_at, checked_at, \
         next_check_at, failures, created_at, updated_at, revision, deleted_at, purge_at, sort_key, failing_since"
    };
}
pub(crate) use connection_columns;

use crate::{audit, connections, jobs, list, open, people, secrets, syncs, tokens, usage, verifications};

/// Every statement for this kind of database, by name.
pub fn statements(kind: crate::Kind) -> Vec<(&'static str, &'static str)> {
    let common = [
        audit::ALL,
        connections::ALL,
        jobs::ALL,
        list::ALL,
        open::ALL,
        people::ALL,
        secrets::ALL,
        syncs::ALL,
        syncs::lease::ALL,
        syncs::runs::ALL,
        tokens::ALL,
        usage::read::ALL,
        usage::write::ALL,
        verifications::ALL,
    ]
    .concat();
    common
        .into_iter()
        .chain([("CLAIM", jobs::claim(kind)), ("CLAIM_SYNCS", syncs::lease::claim(kind))])
        .collect()
}
