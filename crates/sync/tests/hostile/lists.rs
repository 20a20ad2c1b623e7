//! Lists that begin anew, do not end, or are none.

use keyhaven_sync::{Failure, Refused, Sweep};

use crate::app::{App, Said, both, page, placed, sqlite};

#[tokio::test]
async fn a_first_reading_that_begins_anew_meets_its_own_rows() {
    for (to, look, _folder) in both() {
        let app = App::new(|path| match path {
            "/fields" => page("", None),
            it if it.contains("cursor=b") => Err(Refused::KeyRejected("revoked".into())),
            _ => page(r#"{"id":1},{"id":3}"#, Some("b")),
        });
        let report = app.sync(&to, &["things"]).await.unwrap();
        assert_eq!(report.progress.total().rows, 2, "a page that was kept is counted");
        assert_eq!(report.stopped.unwrap().kind, Failure::KeyRejected);
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

#[tokio::test]
async fn a_run_that_is_refused_all_that_was_chosen_has_failed() {
    let refused = |status| Err(Refused::NotHere { status, message: "not for you".into() });
    for (status, remedy) in [(402, "paid for"), (403, "user who may"), (404, "right account")] {
        let ((to, ..), app) = (&sqlite(), App::new(move |_| refused(status)));
        let failed = async |chosen: &[&str]| {
            let stopped = app.sync(to, chosen).await.unwrap().stopped.expect("a reason");
            assert!(stopped.message.contains("not for you"), "{stopped:?}");
            assert!(stopped.remedy.contains(remedy), "{stopped:?}");
        };
        failed(&[]).await;
        app.says(move |path| if path == "/fields" { page("", None) } else { refused(status) });
        failed(&[]).await;
        failed(&["parts"]).await;
        app.says(move |path| if path.starts_with("/places") { refused(status) } else { page("", None) });
        app.copy(to, &[]).await;
        failed(&["places"]).await;
        app.says(move |_| refused(status));
        failed(&[]).await;
    }
}

#[tokio::test]
async fn a_list_whose_cursor_expires_is_read_anew_once() {
    let ((to, look, _folder), mut expired) = (sqlite(), 0);
    let old = || Err(Refused::NotUnderstood("an old cursor".into()));
    let app = App::new(move |path| match path {
        "/fields" => page("", None),
        it if it.contains("cursor=b") && expired == 0 => {
            expired += 1;
            old()
        }
        it if it.contains("cursor=b") => page(r#"{"id":3}"#, None),
        _ => page(r#"{"id":1},{"id":2}"#, Some("b")),
    });
    app.copy(&to, &["things"]).await;
    assert_eq!(look.rows("things").await.len(), 3);
    app.says(move |path| match path {
        "/fields" => page("", None),
        it if it.contains("cursor=b") => old(),
        _ => page(r#"{"id":1,"name":"new"},{"id":2}"#, Some("b")),
    });
    let stopped = app.sync(&to, &["things"]).await.unwrap().stopped.expect("a reason");
    assert!(stopped.message.contains("things could not be read to its end"), "{stopped:?}");
    assert_eq!(look.rows("things WHERE name = 'new'").await.len(), 1, "what was read stays");
}

/// The run ends by itself, and says so.
async fn is_endless(stream: &str, answer: impl FnMut(&str) -> Said + Send + 'static) {
    let ((to, ..), app) = (&sqlite(), App::new(answer));
    let stopped = app.sync(to, &[stream]).await.unwrap().stopped.expect("a reason");
    assert_eq!(stopped.kind, Failure::App);
    assert!(stopped.message.contains(&format!("list of {stream} has no end")), "{stopped:?}");
    assert!(app.asked() < 20, "{} requests", app.asked());
}

#[tokio::test]
async fn a_list_that_leads_in_a_circle_is_left() {
    is_endless("things", |path| match path {
        "/fields" => page("", None),
        it if it.contains("cursor=b") => page(r#"{"id":3}"#, Some("a")),
        _ => page(r#"{"id":1}"#, Some("b")),
    })
    .await;
    is_endless("places", |path| match path {
        "/fields" => page("", None),
        _ => placed(r#"{"id":1},{"id":2}"#, Some(0)),
    })
    .await;
    is_endless("places", |path| match path {
        "/fields" => page("", None),
        _ => placed(r#"{"id":1},{"id":2}"#, Some(start(path) + 4)),
    })
    .await;
    is_endless("parts", |path| match path {
        "/fields" => page("", None),
        it if it.starts_with("/things") => page(r#"{"id":1}"#, None),
        _ => page(r#"{"id":1,"thing_id":1}"#, Some("b")),
    })
    .await;
}

fn start(path: &str) -> u64 {
    path.split("start=").nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_list_by_place_goes_on_after_a_full_page_that_tells_nothing() {
    let bare = |records: &str| Ok(format!(r#"{{"success":true,"data":[{records}]}}"#));
    let more = |records: &str| {
        Ok(format!(
            r#"{{"data":[{records}],"additional_data":{{"pagination":{{"more_items_in_collection":true}}}}}}"#
        ))
    };
    for (count, says, requests) in
        [(10, bare as fn(&str) -> Said, 4), (4, bare, 3), (3, bare, 2), (5, more, 3), (40, more, 14)]
    {
        let (to, look, _folder) = sqlite();
        let app = App::new(move |path| match path {
            "/fields" => page("", None),
            _ => {
                let ids = (1..=count).skip(start(path) as usize).take(4);
                let records = ids.map(|id| format!(r#"{{"id":{id}}}"#)).collect::<Vec<_>>().join(",");
                if start(path) + 4 >= count { bare(&records) } else { says(&records) }
            }
        });
        for _ in 0..2 {
            app.copy(&to, &["places"]).await;
            let there = look.rows("places WHERE _deleted_at IS NULL").await.len() as u64;
            assert_eq!(there, count);
        }
        assert!(app.asked() <= 2 * requests, "{count}: {:?}", app.asked.lock().unwrap());
    }
}

#[tokio::test]
async fn an_empty_page_where_more_was_promised_deletes_nothing() {
    for stream in ["things", "places"] {
        let (to, look, _folder) = sqlite();
        let records = |ids: std::ops::RangeInclusive<u32>| {
            ids.map(|id| format!(r#"{{"id":{id}}}"#)).collect::<Vec<_>>().join(",")
        };
        let mut app = App::new(move |path| match path {
            "/fields" => page("", None),
            it if it.contains("cursor=b") => page(&records(3..=40), None),
            it if it.starts_with("/things") => page(&records(1..=2), Some("b")),
            it if it.ends_with("start=0") => placed(&records(1..=4), Some(4)),
            _ => placed(&records(4..=40), None),
        });
        app.sweep = Sweep::Always;
        app.copy(&to, &[stream]).await;
        app.says(move |path| match path {
            "/fields" => page("", None),
            it if it.contains("cursor=b") => Ok(r#"{"data":[]}"#.into()),
            it if it.starts_with("/things") => page(&records(1..=2), Some("b")),
            it if it.ends_with("start=0") => placed(&records(1..=4), Some(4)),
            _ => Ok(r#"{"data":[]}"#.into()),
        });
        app.copy(&to, &[stream]).await;
        assert_eq!(look.rows(&format!("{stream} WHERE _deleted_at IS NULL")).await.len(), 40, "{stream}");
    }
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_in_parts() {
    let number = |path: &str, name: &str| -> u64 {
        let value = path.split(&format!("{name}=")).nth(1).unwrap_or("0");
        value.split('&').next().unwrap().parse().unwrap()
    };
    for (stream, most) in [("things", 1), ("places", 2)] {
        let (to, look, _folder) = sqlite();
        let mut app = App::new(move |path| match path {
            "/fields" => page("", None),
            _ if number(path, "limit") > most => Err(Refused::TooLarge),
            _ => {
                let from = number(path, "cursor").max(number(path, "start"));
                let records: Vec<_> =
                    (from + 1..=9).take(most as usize).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
                let (records, next) = (records.join(","), Some(from + most).filter(|next| *next < 9));
                if most == 1 {
                    page(&records, next.map(|it| it.to_string()).as_deref())
                } else {
                    placed(&records, next)
                }
            }
        });
        app.copy(&to, &[stream]).await;
        assert_eq!(look.rows(stream).await.len(), 9, "{stream}");
        app.sweep = Sweep::Always;
        // Where one record is too large the others are read.
        app.says(|path| if path == "/fields" { page("", None) } else { Err(Refused::TooLarge) });
        let report = app.sync(&to, &[stream]).await.unwrap();
        assert!(report.stopped.unwrap().message.contains("larger than the 64 MiB"), "{stream}");
    }
}

#[tokio::test]
async fn a_list_of_which_no_page_follows_on_the_last_is_read_to_its_end() {
    let (to, look, _folder) = sqlite();
    let mut id = 0;
    let app = App::new(move |path| match path {
        "/fields" => page("", None),
        _ => {
            id += 1;
            placed(&format!(r#"{{"id":{id}}}"#), (start(path) < 40).then_some(start(path) + 4))
        }
    });
    app.copy(&to, &["places"]).await;
    assert!(look.rows("places").await.len() > 10);
}

#[tokio::test]
async fn an_error_in_the_form_of_a_page_deletes_nothing() {
    for said in [r#"{"error":"x","success":false}"#, r#"{"data":[],"success":false}"#, r#"{"message":"x"}"#] {
        let (to, look, _folder) = sqlite();
        let app = App::new(|path| match path {
            "/fields" => page("", None),
            it if it.starts_with("/parts") => page(r#"{"id":1,"thing_id":1}"#, None),
            _ => page(r#"{"id":1}"#, None),
        });
        app.copy(&to, &["things", "parts"]).await;
        app.says(|path| if path == "/fields" { page("", None) } else { Ok(said.into()) });
        let stopped = app.sync(&to, &["things", "parts"]).await.unwrap().stopped.unwrap();
        assert_eq!(stopped.kind, Failure::App);
        for table in ["things", "parts"] {
            assert_eq!(look.rows(&format!("{table} WHERE _deleted_at IS NULL")).await.len(), 1, "{said}");
        }
    }
}

#[tokio::test]
async fn a_list_that_is_null_is_empty() {
    let (to, look, _folder) = sqlite();
    let app = App::new(|path| match path {
        "/fields" => page("", None),
        _ => Ok(r#"{"success":true,"data":null}"#.into()),
    });
    app.copy(&to, &["things", "places"]).await;
    assert!(look.rows("things").await.is_empty());
}

#[tokio::test]
async fn an_apps_clock_that_is_far_ahead_hides_no_change() {
    let (to, ..) = &sqlite();
    let mut app = App::new(|path| match path {
        "/fields" => page("", None),
        it if it.contains("cursor=b") => page(r#"{"id":2,"update_time":"9999-12-31T00:00:00Z"}"#, None),
        _ => page(r#"{"id":1}"#, Some("b")),
    });
    app.at = Some("2099-01-01T00:00:00Z".parse().unwrap());
    app.copy(to, &["things"]).await;
    for _ in 0..2 {
        app.copy(to, &["things"]).await;
        let asked = app.asked.lock().unwrap().clone();
        let since = asked.iter().rev().find_map(|it| it.split("updated_since=").nth(1)).unwrap();
        assert!(since < "2026-02-01", "{since}");
    }
}

#[tokio::test]
async fn what_goes_from_one_part_of_a_table_into_the_other_stays() {
    // Lists of two pages are not due again by this clock, those of one page are.
    for (old, new, then_old, then_new) in
        [(&[4][..], &[1, 2, 3][..], &[1, 4][..], &[2, 3][..]), (&[1, 2, 3], &[4], &[2, 3], &[1, 4])]
    {
        let (to, look, _folder) = sqlite();
        let lists = |old: &'static [u32], new: &'static [u32]| {
            move |path: &str| {
                let list = if path.starts_with("/jobs/old") { old } else { new };
                let (from, to) =
                    if path.contains("cursor=b") { (2, list.len()) } else { (0, list.len().min(2)) };
                let records: Vec<String> =
                    list[from..to].iter().map(|id| format!(r#"{{"id":{id}}}"#)).collect();
                page(&records.join(","), (to < list.len()).then_some("b"))
            }
        };
        let app = App::new(lists(old, new));
        app.copy(&to, &["jobs"]).await;
        for (old, new) in [(then_old, then_new), (old, new), (old, new)] {
            app.says(lists(old, new));
            app.copy(&to, &["jobs"]).await;
            for (part, ids) in [("is_old", old), ("NOT is_old", new)] {
                let rows = look.rows(&format!("jobs WHERE {part} AND _deleted_at IS NULL ORDER BY id")).await;
                let there: Vec<u64> = rows.iter().filter_map(|row| row["id"].as_u64()).collect();
                assert_eq!(there, ids.iter().map(|id| u64::from(*id)).collect::<Vec<_>>(), "{part}");
            }
        }
    }
}
