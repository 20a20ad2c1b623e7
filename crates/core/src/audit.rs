//! The audit log for people: who did what, when, and from where.

use keyhaven_store::{AuditRow, Before};

use crate::{Ctx, Error, Keyhaven, ctx::Millis, cursor};

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Only what was done to this: a connection's id or slug, or another id. Empty: to anything.
    pub subject: String,
    /// Only what this actor did: `system`, `session`, `command-line` or `token:tk_…`. Empty: anybody.
    pub actor: String,
    /// Where the page begins: `next` of another page.
    pub cursor: Option<String>,
    /// Records on a page, 1 to 200; 0 means 50.
    pub limit: u32,
}

/// One page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Newest first.
    pub items: Vec<Entry>,
    /// Cursor of the page after this one.
    pub next: Option<String>,
}

/// One record.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `au_…`.
    pub id: String,
    /// When.
    pub at: Millis,
    /// Who, as a machine word.
    pub actor: String,
    /// Who, for people.
    pub who: String,
    /// What was done, as a machine word.
    pub action: String,
    /// The id of what it was done to.
    pub subject: String,
    /// How people call it, where it has a name.
    pub name: Option<String>,
    /// The slug of the connection it was done to, while there is one.
    pub connection: Option<String>,
    /// The id of the sync it was done to, while there is one.
    pub sync: Option<String>,
    /// The address it came from.
    pub client: Option<String>,
}

/// Actions and what they say of their subject.
const DEEDS: &[(&str, &str)] = &[
    ("connection.create", "{} was saved"),
    ("connection.edit", "{} got new values"),
    ("connection.rename", "{} was renamed"),
    ("connection.other_account", "A key of another company was held back for {}"),
    ("connection.delete", "{} was deleted"),
    ("connection.restore", "{} was restored"),
    ("connection.destroy", "{} was destroyed"),
    ("connection.use", "{} was used"),
    ("sync.create", "Sync {} was saved"),
    ("sync.edit", "Sync {} was changed"),
    ("sync.ask", "Sync {} was told to run"),
    ("sync.start", "Sync {} began to run"),
    ("sync.cancel", "The run of sync {} was cancelled"),
    ("sync.pause", "Sync {} was paused"),
    ("sync.resume", "Sync {} was resumed"),
    ("sync.delete", "Sync {} was deleted"),
    ("access_token.create", "Access token {} was made"),
    ("access_token.edit", "Access token {} was changed"),
    ("access_token.revoke", "Access token {} was revoked"),
    ("sign_in_link.create", "A sign-in link was made"),
    ("session.create", "Somebody signed in"),
    ("session.end", "Somebody signed out"),
    ("workspace_key.create", "The key of the workspace was made"),
];

impl Entry {
    /// What was done, in words. An action without words of its own is told as its machine word.
    pub fn sentence(&self) -> String {
        let name = self.name.as_deref().unwrap_or(&self.subject);
        match DEEDS.iter().find(|(action, _)| *action == self.action) {
            Some((_, words)) => words.replacen("{}", name, 1),
            None if name.is_empty() => self.action.clone(),
            None => format!("{}: {name}", self.action),
        }
    }
}

/// An actor for people: the name of the access token or sync where it is one, else words for the machine word.
pub fn who(word: &str, token_name: Option<&str>) -> String {
    match (token_name, word) {
        (Some(name), _) => name.to_owned(),
        (None, "system") => "Keyhaven".into(),
        (None, "session") => "Signed-in person".into(),
        (None, "command-line") => "Command line".into(),
        (None, other) => other.split_once(':').map_or(other, |(_, id)| id).to_owned(),
    }
}

const MAX_WORD: usize = 100;

/// A page of the log, newest first.
pub async fn list(app: &Keyhaven, ctx: &Ctx, query: &Query) -> Result<Page, Error> {
    ctx.may_see_figures()?;
    let (limit, before) = (cursor::limit(query.limit)?, cursor::before(query.cursor.as_deref())?);
    for (field, text) in [("subject", &query.subject), ("actor", &query.actor)] {
        if text.len() > MAX_WORD || text.contains('\0') {
            return Err(Error::field(field, "This is no id that Keyhaven gives."));
        }
    }
    let read = app.store.read(&ctx.scope());
    // People know a connection by its slug; the log knows it by its id, also when it is gone.
    let subject = match read.connection(&query.subject).await? {
        Some(row) => row.id,
        None => query.subject.clone(),
    };
    let mut rows = read.audit(&subject, &query.actor, &before, limit + 1).await?;
    let next = cursor::next(&mut rows, limit, |row| Before { at: row.at, id: row.id.clone() });
    Ok(Page { items: rows.into_iter().map(entry).collect(), next })
}

fn entry(row: AuditRow) -> Entry {
    // What is gone has left its name in the record.
    let left = || serde_json::from_str(&row.details).ok().and_then(|details: Left| details.name);
    Entry {
        who: who(&row.actor, row.actor_name.as_deref()),
        name: row.connection_name.or(row.token_name).or_else(left),
        id: row.id,
        at: row.at,
        actor: row.actor,
        action: row.action,
        subject: row.subject,
        connection: row.connection_slug,
        sync: row.sync_id,
        client: row.client,
    }
}

/// Details of a record, as far as they are told.
#[derive(serde::Deserialize)]
struct Left {
    name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_are_told_in_words_and_unknown_ones_as_they_are() {
        let entry = |action: &str, subject: &str, name: Option<&str>| Entry {
            id: "au_1".into(),
            at: 0,
            actor: "system".into(),
            who: "Keyhaven".into(),
            action: action.into(),
            subject: subject.into(),
            name: name.map(Into::into),
            connection: None,
            sync: None,
            client: None,
        };
        for (entry, want) in [
            (entry("access_token.revoke", "tk_1", Some("nightly")), "Access token nightly was revoked"),
            (entry("connection.rename", "cn_1", Some("Sales {} EU")), "Sales {} EU was renamed"),
            (entry("connection.destroy", "cn_1", None), "cn_1 was destroyed"),
            (entry("session.end", "", None), "Somebody signed out"),
            (entry("moon.land", "", None), "moon.land"),
            (entry("moon.land", "mo_1", None), "moon.land: mo_1"),
        ] {
            assert_eq!(entry.sentence(), want);
        }
        assert_eq!(who("token:tk_1", None), "tk_1");
    }
}
