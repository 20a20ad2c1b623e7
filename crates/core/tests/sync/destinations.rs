//! When the place that records go to is not as it should be.

use std::{fs, path::Path, process::Command, time::Duration};

use keyhaven_core::syncs::{self, Failure, Plan, Sweep, SyncError, Teller};
use keyhaven_sandbox::{Act, Kind};
use keyhaven_testkit::Look;
use tokio::{sync::watch, time::sleep};

use crate::common::{Database, House};

async fn house() -> House {
    House::new(|settings| settings.records = 8).await
}

/// Some streams are enough here.
fn plan(house: &House, to: &str) -> Plan {
    Plan { chosen: ["persons", "organizations", "users"].map(String::from).into(), ..house.plan(to) }
}

/// Why a run failed, whether before it began or later.
async fn failure(house: &House, to: &str) -> SyncError {
    match house.run(&plan(house, to)).await {
        Ok(report) => report.stopped.expect("a failure"),
        Err(error) => error,
    }
}

#[track_caller]
fn says(error: &SyncError, message: &str, remedy: &str) {
    assert_eq!(error.kind, Failure::Destination, "{error:?}");
    assert!(error.message.contains(message), "{error:?}");
    assert!(error.remedy.contains(remedy), "{error:?}");
}

async fn goes_on(house: &House, to: &str, look: &Look) {
    let report = house.run(&plan(house, to)).await.unwrap();
    assert_eq!(report.stopped, None);
    assert_eq!(look.rows("persons").await.len(), 8);
}

#[tokio::test]
async fn tables_and_views_of_others_are_left_as_they_are() {
    for database in Database::BOTH {
        let house = house().await;
        let (to, look) = database.make(house.folder.path());
        look.prepare().await;
        for object in
            ["TABLE persons (id integer, mine text)", "VIEW persons AS SELECT 1 AS id, 'mine' AS mine"]
        {
            look.execute(&format!("CREATE {object}")).await;
            if object.starts_with("TABLE") {
                look.execute("INSERT INTO persons VALUES (1, 'mine')").await;
            }
            let error = failure(&house, &to).await;
            says(&error, "a table or view persons", "rename that table");
            let rows = look.rows("persons").await;
            assert_eq!((rows.len(), &rows[0]["mine"]), (1, &"mine".into()), "{database:?}: it was touched");
            let kind = object.split(' ').next().unwrap();
            look.execute(&format!("DROP {kind} persons")).await;
        }
        // A view that we would like to make is no reason to fail.
        look.execute("CREATE VIEW persons_readable AS SELECT 'mine' AS mine").await;
        goes_on(&house, &to, &look).await;
        assert_eq!(look.rows("persons_readable").await[0]["mine"], "mine");
        let report = house.run(&plan(&house, &to)).await.unwrap();
        let persons = report.progress.streams.iter().find(|it| it.name == "persons").unwrap();
        assert!(persons.note.as_ref().unwrap().contains("persons_readable"), "it is said: {persons:?}");
    }
}

#[tokio::test]
async fn a_table_of_others_in_place_of_our_notes_is_left_too() {
    for database in Database::BOTH {
        let house = house().await;
        let (to, look) = database.make(house.folder.path());
        look.prepare().await;
        look.execute("CREATE TABLE keyhaven_runs (mine text)").await;
        says(&failure(&house, &to).await, "keyhaven_runs", "Name another file or schema");
        assert_eq!(look.objects().await, ["keyhaven_runs"]);
    }
}

#[tokio::test]
async fn records_of_two_connections_are_not_mixed() {
    for database in Database::BOTH {
        let house = house().await;
        let (to, look) = database.make(house.folder.path());
        goes_on(&house, &to, &look).await;
        let other = Plan { source: "cn_other".into(), ..plan(&house, &to) };
        let error = house.run(&other).await.unwrap_err();
        says(&error, "another connection's records", "Name another file or schema");
    }
}

#[tokio::test]
async fn two_runs_into_one_place_do_not_meet() {
    for database in Database::BOTH {
        let house = house().await;
        let (to, _) = database.make(house.folder.path());
        house.sandbox.state().set(|settings| settings.latency_ms = 30);
        let (plan, source) = (plan(&house, &to), house.source());
        let (tellers, never) = ((Teller::new().0, Teller::new().0), watch::channel(false).1);
        let (one, other) = tokio::join!(
            syncs::run(&source, &plan, &tellers.0, never.clone()),
            syncs::run(&source, &plan, &tellers.1, never.clone()),
        );
        let [Ok(done), Err(error)] = (if one.is_ok() { [one, other] } else { [other, one] }) else {
            panic!("{database:?}: both ran, or none")
        };
        assert_eq!(done.stopped, None);
        assert_eq!(error.kind, Failure::Busy);
        assert!(
            error.message.contains("another sync is writing") && error.remedy.contains("Wait"),
            "{error:?}"
        );
    }
}

async fn drop_views(look: &Look) {
    for view in look.objects().await.iter().filter(|name| name.ends_with("_readable")) {
        look.execute(&format!("DROP VIEW {view}")).await;
    }
}

#[tokio::test]
async fn what_somebody_removed_comes_back() {
    for database in Database::BOTH {
        let house = house().await;
        let (to, look) = database.make(house.folder.path());
        goes_on(&house, &to, &look).await;
        drop_views(&look).await;
        look.execute("DROP TABLE persons").await;
        goes_on(&house, &to, &look).await;

        let named = async || look.rows("persons").await.iter().filter(|row| !row["name"].is_null()).count();
        drop_views(&look).await;
        look.execute("ALTER TABLE persons DROP COLUMN name").await;
        goes_on(&house, &to, &look).await;
        assert_eq!(named().await, 8, "{database:?}: the column is there, its values are not");

        look.execute("DELETE FROM persons WHERE id < 5").await;
        look.execute("UPDATE keyhaven_runs SET began = '2020-01-01T00:00:00Z' WHERE began = (SELECT min(began) FROM keyhaven_runs)").await;
        let always = Plan { sweep: Sweep::Always, ..plan(&house, &to) };
        assert_eq!(house.run(&always).await.unwrap().stopped, None);
        assert_eq!(named().await, 8, "{database:?}: rows are not there");
        let runs = look.rows("keyhaven_runs").await;
        assert!(runs.iter().all(|run| run["began"].as_str() > Some("2021")), "for ever: {runs:?}");
    }
}

#[tokio::test]
async fn a_first_reading_meets_rows_that_are_there() {
    for database in Database::BOTH {
        let house = house().await;
        let (to, look) = database.make(house.folder.path());
        house.act(Act::Archive { kind: Kind::Deal, id: 3.into() });
        let only = |stream: &str| Plan { chosen: vec![stream.into()], ..house.plan(&to) };
        assert_eq!(house.run(&only("archived_deals")).await.unwrap().stopped, None);
        house.act(Act::Unarchive { kind: Kind::Deal, id: 3.into() });
        assert_eq!(house.run(&only("deals")).await.unwrap().stopped, None, "{database:?}");
        look.execute("DELETE FROM keyhaven_streams").await;
        assert_eq!(house.run(&only("deals")).await.unwrap().stopped, None, "{database:?}");
        assert!(look.rows("deals").await.iter().all(|row| row["_deleted_at"].is_null()));
    }
}

#[tokio::test]
async fn an_estimate_makes_nothing() {
    for database in Database::BOTH {
        let house = house().await;
        let (to, look) = database.make(house.folder.path());
        let estimate = syncs::estimate(&house.source(), &plan(&house, &to)).await.unwrap();
        assert!(estimate.requests > 0);
        match &look {
            Look::Sqlite(file) => assert!(!file.exists()),
            Look::Postgres(..) => {
                let made = "(SELECT nspname FROM pg_namespace WHERE nspname LIKE 'crm%') made";
                assert!(look.rows(made).await.is_empty());
            }
        }
        goes_on(&house, &to, &look).await;
        syncs::estimate(&house.source(), &plan(&house, &to)).await.unwrap();
        // What tells no length may be more than was told.
        let leads = Plan { chosen: vec!["leads".into()], ..house.plan(&to) };
        let estimate = syncs::estimate(&house.source(), &leads).await.unwrap();
        assert!(estimate.streams.iter().any(|it| it.name == "leads" && it.at_least) && !estimate.is_most());
    }
}

#[tokio::test]
async fn a_place_that_is_no_database_is_told() {
    let house = house().await;
    let folder = house.folder.path();
    let to = |name: &str| format!("sqlite:{}", folder.join(name).display());
    says(&failure(&house, &to("missing/crm.db")).await, "is not there", "Make the folder");
    says(&failure(&house, &to("")).await, "is a folder", "Name a file");
    fs::write(folder.join("letter.txt"), "Dear reader, ".repeat(500)).unwrap();
    says(&failure(&house, &to("letter.txt")).await, "no SQLite database", "Name another file");
    assert_eq!(fs::read_to_string(folder.join("letter.txt")).unwrap(), "Dear reader, ".repeat(500));
    says(&failure(&house, "sqlite:/proc/crm.db").await, "cannot be written", "the right to write");
}

/// A small disk of its own, where the system lets us have one.
struct Disk(std::path::PathBuf);

impl Disk {
    fn new(folder: &Path, size: &str) -> Option<Self> {
        let path = folder.join("disk");
        fs::create_dir(&path).unwrap();
        Self::mount(&path, size).then_some(Self(path))
    }

    fn mount(path: &Path, options: &str) -> bool {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(path);
        command.output().is_ok_and(|it| it.status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_and_one_that_cannot_be_written_are_told_and_the_next_run_goes_on() {
    let house = House::new(|settings| settings.records = 400).await;
    let Some(disk) = Disk::new(house.folder.path(), "size=320k") else {
        eprintln!("not tried: this user may not mount a small disk");
        return;
    };
    let (to, look) = Database::Sqlite.make(&disk.0);
    says(&failure(&house, &to).await, "the disk is full", "Make room");
    assert!(Disk::mount(&disk.0, "remount,size=64m"));
    let report = house.run(&plan(&house, &to)).await.unwrap();
    assert_eq!(report.stopped, None);
    assert_eq!(look.rows("persons").await.len(), 400);

    assert!(Disk::mount(&disk.0, "remount,ro"));
    says(&failure(&house, &to).await, "cannot be", "the right to write");
}

#[tokio::test]
async fn a_file_that_another_program_holds_for_a_moment_is_waited_for() {
    let house = house().await;
    let (to, look) = Database::Sqlite.make(house.folder.path());
    goes_on(&house, &to, &look).await;
    let path = house.folder.path().join("crm.db");
    let held = Look::Sqlite(path).hold(Duration::from_millis(700));
    goes_on(&house, &to, &look).await;
    held.join().unwrap();
}

#[tokio::test]
async fn a_file_that_another_program_holds_for_long_is_told() {
    let house = house().await;
    let (to, look) = Database::Sqlite.make(house.folder.path());
    goes_on(&house, &to, &look).await;
    let _held = Look::Sqlite(house.folder.path().join("crm.db")).hold(Duration::from_secs(40));
    says(&failure(&house, &to).await, "holds it locked", "Close that program");
}

#[tokio::test]
async fn a_server_that_refuses_is_told_with_what_to_do() {
    let house = house().await;
    let (_, look) = Database::Postgres.make(house.folder.path());
    let Look::Postgres(url, _) = &look else { panic!("no PostgreSQL") };
    let instead = |from: &str, to: &str| format!("{}?schema=crm", url.replacen(from, to, 1));

    says(
        &failure(&house, &instead("keyhaven@", "nobody_here@")).await,
        "user or password",
        "user and password",
    );
    says(&failure(&house, &instead("/test_", "/no_such_")).await, "no such database", "Make the database");
    let nowhere = "postgres://keyhaven@127.0.0.1:1/crm?schema=crm";
    says(&failure(&house, nowhere).await, "cannot be reached", "can be reached");

    let (name, database) = ("guest_of_a_sync", url.rsplit('/').next().unwrap());
    look.execute(&format!("CREATE ROLE {name} LOGIN")).await;
    let guest = instead("keyhaven@", &format!("{name}@"));
    says(&failure(&house, &guest).await, "does not allow it", "GRANT CREATE ON DATABASE");
    look.execute(&format!("ALTER DATABASE {database} SET default_transaction_read_only = on")).await;
    says(&failure(&house, &instead("", "")).await, "is read-only", "primary server");
}

#[tokio::test]
async fn a_server_that_goes_away_is_told_and_the_next_run_goes_on() {
    let house = house().await;
    let (to, look) = Database::Postgres.make(house.folder.path());
    house.sandbox.state().set(|settings| settings.latency_ms = 30);
    let plan = plan(&house, &to);
    let end = async {
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                      AND application_name = 'keyhaven' AND pid <> pg_backend_pid()";
        while !look.objects().await.iter().any(|name| name == "users") {
            sleep(Duration::from_millis(5)).await;
        }
        look.execute(others).await;
    };
    let (report, ()) = tokio::join!(house.run(&plan), end);
    says(&report.unwrap().stopped.unwrap(), "cannot be reached", "goes on where it was");
    goes_on(&house, &to, &look).await;
    let runs = look.rows("keyhaven_runs").await;
    assert!(runs.iter().any(|run| run["outcome"] == "done"), "{runs:?}");
}
