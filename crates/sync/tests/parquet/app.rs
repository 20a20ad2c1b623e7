//! An app of two lists, whose records a test can change.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use keyhaven_connectors::streams::Streams;
use keyhaven_sync::{
    Answer, Budget, Deleted, Destination, Plan, Refused, Report, Source, Sweep, SyncError, Teller, run,
};
use serde_json::{Value, json};
use tokio::sync::watch;

const STREAMS: &str = r#"
[[streams]]
name = "users"
path = "/users"
pages = "one"
columns = ["id integer", "name text"]

[[streams]]
name = "deals"
path = "/deals"
pages = "one"
columns = ["id integer", "title text", "value number", "owner_id integer to users", "won boolean", "add_time timestamp", "close_date date", "call_time time", "labels json", "note text"]

[[streams]]
name = "currencies"
path = "/currencies"
pages = "one"
columns = ["id integer", "code text"]
"#;

#[derive(Default)]
pub(crate) struct App {
    pub users: Mutex<Vec<Value>>,
    pub deals: Mutex<Vec<Value>>,
}

impl App {
    /// Three users, and deals with notes of this length that cannot be packed.
    pub(crate) fn with(deals: usize, note: usize) -> Self {
        let app = Self::default();
        let users = ["Ann", "Bo", "Cem"].into_iter().zip(1..);
        *app.users.lock().unwrap() = users.map(|(name, id)| json!({"id": id, "name": name})).collect();
        let mut seed = 7u64;
        *app.deals.lock().unwrap() = (1..=deals)
            .map(|id| {
                let mut letter = || {
                    seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    char::from(b' ' + (seed >> 33) as u8 % 95)
                };
                let note: String = (0..note).map(|_| letter()).collect();
                deal(id, &note)
            })
            .collect();
        app
    }

    pub(crate) async fn sync(&self, to: &str) -> Result<Report, SyncError> {
        let plan = Plan {
            streams: Arc::new(Streams::parse(STREAMS).unwrap()),
            chosen: Vec::new(),
            destination: Destination::parse(to, "crm")?,
            source: "conn_1".into(),
            deleted: Deleted::Keep,
            sweep: Sweep::Always,
            share: 1.0,
            clock: Arc::new(|| "2026-01-31T09:30:00Z".parse().unwrap()),
        };
        let (_cancel, cancelled) = watch::channel(false);
        run(self, &plan, &Teller::new().0, cancelled).await
    }

    /// A run that must reach its end.
    pub(crate) async fn copy(&self, to: &str) {
        let report = self.sync(to).await.unwrap();
        assert_eq!(report.stopped, None);
    }
}

pub(crate) fn deal(id: usize, note: &str) -> Value {
    if id.is_multiple_of(5) {
        return json!({"id": id, "title": null});
    }
    json!({
        "id": id, "title": format!("Deal „{id}“"), "value": id as f64 * 1.25, "owner_id": id % 4, "won": id.is_multiple_of(2),
        "add_time": format!("2024-02-{:02}T23:59:58Z", id % 28 + 1), "close_date": "1969-12-30",
        "call_time": "09:30:15", "labels": [id, "x"], "note": note,
    })
}

impl Source for App {
    async fn get(&self, path: &str) -> Result<Answer, Refused> {
        let data = match path.split('?').next() {
            Some("/users") => self.users.lock().unwrap().clone(),
            Some("/deals") => self.deals.lock().unwrap().clone(),
            _ => Vec::new(),
        };
        let body = json!({"success": true, "data": data}).to_string().into();
        Ok(Answer { body, at: Some(Timestamp::UNIX_EPOCH), budget: None, burst: None })
    }

    fn cost(&self, _: &str) -> u64 {
        1
    }

    async fn budget(&self) -> Option<Budget> {
        None
    }
}
