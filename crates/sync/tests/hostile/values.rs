//! Values and pages that nobody can hold.

use std::time::Duration;

use keyhaven_sync::{Budget, Burst, Failure, Refused};

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
