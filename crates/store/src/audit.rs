//! The audit log: who did what to which subject, when, and from where. It is only ever added to.

use sqlx::{query, query_as, query_scalar};

use crate::{Before, Reader, StoreError, Tx, sql::declare};

/// A page of the log, newest first: one statement for each index. Names are looked up, so that a person can read it.
macro_rules! page {
    ($which:literal) => {
        concat!(
            "SELECT audit.id, at, actor, COALESCE(author.name, copier.name), action, subject, connections.name, connections.slug, access_tokens.name,
                syncs.id, details, client FROM audit
            LEFT JOIN access_tokens AS author ON author.workspace = audit.workspace AND author.id = substr(actor, 7)
            LEFT JOIN syncs AS copier ON copier.workspace = audit.workspace AND 'sync:' || copier.id = actor
            LEFT JOIN connections ON connections.workspace = audit.workspace AND connections.id = subject
            LEFT JOIN access_tokens ON access_tokens.workspace = audit.workspace AND access_tokens.id = subject
            LEFT JOIN syncs ON syncs.workspace = audit.workspace AND syncs.id = subject
            WHERE audit.workspace = $1 AND (at, audit.id) < ($2, $3) AND ",
            $which,
            " ORDER BY at DESC, audit.id DESC LIMIT $6"
        )
    };
}

declare! {
    AUDIT = "INSERT INTO audit (id, workspace, at, actor, action, subject, details, client) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    IS_AUDITED = "SELECT count(*) FROM audit WHERE workspace = $1 AND subject = $2 AND at >= $3 AND actor = $4 AND action = $5
        AND COALESCE(client, '') = $6";
    AUDIT_ALL = page!("$4 = '' AND $5 = ''");
    AUDIT_SUBJECT = page!("subject = $4 AND ($5 = '' OR actor = $5)");
    AUDIT_ACTOR = page!("actor = $5 AND $4 = ''");
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// `au_…`.
    pub id: String,
    /// When.
    pub at: i64,
    /// Who: `system`, `session`, `command-line`, `token:tk_…` or `sync:sy_…`.
    pub actor: String,
    /// The name of the access token or sync that did it.
    pub actor_name: Option<String>,
    /// What was done, such as `connection.create`.
    pub action: String,
    /// The id of what it was done to.
    pub subject: String,
    /// The name of the connection it was done to, while there is one.
    pub connection_name: Option<String>,
    /// The slug of the connection it was done to, while there is one.
    pub connection_slug: Option<String>,
    /// The name of the access token it was done to.
    pub token_name: Option<String>,
    /// The id of the sync it was done to, while there is one.
    pub sync_id: Option<String>,
    /// JSON without values of fields.
    pub details: String,
    /// The address it came from.
    pub client: Option<String>,
}

impl Reader<'_> {
    /// Records before this one, newest first; only those of one subject, one actor, or both, where they are not empty.
    pub async fn audit(
        &self,
        subject: &str,
        actor: &str,
        before: &Before,
        limit: i64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let statement = match (subject, actor) {
            ("", "") => AUDIT_ALL,
            ("", _) => AUDIT_ACTOR,
            (_, _) => AUDIT_SUBJECT,
        };
        let query = query_as(statement).bind(&self.scope.workspace).bind(before.at).bind(&before.id);
        let rows: Vec<Tuple> = query.bind(subject).bind(actor).bind(limit).fetch_all(self.pool).await?;
        Ok(rows.into_iter().map(record).collect())
    }
}

type Text = Option<String>;
type Tuple = (String, i64, String, Text, String, String, Text, Text, Text, Text, String, Text);

fn record(
    (
        id,
        at,
        actor,
        actor_name,
        action,
        subject,
        connection_name,
        connection_slug,
        token_name,
        sync_id,
        details,
        client,
    ): Tuple,
) -> AuditRow {
    AuditRow {
        id,
        at,
        actor,
        actor_name,
        action,
        subject,
        connection_name,
        connection_slug,
        token_name,
        sync_id,
        details,
        client,
    }
}

impl Tx {
    /// Is there a record since then that the same did the same to this subject, from the same place?
    pub async fn is_audited(
        &mut self,
        action: &str,
        subject: &str,
        client: Option<&str>,
        since: i64,
    ) -> Result<bool, StoreError> {
        let query = query_scalar(IS_AUDITED).bind(&self.scope.workspace).bind(subject).bind(since);
        let query = query.bind(&self.scope.actor).bind(action).bind(client.unwrap_or_default());
        let count: i64 = query.fetch_one(&mut *self.tx).await?;
        Ok(count > 0)
    }

    /// Writes an audit record: who did what to which subject, from where. `details` is JSON without values of fields.
    pub async fn audit(
        &mut self,
        id: &str,
        action: &str,
        subject: &str,
        details: &str,
        client: Option<&str>,
    ) -> Result<(), StoreError> {
        query(AUDIT)
            .bind(id)
            .bind(&self.scope.workspace)
            .bind(self.scope.now)
            .bind(&self.scope.actor)
            .bind(action)
            .bind(subject)
            .bind(details)
            .bind(client)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }
}
