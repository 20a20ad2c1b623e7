//! An app whose answers a test writes itself.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use keyhaven_connectors::streams::Streams;
use keyhaven_sync::{
    Answer, Budget, Burst, Deleted, Destination, Plan, Refused, Report, Source, Sweep, SyncError, Teller, run,
};
use keyhaven_testkit::{Look, Postgres};
use tempfile::TempDir;
use tokio::sync::watch;

const STREAMS: &str = r#"
[field_types]
double = "number"
address = "address"
thing = "reference things"

[[streams]]
name = "thing_fields"
path = "/fields"
pages = "one"
key = "field_code"
columns = ["field_code text", "field_name text", "field_type text", "is_custom_field boolean", "options json"]

[[streams]]
name = "things"
path = "/things"
size = 2
whole = "by=id"
ordered = true
changes = "by=time"
fields = "thing_fields"
columns = ["id integer", "name text", "amount number", "day date", "at timestamp", "clock time", "extra json", "choices options", "mails contact from mail|mails", "boss integer", "price money", "update_time timestamp"]

[[streams]]
name = "places"
path = "/places"
size = 4
pages = "start"
columns = ["id integer", "name text", "thing_id integer to things"]

[[streams]]
name = "old_jobs"
path = "/jobs/old"
size = 2
table = "jobs"
rows = "is_old"

[[streams]]
name = "jobs"
path = "/jobs"
size = 2
rows = "!is_old"
columns = ["id integer", "name text", "is_old boolean"]

[[streams]]
name = "parts"
path = "/parts"
size = 2
each = { of = "things", many = 10, param = "ids", parent = "thing_id" }
columns = ["id integer", "thing_id integer to things"]
"#;

pub(crate) type Said = Result<String, Refused>;
type Answers = Box<dyn FnMut(&str) -> Said + Send>;

pub(crate) struct App {
    answer: Mutex<Answers>,
    pub asked: Mutex<Vec<String>>,
    pub budget: Option<Budget>,
    pub burst: Option<Burst>,
    pub at: Option<Timestamp>,
    pub sweep: Sweep,
    pub deleted: Deleted,
}

impl App {
    pub(crate) fn new(answer: impl FnMut(&str) -> Said + Send + 'static) -> Self {
        Self {
            answer: Mutex::new(Box::new(answer)),
            asked: Mutex::default(),
            budget: None,
            burst: None,
            at: Some("2026-01-31T09:30:00Z".parse().unwrap()),
            sweep: Sweep::Due,
            deleted: Deleted::Keep,
        }
    }

    pub(crate) fn says(&self, answer: impl FnMut(&str) -> Said + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(crate) async fn sync(&self, to: &str, streams: &[&str]) -> Result<Report, SyncError> {
        let plan = Plan {
            streams: Arc::new(Streams::parse(STREAMS).unwrap()),
            chosen: streams.iter().map(ToString::to_string).collect(),
            destination: Destination::parse(to, "crm")?,
            source: "conn_1".into(),
            deleted: self.deleted,
            sweep: self.sweep,
            share: 0.5,
            clock: Arc::new(|| "2026-01-31T09:30:00Z".parse().unwrap()),
        };
        let (_cancel, cancelled) = watch::channel(false);
        run(self, &plan, &Teller::new().0, cancelled).await
    }

    /// A run that must reach its end.
    pub(crate) async fn copy(&self, to: &str, streams: &[&str]) -> Report {
        let report = self.sync(to, streams).await.unwrap();
        assert_eq!(report.stopped, None);
        report
    }
}

impl Source for App {
    async fn get(&self, path: &str) -> Result<Answer, Refused> {
        self.asked.lock().unwrap().push(path.to_owned());
        assert!(self.asked() < 500, "there is no end to it: {path}");
        let body = (self.answer.lock().unwrap())(path)?.into();
        Ok(Answer { body, at: self.at, budget: self.budget, burst: self.burst })
    }

    fn cost(&self, _: &str) -> u64 {
        1
    }

    async fn budget(&self) -> Option<Budget> {
        None
    }
}

/// A page of a list with cursors.
pub(crate) fn page(records: &str, next: Option<&str>) -> Said {
    let next = next.map_or("null".into(), |next| format!("\"{next}\""));
    Ok(format!(r#"{{"success":true,"data":[{records}],"additional_data":{{"next_cursor":{next}}}}}"#))
}

/// A page of a list by place.
pub(crate) fn placed(records: &str, next: Option<u64>) -> Said {
    let (more, next) = (next.is_some(), next.map_or("null".into(), |next| next.to_string()));
    Ok(format!(
        r#"{{"success":true,"data":[{records}],"additional_data":{{"pagination":{{"more_items_in_collection":{more},"next_start":{next}}}}}}}"#
    ))
}

/// A place to copy to, a look into it, and the folder that it may be in.
pub(crate) type Place = (String, Look, TempDir);

pub(crate) fn sqlite() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crm.db");
    (format!("sqlite:{}", path.display()), Look::Sqlite(path), folder)
}

pub(crate) fn postgres() -> Place {
    let url = Postgres::shared().create_database();
    (format!("{url}?schema=crm"), Look::Postgres(url, "crm".into()), tempfile::tempdir().unwrap())
}

/// A new database of each kind.
pub(crate) fn both() -> [Place; 2] {
    [sqlite(), postgres()]
}
