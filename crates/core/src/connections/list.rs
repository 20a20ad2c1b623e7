//! The list of connections, a page at a time.

use keyhaven_store::{Cursor, ListFilter};

use crate::{Connection, Ctx, Error, Keyhaven, cursor};

/// What to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Words to look for in name, account, app and plain fields.
    pub search: String,
    /// ✓, ! or both.
    pub attention: Attention,
    /// Only this connector.
    pub connector: String,
    /// The trash instead of the list.
    pub deleted: bool,
    /// Where the page begins: `next` or `previous` of another page.
    pub cursor: Option<String>,
    /// Connections on a page, 1 to 200; 0 means 50.
    pub limit: u32,
}

/// Which statuses to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attention {
    /// All.
    #[default]
    Any,
    /// Only ✓.
    Valid,
    /// Only `invalid`.
    Invalid,
    /// Only `unverified`.
    Unverified,
    /// Both kinds of !.
    Needed,
}

impl Attention {
    /// Reads the machine word; empty means all.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "" => Self::Any,
            "valid" => Self::Valid,
            "invalid" => Self::Invalid,
            "unverified" => Self::Unverified,
            "attention" => Self::Needed,
            _ => return None,
        })
    }

    /// The machine word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Unverified => "unverified",
            Self::Needed => "attention",
        }
    }
}

/// One page.
#[derive(Debug)]
pub struct Page {
    /// Ordered by name.
    pub items: Vec<Connection>,
    /// Cursor of the page after this one.
    pub next: Option<String>,
    /// Cursor of the page before this one.
    pub previous: Option<String>,
}

const MAX_SEARCH: usize = 500;

/// One page, ordered by name; of the connections that the caller may use.
pub async fn list(app: &Keyhaven, ctx: &Ctx, query: &ListQuery) -> Result<Page, Error> {
    let limit = cursor::limit(query.limit)?;
    // Longer than what can be found, and SQLite refuses patterns of 50 KB.
    if query.search.len() > MAX_SEARCH {
        return Err(Error::field("q", "It is too long: 500 bytes at most."));
    }
    for (field, text) in [("q", &query.search), ("connector", &query.connector)] {
        if text.contains('\0') {
            return Err(Error::field(field, "It holds a NUL character."));
        }
    }
    let cursor = query.cursor.as_deref().map(decode).transpose()?;
    let filter = ListFilter {
        search: query.search.trim().to_lowercase(),
        status: query.attention.as_str().into(),
        connector: query.connector.clone(),
        deleted: query.deleted,
        only: ctx.policy.connections.clone(),
    };
    let page = app.store.read(&ctx.scope()).list_connections(&filter, cursor.as_ref(), limit).await?;
    Ok(Page {
        items: page.rows.into_iter().map(|row| app.view(row)).collect::<Result<_, _>>()?,
        next: page.next.as_ref().map(encode),
        previous: page.previous.as_ref().map(encode),
    })
}

/// How many connections there are.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// All that are not deleted, counted up to [`COUNTED`].
    pub all: i64,
    /// Those that show !, counted up to [`COUNTED`].
    pub attention: i64,
    /// Those in the trash, counted up to [`COUNTED`].
    pub deleted: i64,
}

/// Counting stops here: beyond it people want “many”, and no page shall wait for the exact number.
pub const COUNTED: i64 = 1000;

/// Counts of the connections that the caller may use, for the headings of the list.
pub async fn counts(app: &Keyhaven, ctx: &Ctx) -> Result<Counts, Error> {
    let only = ctx.policy.connections.as_deref();
    let counts = app.store.read(&ctx.scope()).count_connections(COUNTED, only).await?;
    Ok(Counts { all: counts.all, attention: counts.attention, deleted: counts.deleted })
}

/// Direction, id and sort key.
fn encode(cursor: &Cursor) -> String {
    let direction = if cursor.backwards { 'b' } else { 'f' };
    cursor::encode(&format!("{direction}{}\n{}", cursor.id, cursor.sort_key))
}

fn decode(text: &str) -> Result<Cursor, Error> {
    let text = cursor::decode(text)?;
    let (head, sort_key) = text.split_once('\n').ok_or_else(cursor::wrong)?;
    let (backwards, id) = match head.split_at_checked(1) {
        Some(("f", id)) => (false, id),
        Some(("b", id)) => (true, id),
        _ => return Err(cursor::wrong()),
    };
    Ok(Cursor { sort_key: sort_key.into(), id: id.into(), backwards })
}
