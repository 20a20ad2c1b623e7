//! When the app refuses, changes its mind, or sends what fits nowhere.

use std::{fs, time::Duration};

use keyhaven_core::syncs::{
    self, Deleted, Failure, Plan, Progress, Report, StreamProgress, StreamStage, Sweep, Teller,
};
use keyhaven_sandbox::{ACME, Act, Fault, Kind, Mode, Rule, TokenSettings};
use keyhaven_testkit::Look;
use serde_json::{Map, Value, json};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::common::{Database, House, KEY};

const OTHER_KEY: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const PERSONS: u64 = 60;
const PAGES: usize = 12;

/// Many persons on small pages.
async fn crowd() -> (House, Plan) {
    let house = House::new(|settings| settings.records = PERSONS).await;
    let (to, _) = Database::Sqlite.make(house.folder.path());
    let plan = Plan { chosen: vec!["persons".into()], ..house.paged(&to, PERSONS / PAGES as u64) };
    (house, plan)
}

fn stream<'a>(report: &'a Report, name: &str) -> &'a StreamProgress {
    report.progress.streams.iter().find(|it| it.name == name).unwrap()
}

fn asked(house: &House, path: &str) -> usize {
    house.sandbox.state().asked().iter().filter(|it| it.path == path).count()
}

/// A run; as soon as some pages were asked for, something happens.
async fn disturbed(house: &House, plan: &Plan, then: impl FnOnce(&watch::Sender<bool>)) -> Report {
    let before = asked(house, "/api/v2/persons");
    house.sandbox.state().set(|settings| settings.latency_ms = 20);
    let (cancel, cancelled) = watch::channel(false);
    let disturb = async {
        while asked(house, "/api/v2/persons") < before + 4 {
            sleep(Duration::from_millis(2)).await;
        }
        then(&cancel);
        std::future::pending().await
    };
    let (source, teller) = (house.source(), Teller::new().0);
    let run = async {
        tokio::select! {
            report = syncs::run(&source, plan, &teller, cancelled) => report.unwrap(),
            () = disturb => unreachable!("it waits"),
        }
    };
    let report = timeout(Duration::from_secs(5), run).await.expect("a run that ends at once");
    house.sandbox.state().set(|settings| settings.latency_ms = 0);
    report
}

/// The next run reads what is left, and no page twice but the one that was on its way.
async fn goes_on(house: &House, plan: &Plan) {
    let before = asked(house, "/api/v2/persons");
    assert!((3..PAGES).contains(&before), "{before} pages were read");
    let report = house.run(plan).await.unwrap();
    assert_eq!(report.stopped, None);
    let after = asked(house, "/api/v2/persons") - before;
    // One more looks for what changed in the meantime.
    assert!(before + after <= PAGES + 3, "{before} pages, then {after}");
    let persons = Look::Sqlite(house.folder.path().join("crm.db")).rows("persons").await;
    assert_eq!(persons.len() as u64, PERSONS);
}

#[tokio::test]
async fn a_revoked_key_stops_a_run_and_a_new_one_lets_it_go_on() {
    let (house, plan) = crowd().await;
    let report = disturbed(&house, &plan, |_| assert!(house.sandbox.state().revoke(KEY))).await;
    let error = report.stopped.clone().unwrap();
    assert_eq!((report.outcome(), error.kind), ("failed", Failure::KeyRejected));
    assert!(error.remedy.contains("save a new key"), "{error:?}");
    house.sandbox.state().set_token(OTHER_KEY, TokenSettings { user: Some(1), ..TokenSettings::default() });
    house.save_key(OTHER_KEY).await;
    goes_on(&house, &plan).await;
}

#[tokio::test]
async fn the_daily_limit_pauses_a_run_at_once() {
    let (house, plan) = crowd().await;
    let report = disturbed(&house, &plan, |_| house.sandbox.state().set_mode(KEY, Mode::Daily)).await;
    let error = report.stopped.clone().unwrap();
    assert_eq!((report.outcome(), error.kind), ("paused", Failure::Budget));
    assert!(error.remedy.contains("midnight UTC"), "{error:?}");
    assert_eq!(stream(&report, "persons").state, StreamStage::Paused);
    house.sandbox.state().set_mode(KEY, Mode::Ok);
    house.set_time(house.now() + 86_400);
    goes_on(&house, &plan).await;
}

/// An estimate would otherwise promise what cannot be.
#[tokio::test]
async fn a_refused_key_is_told_before_a_run() {
    let (house, plan) = crowd().await;
    house.sandbox.state().set_mode(KEY, Mode::Unauthorized);
    let error = keyhaven_sync::estimate(&house.source(), &plan).await.unwrap_err();
    assert_eq!(error.kind, Failure::KeyRejected, "{error:?}");
    assert!(error.remedy.contains("save a new key"), "{error:?}");
}

#[tokio::test]
async fn a_cancelled_run_ends_at_once_and_the_next_goes_on() {
    let (house, plan) = crowd().await;
    let report = disturbed(&house, &plan, |cancel| cancel.send(true).unwrap()).await;
    assert_eq!(report.outcome(), "cancelled");
    assert!(report.stopped.unwrap().remedy.contains("goes on where it was"));
    let shown = Look::Sqlite(house.folder.path().join("crm.db")).rows("persons_readable").await;
    assert!(!shown.is_empty(), "what is there can be read by name");
    goes_on(&house, &plan).await;
}

#[tokio::test]
async fn a_file_that_is_removed_meanwhile_is_told_and_made_anew() {
    let (house, plan) = crowd().await;
    let file = house.folder.path().join("crm.db");
    let report = disturbed(&house, &plan, |_| fs::remove_file(&file).unwrap()).await;
    let error = report.stopped.unwrap();
    assert!(error.message.contains("was removed") && error.remedy.contains("begins anew"), "{error:?}");
    assert_eq!(house.run(&plan).await.unwrap().stopped, None);
    assert_eq!(Look::Sqlite(file).rows("persons").await.len() as u64, PERSONS);
}

#[tokio::test]
async fn a_place_that_the_app_has_forgotten_is_where_a_list_begins_anew() {
    let (house, plan) = crowd().await;
    disturbed(&house, &plan, |cancel| cancel.send(true).unwrap()).await;
    let fault = Fault::Answer { status: 400, error: "Invalid cursor".into() };
    house.sandbox.state().add_fault(Rule::new(fault).path("/api/v2/persons").times(1));
    let report = house.run(&plan).await.unwrap();
    assert_eq!((report.outcome(), &report.stopped), ("done", &None));
    assert_eq!(stream(&report, "persons").rows, PERSONS);
}

#[tokio::test]
async fn who_watches_sees_why_nothing_moves_and_that_a_request_was_made_once_more() {
    let (house, plan) = crowd().await;
    let fault = Fault::Answer { status: 503, error: "Maintenance".into() };
    house.sandbox.state().add_fault(Rule::new(fault).path("/api/v2/persons").times(2));
    let (teller, mut told) = Teller::new();
    let (source, (_cancel, cancelled)) = (house.source(), watch::channel(false));
    let watching = async {
        let persons = |it: &Progress| it.streams.iter().find(|it| it.name == "persons").cloned();
        let waits = told.wait_for(|it| persons(it).is_some_and(|it| it.waits.is_some()));
        persons(&waits.await.unwrap()).unwrap()
    };
    let (report, seen) = tokio::join!(syncs::run(&source, &plan, &teller, cancelled), watching);
    let report = report.unwrap();
    assert_eq!((seen.waits.as_deref(), seen.rows), (Some("Maintenance; asks again in 0.5 s"), 0));
    assert_eq!((report.outcome(), &report.stopped), ("done", &None));
    let persons = stream(&report, "persons");
    assert_eq!((persons.rows, persons.repeated, &persons.waits), (PERSONS, 2, &None));
    assert_eq!(persons.requests, PAGES as u64 + 2);
}

#[tokio::test]
async fn a_run_keeps_to_its_share_of_what_is_left_today() {
    let (house, mut plan) = crowd().await;
    plan.share = 0.5;
    house.sandbox.state().set(|settings| settings.daily_budget = 400);
    let before = house.sandbox.state().spent()[&ACME];
    let report = house.run(&plan).await.unwrap();
    let error = report.stopped.clone().unwrap();
    assert_eq!((report.outcome(), error.kind), ("paused", Failure::Budget));
    assert!(error.message.contains("share") && error.remedy.contains("larger share"), "{error:?}");
    let spent = house.sandbox.state().spent()[&ACME] - before;
    assert!((150..=200).contains(&spent), "{spent} of 400");

    house.sandbox.state().set(|settings| settings.daily_budget = 1);
    let report = house.run(&plan).await.unwrap();
    assert!(report.stopped.unwrap().message.contains("are used up"));
    let report = house.run(&plan).await.unwrap();
    let error = report.stopped.unwrap();
    assert!(!error.message.contains("has used its share"), "it has used nothing: {error:?}");
}

#[tokio::test]
async fn a_list_that_may_not_be_read_is_left_out_and_that_is_said() {
    let house = House::new(|settings| settings.records = 8).await;
    let (to, look) = Database::Sqlite.make(house.folder.path());
    let plan = house.plan(&to);
    let fields = json!({ "name": "Red", "product_id": 1 }).as_object().unwrap().clone();
    house.act(Act::Create { kind: Kind::Variation, fields });
    assert_eq!(house.run(&plan).await.unwrap().stopped, None);
    let variations = look.rows("product_variations WHERE _deleted_at IS NULL").await.len();
    assert!(variations > 0);

    let refuse = |path: &str| {
        let fault = Fault::Answer { status: 403, error: "Scope and URL mismatch".into() };
        house.sandbox.state().add_fault(Rule::new(fault).path(path));
    };
    refuse("/api/v2/persons");
    refuse("/api/v2/products/");
    let report = house.run(&Plan { sweep: Sweep::Always, ..plan.clone() }).await.unwrap();
    assert_eq!((report.outcome(), &report.stopped), ("done", &None));
    for name in ["persons", "product_variations"] {
        let persons = stream(&report, name);
        assert_eq!(persons.state, StreamStage::Skipped, "{name}");
        let note = persons.note.as_deref().unwrap();
        assert!(note.contains("may not read it") && note.contains("Scope and URL mismatch"), "{note}");
    }
    let projects = stream(&report, "projects").note.clone().unwrap();
    assert!(projects.contains("the company does not have it"), "{projects}");
    assert_eq!(stream(&report, "deals").state, StreamStage::Done);
    let left = look.rows("product_variations WHERE _deleted_at IS NULL").await.len();
    assert_eq!(left, variations, "what may not be read is not gone");
    let notes = look.rows("keyhaven_streams WHERE note IS NOT NULL").await;
    assert!(notes.iter().any(|row| row["stream"] == "projects"), "also of what was never there: {notes:?}");
    assert!(notes.iter().any(|row| row["stream"] == "persons"), "{notes:?}");
}

#[tokio::test]
async fn a_blocked_key_is_told_with_what_to_do() {
    let (house, plan) = crowd().await;
    house.sandbox.state().set_mode(KEY, Mode::Blocked);
    let error = house.run(&plan).await.unwrap().stopped.unwrap();
    assert!(error.message.contains("blocks"), "{error:?}");
    assert!(!error.remedy.is_empty(), "{error:?}");
}

#[tokio::test]
async fn a_field_of_another_type_gets_another_column() {
    for database in Database::BOTH {
        let house = House::new(|settings| settings.records = 5).await;
        let (to, look) = database.make(house.folder.path());
        let field = |name: &str, field_type: &str| Act::AddField {
            kind: Kind::Person,
            name: name.into(),
            field_type: field_type.into(),
            options: Vec::new(),
        };
        let code = house.act(field("Shoe size", "int")).as_str().unwrap().to_owned();
        house.change(Kind::Person, 1, custom(&code, json!(43)));
        let plan = Plan { chosen: vec!["persons".into()], ..house.plan(&to) };
        house.run(&plan).await.unwrap();

        house.act(Act::RetypeField { kind: Kind::Person, code: code.clone(), field_type: "monetary".into() });
        house.change(Kind::Person, 1, custom(&code, json!({ "value": 9.5, "currency": "EUR" })));
        assert_eq!(house.run(&plan).await.unwrap().stopped, None);
        let mapped =
            look.rows(&format!("keyhaven_fields WHERE field_code = '{code}' ORDER BY column_name")).await;
        let columns: Vec<&Value> = mapped.iter().map(|row| &row["column_name"]).collect();
        assert_eq!(columns, ["shoe_size", "shoe_size_2"], "{database:?}");
        assert!(mapped[0]["dropped_at"].is_string() && mapped[1]["dropped_at"].is_null());
        let person = &look.rows("persons WHERE id = 1").await[0];
        assert_eq!(person["shoe_size"], 43, "the old column stays");
        assert_eq!((&person["shoe_size_2"], &person["shoe_size_2_currency"]), (&json!(9.5), &json!("EUR")));
    }
}

fn custom(code: &str, value: Value) -> Map<String, Value> {
    let fields = json!({ "custom_fields": { code: value } });
    fields.as_object().unwrap().clone()
}

#[tokio::test]
async fn what_does_not_fit_is_written_down_and_stops_nothing() {
    for database in Database::BOTH {
        let house = House::new(|settings| settings.records = 8).await;
        let (to, look) = database.make(house.folder.path());
        let fields = json!({
            "birthday": "the day before yesterday", "picture_id": 1.0e30, "org_id": "three", "update_time": "0000-00-00 00:00:00",
            "name": "a\u{0}b", "owner_id": [1], "emails": [{ "value": "x\u{0}y", "primary": true }], "job_title": { "a": 1 },
            "label_ids": "none", "visible_to": u64::MAX,
        });
        house.change(Kind::Person, 1, fields.as_object().unwrap().clone());
        let plan = Plan { chosen: vec!["persons".into()], deleted: Deleted::Remove, ..house.plan(&to) };
        let report = house.run(&plan).await.unwrap();
        assert_eq!((report.outcome(), &report.stopped), ("done", &None), "{database:?}");
        let persons = look.rows("persons").await;
        assert_eq!(persons.len(), 8);
        let first = persons.iter().find(|row| row["id"] == 1).unwrap();
        assert_eq!(first["name"], "ab");
        assert!(first["birthday"].is_null() && first["picture_id"].is_null() && first["org_id"].is_null());
        let misfits = look.rows("keyhaven_misfits").await;
        let told =
            |column: &str| misfits.iter().find(|row| row["column_name"] == column).map(|row| &row["value"]);
        assert_eq!(told("birthday"), Some(&json!("the day before yesterday")), "{misfits:?}");
        assert_eq!(told("org_id"), Some(&json!("three")));
        assert!(told("picture_id").is_some() && told("visible_to").is_some());
        assert!(stream(&report, "persons").misfits >= 4);

        let fields = json!({ "birthday": "1990-02-03" });
        house.change(Kind::Person, 1, fields.as_object().unwrap().clone());
        assert_eq!(house.run(&plan).await.unwrap().stopped, None);
        let left = look.rows("keyhaven_misfits").await;
        let has = |column: &str| left.iter().any(|row| row["column_name"] == column);
        assert!(has("org_id") && !has("birthday"), "what was mended is not told any more: {left:?}");
    }
}
