//! Databases in which somebody else has worked.

use keyhaven_testkit::{Look, Postgres};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::app::{App, both, page, placed, postgres, sqlite};

fn two() -> App {
    App::new(|path| match path {
        "/fields" => page("", None),
        it if it.starts_with("/parts") => page(r#"{"id":1,"thing_id":1}"#, None),
        _ => page(r#"{"id":1},{"id":2}"#, None),
    })
}

#[tokio::test]
async fn a_table_that_somebody_dropped_is_filled_again() {
    for (to, look, _folder) in both() {
        let app = two();
        app.copy(&to, &["things", "parts"]).await;
        look.execute("DROP VIEW parts_readable; DROP TABLE things; DROP TABLE parts").await;
        app.copy(&to, &["things", "parts"]).await;
        assert_eq!(look.rows("things").await.len(), 2, "{to}");
        assert_eq!(look.rows("parts").await.len(), 1, "{to}");
    }
}

#[tokio::test]
async fn a_column_that_somebody_dropped_is_filled_again() {
    for (to, look, _folder) in both() {
        let app = App::new(|path| match path {
            it if it.contains("cursor=b") => page(r#"{"id":3,"name":"c"}"#, None),
            it if it.contains("by=id") => page(r#"{"id":1,"name":"a"},{"id":2,"name":"b"}"#, Some("b")),
            _ => page("", None),
        });
        app.copy(&to, &["things"]).await;
        look.execute("ALTER TABLE things DROP COLUMN name").await;
        app.copy(&to, &["things"]).await;
        assert_eq!(look.rows("things WHERE name IS NOT NULL").await.len(), 3, "{to}");
        app.asked.lock().unwrap().clear();
        app.copy(&to, &["things"]).await;
        assert_eq!(app.asked(), 2, "what describes the fields, and what changed");
        // What went away meanwhile is found, whether the list has one page or more.
        look.execute("ALTER TABLE things DROP COLUMN name").await;
        app.says(|path| match path {
            it if it.contains("by=id") => page(r#"{"id":1,"name":"a"}"#, None),
            _ => page("", None),
        });
        app.copy(&to, &["things"]).await;
        let live = look.rows("things WHERE _deleted_at IS NULL").await;
        assert_eq!((live.len(), &live[0]["name"]), (1, &"a".into()), "{to}");
    }
}

#[tokio::test]
async fn a_table_that_somebody_made_anew_is_theirs() {
    for (to, look, _folder) in both() {
        let app = two();
        app.copy(&to, &["things", "parts"]).await;
        look.execute(
            "DROP VIEW parts_readable; DROP TABLE things; CREATE TABLE things (id integer, mine text)",
        )
        .await;
        look.execute("CREATE VIEW parts_readable AS SELECT 'mine' AS mine").await;
        let stopped = app.sync(&to, &["things"]).await.unwrap().stopped.unwrap();
        assert!(stopped.message.contains("things"), "{stopped:?}");
        assert!(look.rows("things").await.is_empty());
        assert_eq!(look.rows("parts_readable").await[0]["mine"], "mine");
        for theirs in [
            "DROP TABLE things; CREATE TABLE things (id bigint primary key, _deleted_at text)",
            "DROP TABLE things; CREATE TABLE things AS SELECT * FROM parts",
        ] {
            look.execute(theirs).await;
            let before = look.rows("things").await;
            let stopped = app.sync(&to, &["things"]).await.unwrap().stopped.unwrap();
            assert!(stopped.message.contains("did not make"), "{stopped:?}");
            assert_eq!(look.rows("things").await, before, "{theirs}");
        }
        look.execute("DROP TABLE things").await;
        app.copy(&to, &["things"]).await;
        assert_eq!(look.rows("things").await.len(), 2, "{to}");
    }
}

#[tokio::test]
async fn a_view_that_somebody_made_anew_is_theirs() {
    for (to, look, _folder) in both() {
        let app = two();
        app.copy(&to, &["things", "parts"]).await;
        look.execute("ALTER TABLE parts ADD COLUMN score integer").await;
        app.copy(&to, &["things", "parts"]).await;
        assert!(look.rows("parts_readable").await[0].contains_key("score"), "ours follows: {to}");
        look.execute("DROP VIEW parts_readable").await;
        look.execute("CREATE VIEW parts_readable AS SELECT p.*, 'mine' AS mine FROM parts p").await;
        look.execute("ALTER TABLE parts ADD COLUMN grade integer").await;
        app.copy(&to, &["things", "parts"]).await;
        assert_eq!(look.rows("parts_readable").await[0]["mine"], "mine", "{to}");
    }
}

#[tokio::test]
async fn a_view_that_somebody_replaced_is_theirs() {
    let (to, look, _folder) = postgres();
    let app = two();
    app.copy(&to, &["things", "parts"]).await;
    look.execute("ALTER TABLE parts ADD COLUMN score integer").await;
    look.execute(
        "DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW parts_readable AS ' \
         || rtrim(pg_get_viewdef('parts_readable'::regclass), ';') || ' AND t.id > 1'; END $$",
    )
    .await;
    app.copy(&to, &["things", "parts"]).await;
    assert!(look.rows("parts_readable").await.is_empty());
}

#[tokio::test]
async fn a_view_of_others_that_is_broken_stops_nothing() {
    let ((to, look, _folder), app) = (sqlite(), two());
    app.copy(&to, &["things"]).await;
    look.execute("CREATE TABLE mine (a int); CREATE VIEW theirs AS SELECT a FROM mine; DROP TABLE mine")
        .await;
    app.copy(&to, &["things"]).await;
}

#[tokio::test]
async fn a_column_that_somebody_added_stays_theirs() {
    for (to, look, _folder) in both() {
        let app = two();
        app.copy(&to, &["things"]).await;
        look.execute("ALTER TABLE things ADD COLUMN score integer; UPDATE things SET score = 7").await;
        let field = json!({"field_code": "c0de", "field_name": "Score", "field_type": "double", "is_custom_field": true});
        app.says(move |path| match path {
            "/fields" => page(&field.to_string(), None),
            _ => page(r#"{"id":1,"custom_fields":{"c0de":3}},{"id":2}"#, None),
        });
        app.copy(&to, &["things"]).await;
        let rows = look.rows("things ORDER BY id").await;
        assert_eq!((rows[0]["score"].as_f64(), rows[0]["score_2"].as_f64()), (Some(7.0), Some(3.0)), "{to}");
        assert_eq!(rows[1]["score"], 7);
    }
}

#[tokio::test]
async fn fields_beyond_what_a_table_can_have_are_left_out_and_that_is_said() {
    for (to, look, _folder) in both() {
        let field = |n: usize| json!({"field_code": format!("{n:040x}"), "field_name": "Field", "field_type": "address", "is_custom_field": true});
        let fields = (0..250).map(|n| field(n).to_string()).collect::<Vec<_>>().join(",");
        let app = App::new(move |path| match path {
            "/fields" => page(&fields, None),
            _ => page(r#"{"id":1}"#, None),
        });
        for _ in 0..2 {
            let report = app.copy(&to, &["things"]).await;
            let things = report.progress.streams.iter().find(|it| it.name == "things").unwrap();
            let note = things.note.clone().unwrap_or_default();
            assert!(note.contains("custom fields are left out"), "{to}: {note}");
            assert_eq!(look.rows("things").await.len(), 1);
        }
    }
}

/// SQLite joins 64 tables at most.
#[tokio::test]
async fn a_view_names_what_any_number_of_fields_point_at() {
    for (to, look, _folder) in both() {
        let code = |n: usize| format!("{n:040x}");
        let field = |n: usize| json!({"field_code": code(n), "field_name": format!("Other {n}"), "field_type": "thing", "is_custom_field": true});
        let fields = (0..100).map(|n| field(n).to_string()).collect::<Vec<_>>().join(",");
        let ids = (0..100).map(|n| (code(n), json!(2))).collect::<serde_json::Map<_, _>>();
        let thing = json!({"id": 1, "name": "one", "custom_fields": ids});
        let app = App::new(move |path| match path {
            "/fields" => page(&fields, None),
            _ => page(&format!(r#"{thing},{{"id":2,"name":"two"}}"#), None),
        });
        app.copy(&to, &["things"]).await;
        let rows = look.rows("things_readable WHERE id = 1").await;
        let named = (0..100).filter(|n| rows[0][&format!("other_{n}")] == "two").count();
        assert_eq!(named, 100, "{to}");
    }
}

#[tokio::test]
async fn a_clock_that_was_wrong_once_hides_no_deletion() {
    let (to, look, _folder) = sqlite();
    let app = App::new(|_| placed(r#"{"id":1},{"id":2}"#, None));
    app.copy(&to, &["places"]).await;
    look.execute("UPDATE keyhaven_streams SET whole_finished = '2099-01-01T00:00:00Z'").await;
    app.says(|_| placed(r#"{"id":1}"#, None));
    app.copy(&to, &["places"]).await;
    assert_eq!(look.rows("places WHERE _deleted_at IS NULL").await.len(), 1);
}

#[tokio::test]
async fn a_schema_may_have_any_name() {
    for (schema, name) in [("CRM", "CRM"), ("Sales%20EU", "Sales EU"), ("a.b", "a.b"), ("PG_%22x", "PG_\"x")]
    {
        let url = Postgres::shared().create_database();
        let app = two();
        for _ in 0..2 {
            app.copy(&format!("{url}?schema={schema}"), &["things"]).await;
        }
        let look = Look::Postgres(url, "public".into());
        let table = format!("\"{}\".things", name.replace('"', "\"\""));
        assert_eq!(look.rows(&table).await.len(), 2, "{name}");
    }
}

#[tokio::test]
async fn a_table_that_another_program_holds_is_told() {
    let ((to, look, _folder), app) = (postgres(), two());
    app.copy(&to, &["things"]).await;
    let Look::Postgres(url, _) = &look else { panic!("no PostgreSQL") };
    let mut other = PgConnection::connect(url).await.unwrap();
    let lock = "BEGIN; LOCK TABLE crm.things IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
    app.says(|path| if path == "/fields" { page("", None) } else { page(r#"{"id":3}"#, None) });
    let stopped = app.sync(&to, &["things"]).await.unwrap().stopped.unwrap();
    assert!(stopped.message.contains("is locked by another program"), "{stopped:?}");
    drop(other);
    app.copy(&to, &["things"]).await;
}
