//! Values and pages that nobody can hold.

use std::time::Duration;

use keyhaven_sync::{Budget, Burst, Deleted, Failure, Refused, Sweep};
use serde_json::{Value, json};

use crate::app::{App, both, page, sqlite};

/// Each is one value of a record; the record is there without it, and the value is noted.
#[tokio::test]
async fn a_value_that_no_database_takes_stops_nothing() {
    let nested = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let values = [
        (r#""extra":{"a":1e999999}"#.to_owned(), 1),
        (r#""at":"2024-01-01T10:00:00.01234567890123456789012345678901234567890123456789012345678901234567890123456789Z""#.to_owned(), 1),
        (r#""clock":"10:00:00.01234567890123456789012345678901234567890123456789012345678901234567890123456789""#.to_owned(), 1),
        (format!(r#""extra":{nested}"#), 1),
        (format!(r#""choices":{nested}"#), 1),
        (format!(r#""mails":{nested}"#), 1),
        (format!(r#""name":{nested}"#), 0),
        (format!(r#""unknown":{nested}"#), 0),
    ];
    for (to, look, _folder) in both() {
        let records = values.iter().enumerate().map(|(id, (value, _))| format!(r#"{{"id":{id},{value}}}"#));
        let records = records.collect::<Vec<_>>().join(",");
        let app = App::new(move |path| if path == "/fields" { page("", None) } else { page(&records, None) });
        app.copy(&to, &["things"]).await;
        assert_eq!(look.rows("things").await.len(), values.len());
        for (id, (_, misfits)) in values.iter().enumerate() {
            let told = look.rows(&format!("keyhaven_misfits WHERE record = '{id}'")).await;
            assert_eq!(told.len(), *misfits, "{to}: {id}");
        }
    }
}

/// What can be read of an odd value is there; what is lost is noted.
#[tokio::test]
async fn an_odd_value_is_read_or_noted() {
    let odd = [
        (r#""name":["a",{"b":1}]"#, "name", json!(r#"["a",{"b":1}]"#), 0),
        (r#""name":{"b":"c"}"#, "name", json!(r#"{"b":"c"}"#), 0),
        (r#""name":{"value":"a","b":"c"}"#, "name", json!("a"), 0),
        (r#""boss":{"name":"nobody"}"#, "boss", Value::Null, 1),
        (r#""boss":{"id":3,"name":"x"}"#, "boss", json!(3), 0),
        (r#""boss":{"id":null}"#, "boss", Value::Null, 0),
        (r#""boss":[3]"#, "boss", Value::Null, 1),
        (r#""price":{"much":3}"#, "price", Value::Null, 1),
        (r#""price":{"amount":3,"currency":["EUR"]}"#, "price", json!(3.0), 1),
        (r#""mails":[{"value":"a@x","primary":null},{"value":"b@x","primary":1}]"#, "mails", json!("b@x"), 0),
        (r#""mails":[{"value":4930,"primary":true}]"#, "mails", json!("4930"), 0),
        (r#""mails":["a@x"]"#, "mails", json!("a@x"), 0),
        (r#""mails":"a@x""#, "mails", json!("a@x"), 0),
        (r#""mails":[{"value":"","primary":true},{"value":"b@x"}]"#, "mails", json!("b@x"), 0),
        (r#""mails":[{"value":["a@x"]},{"value":"b@x"}]"#, "mails", json!("b@x"), 1),
        (r#""name":"\\N""#, "name", json!("\\N"), 0),
        (r#""name":"a\tb\r\nc\\.""#, "name", json!("a\tb\r\nc\\."), 0),
        (r#""mail":[{"value":"c@x","primary":true,"label":"work"}],"mails":null"#, "mails", json!("c@x"), 0),
    ];
    for (to, look, _folder) in both() {
        let records = odd.iter().enumerate().map(|(id, (value, ..))| format!(r#"{{"id":{id},{value}}}"#));
        let records = records.collect::<Vec<_>>().join(",");
        let app = App::new(move |path| if path == "/fields" { page("", None) } else { page(&records, None) });
        app.copy(&to, &["things"]).await;
        let rows = look.rows("things ORDER BY id").await;
        for (id, (value, column, is, misfits)) in odd.iter().enumerate() {
            let (there, is) = (&rows[id][*column], is.clone());
            assert!(
                *there == is || there.as_f64().is_some_and(|it| Some(it) == is.as_f64()),
                "{value}: {there}"
            );
            let told = look.rows(&format!("keyhaven_misfits WHERE record = '{id}'")).await;
            assert_eq!(told.len(), *misfits, "{to}: {value}");
        }
    }
}

#[tokio::test]
async fn all_misfits_are_counted_and_go_with_their_record() {
    for (to, look, _folder) in both() {
        let record = |id: u32| format!(r#"{{"id":{id},"amount":"much"}}"#);
        let all = (1..=150).map(record).collect::<Vec<_>>().join(",");
        let mut app = App::new(move |path| if path == "/fields" { page("", None) } else { page(&all, None) });
        app.deleted = Deleted::Remove;
        let report = app.copy(&to, &["things"]).await;
        assert_eq!(report.progress.total().misfits, 150);
        assert_eq!(look.rows("keyhaven_misfits").await.len(), 100);
        app.says(move |path| if path == "/fields" { page("", None) } else { page(&record(7), None) });
        app.copy(&to, &["things"]).await;
        assert_eq!(look.rows("keyhaven_misfits").await.len(), 1, "{to}");
    }
}

#[tokio::test]
async fn a_choice_that_was_taken_away_keeps_its_label() {
    for (to, look, _folder) in both() {
        let answer = |options: &'static str, name: &'static str| {
            move |path: &str| match path {
                "/fields" => page(
                    &format!(
                        r#"{{"field_code":"choices","field_name":"C","field_type":"set","options":[{options}]}}"#
                    ),
                    None,
                ),
                _ => page(&format!(r#"{{"id":1,"name":"{name}","choices":[7,8]}}"#), None),
            }
        };
        let app = App::new(answer(r#"{"id":7,"label":"Red"},{"id":8,"label":"Blue"}"#, "a"));
        app.copy(&to, &["thing_fields", "things"]).await;
        app.says(answer(r#"{"id":8,"label":"Sky"}"#, "b"));
        app.copy(&to, &["thing_fields", "things"]).await;
        let row = &look.rows("things").await[0];
        assert_eq!((&row["name"], &row["choices"]), (&"b".into(), &"Red, Sky".into()), "{to}");
    }
}

#[tokio::test]
async fn marked_rows_go_once_deleted_ones_are_not_kept() {
    for (to, look, _folder) in both() {
        let answer = |records: &'static str| {
            move |path: &str| if path == "/fields" { page("", None) } else { page(records, None) }
        };
        let mut app = App::new(answer(r#"{"id":1},{"id":2}"#));
        app.copy(&to, &["things"]).await;
        app.says(answer(r#"{"id":2}"#));
        app.sweep = Sweep::Always;
        app.copy(&to, &["things"]).await;
        assert_eq!(look.rows("things WHERE _deleted_at IS NOT NULL").await.len(), 1, "{to}");
        app.deleted = Deleted::Remove;
        let report = app.copy(&to, &["things"]).await;
        assert_eq!((look.rows("things").await.len(), report.progress.total().deleted), (1, 1), "{to}");
    }
}

#[tokio::test]
async fn half_a_character_stops_nothing() {
    for (to, look, _folder) in both() {
        let app = App::new(|path| match path {
            "/fields" => page("", None),
            _ => page(
                r#"{"id":1,"name":"cut \ud83d","extra":["\ude00"],"mails":[{"value":"x\ud83d\ude00"}]}"#,
                None,
            ),
        });
        app.copy(&to, &["things"]).await;
        let row = &look.rows("things").await[0];
        assert_eq!((&row["name"], &row["mails"]), (&"cut \u{fffd}".into(), &"x\u{1f600}".into()), "{to}");
    }
}

#[tokio::test]
async fn a_page_that_grows_a_hundredfold_is_refused() {
    let (to, look, _folder) = sqlite();
    let many = "{},".repeat(1_000_000) + "{}";
    let app = App::new(move |path| if path == "/fields" { page("", None) } else { page(&many, None) });
    let stopped = app.sync(&to, &["things"]).await.unwrap().stopped.unwrap();
    assert_eq!(stopped.kind, Failure::App);
    assert!(stopped.message.contains("more records than fit into memory"), "{stopped:?}");
    assert!(look.rows("things").await.is_empty());
}

#[tokio::test]
async fn words_and_numbers_of_the_app_about_itself_stop_nothing() {
    for (to, look, _folder) in both() {
        let mut app = App::new(|path| match path {
            "/fields" => page("", None),
            it if it.starts_with("/places") => Err(Refused::NotHere { status: 403, message: "a\0b".into() }),
            _ => page(r#"{"id":1}"#, None),
        });
        app.budget = Some(Budget { limit: u64::MAX, left: u64::MAX, is_told: true });
        app.burst = Some(Burst { limit: u64::MAX, left: u64::MAX, reset: Duration::MAX });
        app.copy(&to, &["things", "places"]).await;
        assert_eq!(look.rows("things").await.len(), 1, "{to}");
    }
}
