//! Parquet files of a small app: in a folder, and in a bucket of a stand-in for S3.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "what a test does not expect, fails it"
)]

mod app;
mod look;
mod s3;

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt, path::Path};

use keyhaven_sync::{Destination, Failure};
use serde_json::json;

use app::{App, deal};

type Files = BTreeMap<String, (u64, i64, i64)>;

/// Files by name, with what tells that one was written anew. The number of a file that is gone may be given again, so
/// that its time counts too.
fn files(folder: &Path) -> Files {
    let all = fs::read_dir(folder).unwrap().map(|it| it.unwrap());
    let files = all.filter(|it| it.file_type().unwrap().is_file());
    let mark = |it: fs::Metadata| (it.ino(), it.mtime(), it.mtime_nsec());
    files.map(|it| (it.file_name().into_string().unwrap(), mark(it.metadata().unwrap()))).collect()
}

fn changed(before: &Files, after: &Files) -> Vec<String> {
    after.iter().filter(|(name, it)| before.get(*name) != Some(it)).map(|(name, _)| name.clone()).collect()
}

/// All files hold what the mirror does.
fn compare(folder: &Path) {
    for name in files(folder).keys() {
        let (_, rows) = look::parquet(fs::read(folder.join(name)).unwrap());
        let object = name.strip_suffix(".parquet").unwrap();
        assert_eq!(rows, look::mirror(&folder.join(".keyhaven/mirror.db"), object), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_follows_the_app_and_only_what_changed_is_written() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("crm");
    let to = format!("parquet:{}", folder.display());
    let app = App::with(2500, 20);
    app.copy(&to).await;
    let first = files(&folder);
    let all = ["currencies", "deals", "deals_readable", "keyhaven_fields", "users"];
    assert_eq!(
        first.keys().collect::<Vec<_>>(),
        all.map(|it| format!("{it}.parquet")).iter().collect::<Vec<_>>()
    );
    compare(&folder);
    let (types, rows) = look::parquet(fs::read(folder.join("deals_readable.parquet")).unwrap());
    assert_eq!(rows.len(), 2500);
    for column in [
        "id INT64 None",
        "title BYTE_ARRAY Some(String)",
        "value DOUBLE None",
        "won BOOLEAN None",
        "close_date INT32 Some(Date)",
        "labels BYTE_ARRAY Some(String)",
        "owner BYTE_ARRAY Some(String)",
    ] {
        assert!(types.lines().any(|it| it == column), "{column} is not among {types}");
    }
    assert!(
        types.contains(
            "add_time INT64 Some(Timestamp(TimestampType { is_adjusted_to_u_t_c: true, unit: MILLIS"
        )
    );
    assert!(
        types.contains("call_time INT32 Some(Time(TimestampType { is_adjusted_to_u_t_c: false, unit: MILLIS")
    );

    app.copy(&to).await;
    assert_eq!(files(&folder), first, "nothing changed, so nothing is written");

    app.deals.lock().unwrap()[0]["title"] = json!("another");
    app.deals.lock().unwrap().remove(1);
    app.copy(&to).await;
    let second = files(&folder);
    assert_eq!(changed(&first, &second), ["deals.parquet", "deals_readable.parquet"]);
    compare(&folder);

    // A view shows what it joins.
    app.users.lock().unwrap()[1]["name"] = json!("Bodil");
    app.copy(&to).await;
    let third = files(&folder);
    assert_eq!(changed(&second, &third), ["deals_readable.parquet", "users.parquet"]);
    compare(&folder);

    fs::remove_file(folder.join("users.parquet")).unwrap();
    app.copy(&to).await;
    assert_eq!(changed(&third, &files(&folder)), ["users.parquet"]);
    assert_eq!(fs::read_dir(folder.join(".keyhaven")).unwrap().count(), 2, "the mirror and its lock");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_are_several_groups() {
    let home = tempfile::tempdir().unwrap();
    let app = App::with(60_000, 3);
    app.copy(&format!("parquet:{}", home.path().display())).await;
    compare(home.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keyhaven_did_not_make_is_left_and_a_failed_file_comes_at_the_next_run() {
    let home = tempfile::tempdir().unwrap();
    let to = format!("parquet:{}", home.path().display());
    let app = App::with(10, 3);
    let theirs = home.path().join("deals.parquet");
    fs::write(&theirs, "something else").unwrap();
    let report = app.sync(&to).await.unwrap();
    assert_eq!(report.outcome(), "failed");
    assert!(report.stopped.unwrap().message.contains("Keyhaven did not make"));
    assert_eq!(fs::read(&theirs).unwrap(), b"something else");
    fs::remove_file(theirs).unwrap();
    app.copy(&to).await;
    compare(home.path());

    // A folder of that name cannot be replaced: stands for whatever the disk says.
    let blocked = home.path().join("users.parquet");
    fs::remove_file(&blocked).unwrap();
    fs::create_dir(&blocked).unwrap();
    app.users.lock().unwrap()[0]["name"] = json!("Anna");
    let report = app.sync(&to).await.unwrap();
    assert_eq!(report.stopped.unwrap().kind, Failure::Destination);
    fs::remove_dir(&blocked).unwrap();
    app.copy(&to).await;
    compare(home.path());

    // Without the mirror everything is read again, and files that are Keyhaven's are replaced.
    fs::remove_dir_all(home.path().join(".keyhaven")).unwrap();
    app.deals.lock().unwrap().push(deal(11, ""));
    app.copy(&to).await;
    compare(home.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_is_told_before_anything_is_read() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    for (at, told) in [("none/crm", "is not there"), ("file", "is no folder")] {
        let to = format!("parquet:{}", home.path().join(at).display());
        let error = App::with(1, 0).sync(&to).await.unwrap_err();
        assert!(error.message.contains(told), "{}", error.message);
    }
}

#[test]
fn addresses_hold_no_secrets() {
    let parse = |text: &str| Destination::parse(text, "");
    for good in ["parquet:crm", "s3://crm", "s3://crm/a/b"] {
        assert_eq!(parse(good).unwrap().to_string(), good);
    }
    for bad in ["parquet:", "s3://", "s3://key:secret@crm", "s3://crm/a?x=1", "s3://crm/../x", "s3://crm//x"]
    {
        assert_eq!(parse(bad).unwrap_err().kind, Failure::Usage, "{bad}");
    }
}
