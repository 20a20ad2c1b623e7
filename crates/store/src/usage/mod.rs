//! What went through a connection: counted by minute, and recent calls one by one.

pub(crate) mod read;
pub(crate) mod write;

/// Answers of the app by how long they took: up to 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000 ms, and longer.
pub type Latencies = [i64; 11];

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageCounts {
    /// All calls.
    pub calls: i64,
    /// Those that the app answered with an error, or not at all.
    pub errors: i64,
    /// Those that Keyhaven refused; the app was not asked.
    pub refused: i64,
    /// What they cost of the app's budget.
    pub cost: i64,
    /// How long the app's answers took.
    pub latencies: Latencies,
}

impl UsageCounts {
    /// Adds `more` to it.
    pub fn add(&mut self, more: &Self) {
        self.calls += more.calls;
        self.errors += more.errors;
        self.refused += more.refused;
        self.cost += more.cost;
        for (count, more) in self.latencies.iter_mut().zip(more.latencies) {
            *count += more;
        }
    }
}

/// Counts of one minute, to be added to what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinuteRow {
    /// Which connection.
    pub connection: String,
    /// The time at which the minute begins.
    pub minute: i64,
    /// Whose calls.
    pub token: String,
    /// How many.
    pub counts: UsageCounts,
}

/// One call, to be remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCall {
    /// Which connection.
    pub connection: String,
    /// When.
    pub at: i64,
    /// `ca_…`.
    pub id: String,
    /// Whose.
    pub token: String,
    /// `GET`.
    pub method: String,
    /// Without its query.
    pub path: String,
    /// What the caller was answered.
    pub status: i64,
    /// How long the app took.
    pub ms: i64,
    /// How long it waited for its turn before.
    pub waited_ms: i64,
    /// Who answered: `app` or `keyhaven`.
    pub source: &'static str,
}

/// What an app told of its daily budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetRow {
    /// Which connection.
    pub connection: String,
    /// The whole of a day.
    pub per_day: i64,
    /// What is left of it.
    pub remaining: i64,
    /// When it said so.
    pub told_at: i64,
}

/// An app refused a call as one too many for that day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Until when nothing goes out.
    pub until: i64,
    /// When it refused it.
    pub told_at: i64,
}

/// One call that is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRow {
    /// `ca_…`.
    pub id: String,
    /// When.
    pub at: i64,
    /// Whose.
    pub token: String,
    /// The name of the access token, where it is one.
    pub token_name: Option<String>,
    /// `GET`.
    pub method: String,
    /// Without its query.
    pub path: String,
    /// What the caller was answered.
    pub status: i64,
    /// How long the app took.
    pub ms: i64,
    /// How long it waited for its turn before.
    pub waited_ms: i64,
    /// Who answered: `app` or `keyhaven`.
    pub source: String,
}

/// What one token's calls come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUsage {
    /// Whose calls.
    pub token: String,
    /// The name of the access token, where it is one.
    pub name: Option<String>,
    /// How many.
    pub counts: UsageCounts,
}

/// Where a page that goes back in time begins: before this row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// The row's time.
    pub at: i64,
    /// The row's id.
    pub id: String,
}

impl Before {
    /// The newest row is before this one.
    pub fn end() -> Self {
        Self { at: i64::MAX, id: String::new() }
    }
}
