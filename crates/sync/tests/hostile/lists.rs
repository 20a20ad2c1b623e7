//! Lists that begin anew, do not end, or are none.

use keyhaven_sync::{Failure, Refused};

use crate::app::{App, Said, both, page, placed, sqlite};

#[tokio::test]
async fn a_first_reading_that_begins_anew_meets_its_own_rows() {
    for (to, look, _folder) in both() {
        let app = App::new(|path| match path {
            "/fields" => page("", None),
            it if it.contains("cursor=b") => Err(Refused::KeyRejected("revoked".into())),
            _ => page(r#"{"id":1},{"id":3}"#, Some("b")),
        });
        let stopped = app.sync(&to, &["things"]).await.unwrap().stopped.unwrap();
        assert_eq!(stopped.kind, Failure::KeyRejected);
        app.says(|path| match path {
            "/fields" => page("", None),
            it if it.contains("cursor=b") => Err(Refused::NotUnderstood("an old cursor".into())),
            it if it.contains("cursor=c") => page(r#"{"id":4}"#, None),
            _ => page(r#"{"id":1,"name":"new"},{"id":2},{"id":3}"#, Some("c")),
        });
        app.copy(&to, &["things"]).await;
        let rows = look.rows("things ORDER BY id").await;
        assert_eq!(rows.iter().map(|row| row["id"].as_i64()).collect::<Vec<_>>(), [1, 2, 3, 4].map(Some));
        assert_eq!(rows[0]["name"], "new", "{to}");
    }
}
