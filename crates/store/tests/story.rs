//! One story, told on both databases.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test does not expect, fails it"
)]

use keyhaven_store::{
    Before, BudgetRow, Claim, ConnectionChange, ConnectionRow, Cursor, Held, Kind, ListFilter, MinuteRow,
    NewAccessToken, NewCall, NewConnectionRow, NewPendingChange, NewVerification, OutcomeUpdate, RunCounts,
    RunEnd, Scope, Stop, Store, StoreError, SyncValues, UsageCounts, statements,
};
use keyhaven_testkit::Postgres;
use keyhaven_vault::{MasterKey, Place, Sealed, Secret};

struct Opened {
    store: Store,
    url: String,
    _folder: Option<tempfile::TempDir>,
}

async fn sqlite() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("a #?% b.db").display());
    Opened { store: Store::open(&url).await.unwrap(), url, _folder: Some(folder) }
}

async fn postgres() -> Opened {
    let url = tokio::task::spawn_blocking(|| Postgres::shared().create_database()).await.unwrap();
    Opened { store: Store::open(&url).await.unwrap(), url, _folder: None }
}

fn scope(workspace: &str, now: i64) -> Scope {
    Scope { workspace: workspace.into(), actor: "session".into(), now }
}

fn new(n: usize, name: &str) -> NewConnectionRow {
    NewConnectionRow {
        id: format!("cn_{n:04}"),
        slug: format!("slug-{n}"),
        connector: if n.is_multiple_of(2) { "pipedrive" } else { "http-bearer" }.into(),
        name: name.into(),
        sort_key: name.to_lowercase(),
        search_key: format!("{} acme", name.to_lowercase()),
        fields: "{}".into(),
        status: "unverified".into(),
        next_check_at: 10,
    }
}

fn outcome(status: &str, at: i64) -> OutcomeUpdate {
    OutcomeUpdate {
        status: status.into(),
        verdict: Some("{}".into()),
        account: None,
        fields: "{}".into(),
        search_key: "searched".into(),
        last_check: "{}".into(),
        failing_since: (status == "invalid").then_some(at),
        verified_at: Some(at),
        checked_at: at,
        next_check_at: at + 100,
        failures: 0,
        changes: false,
    }
}

fn seal(text: &str) -> Sealed {
    let (key, _) = MasterKey::generate().new_workspace_key("one").unwrap();
    key.seal(&Place { workspace: "one", connection: "c", field: "f", version: 1 }, &Secret::new(text.into()))
        .unwrap()
}

async fn insert(store: &Store, scope: &Scope, row: &NewConnectionRow) {
    let mut tx = store.begin(scope).await.unwrap();
    tx.insert_connection(row).await.unwrap();
    tx.commit().await.unwrap();
}

async fn get(store: &Store, scope: &Scope, which: &str) -> Option<ConnectionRow> {
    store.read(scope).connection(which).await.unwrap()
}

async fn story(opened: Opened) {
    let store = &opened.store;
    let (one, other) = (scope("one", 1_000), scope("other", 1_000));
    for workspace in ["one", "other", "one"] {
        store.ensure_workspace(workspace, "W", 1).await.unwrap();
    }
    // A second start finds the tables and changes nothing.
    Store::open(&opened.url).await.unwrap().ping().await.unwrap();

    // The workspace's key: one, and no second one.
    let mut tx = store.begin(&one).await.unwrap();
    tx.put_workspace_key("k1", "m1", b"wrapped").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.begin(&one).await.unwrap();
    assert!(matches!(tx.put_workspace_key("k2", "m1", b"x").await, Err(StoreError::Conflict)));
    drop(tx);
    assert_eq!(store.read(&one).workspace_key().await.unwrap().unwrap().wrapped, b"wrapped");
    assert!(store.read(&other).workspace_key().await.unwrap().is_none());

    // Saved, with its secret and its job; a transaction that is dropped leaves nothing.
    let mut tx = store.begin(&one).await.unwrap();
    tx.insert_connection(&new(1, "Sales 50% EU")).await.unwrap();
    tx.put_secret("cn_0001", "api_key", 1, &seal("x")).await.unwrap();
    tx.schedule_job("verify", "cn_0001", 10).await.unwrap();
    tx.audit("au_1", "connection.create", "cn_0001", "{}", Some("127.0.0.1")).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.begin(&one).await.unwrap();
    tx.insert_connection(&new(2, "Never")).await.unwrap();
    drop(tx);
    assert!(get(store, &one, "cn_0002").await.is_none());
    let row = get(store, &one, "slug-1").await.unwrap();
    assert_eq!((row.id.as_str(), row.revision, row.checked_at), ("cn_0001", 1, None));

    // Another workspace sees and changes nothing of it.
    assert!(get(store, &other, "cn_0001").await.is_none());
    assert!(store.read(&other).secrets("cn_0001").await.unwrap().is_empty());
    let mut tx = store.begin(&other).await.unwrap();
    assert!(!tx.set_outcome("cn_0001", 1, &outcome("valid", 5)).await.unwrap());
    tx.destroy_connection("cn_0001").await.unwrap();
    tx.commit().await.unwrap();
    assert!(get(store, &one, "cn_0001").await.is_some());

    // A change counts the revision; an old revision changes nothing.
    let change = |revision| ConnectionChange {
        id: "cn_0001".into(),
        revision,
        name: "Renamed".into(),
        sort_key: "renamed".into(),
        search_key: "renamed".into(),
        fields: r#"{"domain":"acme"}"#.into(),
    };
    let mut tx = store.begin(&one).await.unwrap();
    assert!(tx.change_connection(&change(1)).await.unwrap());
    assert!(!tx.change_connection(&change(1)).await.unwrap());
    assert!(!tx.set_outcome("cn_0001", 1, &outcome("valid", 5)).await.unwrap());
    assert!(tx.set_outcome("cn_0001", 2, &outcome("valid", 5)).await.unwrap());
    tx.put_secret("cn_0001", "api_key", 2, &seal("y")).await.unwrap();
    tx.delete_older_secrets("cn_0001", "api_key", 2).await.unwrap();
    assert!(tx.slug_taken("slug-1").await.unwrap() && !tx.slug_taken("slug-9").await.unwrap());
    tx.commit().await.unwrap();
    let secrets = store.read(&one).secrets("cn_0001").await.unwrap();
    assert_eq!(secrets.iter().map(|secret| secret.version).collect::<Vec<_>>(), [2]);

    // A change that waits.
    let waiting = NewPendingChange {
        connection: "cn_0001".into(),
        name: "N".into(),
        fields: "{}".into(),
        account: "{}".into(),
        version: 3,
        expires_at: 2_000,
        secrets: vec![("api_key".into(), seal("z"))],
    };
    for _ in 0..2 {
        let mut tx = store.begin(&one).await.unwrap();
        tx.put_pending_change(&waiting).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(store.read(&one).pending_change("cn_0001").await.unwrap().unwrap().version, 3);
    assert_eq!(
        store.read(&one).pending_secrets("cn_0001").await.unwrap(),
        [("api_key".into(), waiting.secrets[0].1.clone())]
    );

    // History by day, and what is old goes, with what has expired.
    let mut tx = store.begin(&one).await.unwrap();
    for (n, (at, status)) in
        [(100, "valid"), (150, "valid"), (199, "invalid"), (350, "valid")].into_iter().enumerate()
    {
        let id = format!("vf_{n}");
        let reason = "ok".into();
        let it = NewVerification {
            id,
            connection: "cn_0001".into(),
            at,
            status: status.into(),
            reason,
            detail: None,
            ms: 7,
            trigger: "save".into(),
        };
        tx.add_verification(&it).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut days = store.read(&one).history("cn_0001", 100, 100).await.unwrap();
    days.sort_by_key(|day| (day.bucket, day.status.clone()));
    let days: Vec<_> = days.iter().map(|day| (day.bucket, day.status.as_str(), day.count)).collect();
    assert_eq!(days, [(0, "invalid", 1), (0, "valid", 2), (2, "valid", 1)]);
    assert_eq!(store.read(&one).recent_verifications("cn_0001", 2).await.unwrap()[0].at, 350);
    let mut tx = store.begin(&scope("one", 5_000)).await.unwrap();
    tx.prune(200).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.read(&one).recent_verifications("cn_0001", 9).await.unwrap().len(), 1);
    assert!(store.read(&one).pending_change("cn_0001").await.unwrap().is_none());

    // Tokens, links and sessions.
    let mut tx = store.begin(&one).await.unwrap();
    let token = NewAccessToken {
        id: "tk_1".into(),
        name: "ci".into(),
        hash: vec![1; 32],
        hint: "kh_1".into(),
        policy: r#"{"read_only":true}"#.into(),
        expires_at: None,
    };
    tx.insert_access_token(&token).await.unwrap();
    tx.touch_access_token("tk_1").await.unwrap();
    tx.revoke_access_token("tk_1").await.unwrap();
    tx.insert_sign_in_link(&[2; 32], 9_000).await.unwrap();
    tx.insert_session(&[3; 32], 9_000).await.unwrap();
    tx.commit().await.unwrap();
    let token = store.access_token_by_hash(&[1; 32]).await.unwrap().unwrap();
    assert_eq!((token.last_used_at, token.revoked_at, token.expires_at), (Some(1_000), Some(1_000), None));
    assert_eq!(token.policy, r#"{"read_only":true}"#);
    assert_eq!(store.read(&one).access_tokens().await.unwrap().len(), 1);
    assert!(store.read(&other).access_tokens().await.unwrap().is_empty());
    assert_eq!(store.redeem_sign_in_link(&[2; 32], 8_000).await.unwrap().as_deref(), Some("one"));
    assert_eq!(store.redeem_sign_in_link(&[2; 32], 8_000).await.unwrap(), None);
    assert_eq!(store.session_by_hash(&[3; 32]).await.unwrap().unwrap().expires_at, 9_000);

    // A request is made once for each actor.
    let claim = Claim { key: "k".into(), fingerprint: vec![1] };
    let mut tx = store.begin(&one).await.unwrap();
    tx.claim_idempotency(&claim, "cn_0001").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.begin(&one).await.unwrap();
    assert!(matches!(tx.claim_idempotency(&claim, "cn_0002").await, Err(StoreError::Conflict)));
    drop(tx);
    assert_eq!(store.read(&one).idempotency("k").await.unwrap().unwrap().subject, "cn_0001");

    usage(store, &one).await;
    audit(store, &one).await;
    syncs(store, &one).await;

    // Trash and back, then gone for good.
    let mut tx = store.begin(&one).await.unwrap();
    tx.delete_connection("cn_0001", 99).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(get(store, &one, "cn_0001").await.unwrap().purge_at, Some(99));
    let mut tx = store.begin(&one).await.unwrap();
    tx.restore_connection("cn_0001", 11).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(get(store, &one, "cn_0001").await.unwrap().deleted_at, None);
    let mut tx = store.begin(&one).await.unwrap();
    tx.destroy_connection("cn_0001").await.unwrap();
    tx.commit().await.unwrap();
    store.checkpoint().await.unwrap();
    assert!(get(store, &one, "cn_0001").await.is_none());
    assert!(store.read(&one).secrets("cn_0001").await.unwrap().is_empty());
    assert_eq!(store.read(&one).usage_cost("cn_0001", 0).await.unwrap(), 0);
    assert!(store.read(&one).calls("cn_0001", &Before::end(), 9).await.unwrap().is_empty());
    assert_eq!(store.read(&one).told_budget("cn_0001").await.unwrap(), None);
    assert!(store.read(&one).syncs("").await.unwrap().is_empty());

    generations(store).await;
    list(store).await;
    jobs(store).await;
    prepare(&opened).await;
}

/// Whatever changes a token or a connection for its users counts up, once for each transaction; nothing else does.
async fn generations(store: &Store) {
    let (here, other) = (scope("one", 1_000), scope("other", 1_000));
    let token = NewAccessToken {
        id: "tk_2".into(),
        name: "g".into(),
        hash: vec![9; 32],
        hint: "kh_9".into(),
        policy: "{}".into(),
        expires_at: None,
    };
    let change = ConnectionChange {
        id: "cn_0005".into(),
        revision: 1,
        name: "G".into(),
        sort_key: "g".into(),
        search_key: "g".into(),
        fields: "{}".into(),
    };
    let steps: [(&str, i64); 12] = [
        ("nothing", 0),
        ("create", 1),
        ("change", 1),
        ("first outcome", 1),
        ("same outcome", 0),
        ("other outcome", 1),
        ("stale outcome", 0),
        ("new token", 1),
        ("touch", 0),
        ("revoke", 1),
        ("trash and back", 1),
        ("destroy", 1),
    ];
    for (step, more) in steps {
        let before = store.read(&here).generation().await.unwrap();
        let mut tx = store.begin(&here).await.unwrap();
        match step {
            "create" => tx.insert_connection(&new(5, "G")).await.unwrap(),
            "change" => assert!(tx.change_connection(&change).await.unwrap()),
            "first outcome" | "same outcome" => {
                assert!(tx.set_outcome("cn_0005", 2, &outcome("valid", 1)).await.unwrap());
            }
            "other outcome" => {
                assert!(tx.set_outcome("cn_0005", 2, &outcome("invalid", 1)).await.unwrap());
            }
            "stale outcome" => {
                assert!(!tx.set_outcome("cn_0005", 1, &outcome("valid", 1)).await.unwrap());
            }
            "new token" => tx.insert_access_token(&token).await.unwrap(),
            "touch" => tx.touch_access_token("tk_2").await.unwrap(),
            "revoke" => tx.revoke_access_token("tk_2").await.unwrap(),
            "trash and back" => {
                tx.delete_connection("cn_0005", 9).await.unwrap();
                tx.restore_connection("cn_0005", 9).await.unwrap();
            }
            "destroy" => tx.destroy_connection("cn_0005").await.unwrap(),
            _ => {}
        }
        assert_eq!(store.read(&here).generation().await.unwrap(), before, "{step}: before its commit");
        tx.commit().await.unwrap();
        assert_eq!(store.read(&here).generation().await.unwrap(), before + more, "{step}");
    }
    assert!(store.read(&other).generation().await.unwrap() < store.read(&here).generation().await.unwrap());
}

/// A sync is saved, taken by one at a time, told about, given back, and goes with its connection.
async fn syncs(store: &Store, here: &Scope) {
    let values = |next_run_at| SyncValues {
        name: "Nightly".into(),
        streams: "[]".into(),
        deleted: "keep".into(),
        share: 50,
        schedule: "daily at 06:30".into(),
        time_zone: "UTC".into(),
        next_run_at,
    };
    let other = scope("other", 1_000);
    let mut tx = store.begin(here).await.unwrap();
    for id in ["sy_1", "sy_2"] {
        let to = seal("postgres://u:p@h/d");
        tx.insert_sync(id, "cn_0001", &values(Some(900)), "active", (&to, "postgres://h/d")).await.unwrap();
    }
    tx.commit().await.unwrap();
    let row = store.read(here).sync("sy_1").await.unwrap().unwrap();
    assert_eq!((row.connection_slug.as_str(), row.destination.as_str()), ("slug-1", "postgres://h/d"));
    assert_eq!((row.next_run_at, row.holder.as_deref(), row.cancelled), (Some(900), None, false));
    assert!(store.read(&other).sync("sy_1").await.unwrap().is_none());
    assert_eq!(store.read(here).syncs("").await.unwrap().len(), 2);
    assert!(store.read(here).syncs("cn_0009").await.unwrap().is_empty());
    assert_eq!(store.read(here).sync_destination("sy_1").await.unwrap().unwrap().1, 1);

    // What is due is taken once, until its lease ends; a change meanwhile does not make it due for others.
    assert_eq!(store.next_sync_due().await.unwrap(), Some(900));
    let claim = async |holder: &str, now: i64, only: &str| {
        store.claim_syncs(holder, now, now + 50, 9, only).await.unwrap().len()
    };
    assert_eq!(claim("a", 800, "").await, 0);
    assert_eq!((claim("a", 1_000, "sy_1").await, claim("b", 1_000, "").await), (1, 1));
    assert_eq!((claim("c", 1_049, "").await, store.next_sync_due().await.unwrap()), (0, Some(1_050)));
    let mut tx = store.begin(here).await.unwrap();
    tx.change_sync("sy_1", &values(Some(5_000))).await.unwrap();
    tx.set_sync_destination("sy_1", 2, &seal("other"), "sqlite:x.db").await.unwrap();
    assert!(!tx.ask_sync("sy_1").await.unwrap());
    tx.begin_sync_run("sr_1", "sy_1", "schedule").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.read(here).sync("sy_1").await.unwrap().unwrap().next_run_at, Some(900));
    assert_eq!(store.renew_sync("sy_1", "a", 1_100).await.unwrap(), Held::Yes);
    assert_eq!(store.renew_sync("sy_1", "b", 9_999).await.unwrap(), Held::No);
    let mut tx = store.begin(here).await.unwrap();
    assert!(tx.cancel_sync("sy_1").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(store.renew_sync("sy_1", "a", 1_100).await.unwrap(), Held::Cancelled);
    let counts = RunCounts { requests: 3, cost: 30, rows_read: 7, rows_written: 5, rows_deleted: 1 };
    store.note_sync_run("sr_1", &counts, "[1]").await.unwrap();

    // A dead server's: the lease ends, somebody else takes it, and the run is told as interrupted.
    assert_eq!(claim("d", 1_100, "sy_1").await, 1);
    let mut tx = store.begin(here).await.unwrap();
    assert_eq!(tx.interrupt_sync_runs("sy_1", "gone", "none").await.unwrap(), 1);
    tx.begin_sync_run("sr_2", "sy_1", "goes_on").await.unwrap();
    tx.commit().await.unwrap();
    let end = RunEnd { outcome: "done".into(), message: None, remedy: None, goes_on_at: None };
    let mut tx = store.begin(here).await.unwrap();
    tx.end_sync_run("sr_1", &end).await.unwrap();
    tx.end_sync_run("sr_2", &end).await.unwrap();
    assert!(!tx.release_sync("sy_1", "a", "schedule", Some(7_000), false).await.unwrap());
    assert!(tx.release_sync("sy_1", "d", "schedule", Some(7_000), false).await.unwrap());
    tx.set_sync_state("sy_2", "paused", None).await.unwrap();
    assert!(tx.release_sync("sy_2", "b", "schedule", Some(7_000), false).await.unwrap());
    assert!(!tx.cancel_sync("sy_2").await.unwrap() && tx.ask_sync("sy_1").await.unwrap());
    tx.commit().await.unwrap();
    let row = store.read(here).sync("sy_1").await.unwrap().unwrap();
    assert_eq!((row.next_run_at, row.cause.as_str(), row.destination_version), (Some(1_000), "asked", 2));
    assert_eq!(store.read(here).sync("sy_2").await.unwrap().unwrap().next_run_at, None);
    let runs = store.read(here).sync_runs("sy_1", &Before::end(), 9).await.unwrap();
    let told: Vec<_> = runs.iter().map(|run| (run.id.as_str(), run.outcome.as_str())).collect();
    assert_eq!(told, [("sr_2", "done"), ("sr_1", "interrupted")]);
    assert_eq!((runs[1].counts, runs[1].progress.as_str()), (counts, "[1]"));

    // Of a connection in the trash nothing is due.
    let mut tx = store.begin(here).await.unwrap();
    tx.delete_connection("cn_0001", 99).await.unwrap();
    tx.cancel_syncs_of("cn_0001").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((claim("e", 1_200, "").await, store.next_sync_due().await.unwrap()), (0, None));
    let mut tx = store.begin(here).await.unwrap();
    tx.restore_connection("cn_0001", 11).await.unwrap();
    tx.delete_sync("sy_2").await.unwrap();
    tx.prune_sync_runs(1_000).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.read(here).sync_runs("sy_1", &Before::end(), 9).await.unwrap().len(), 2);
    assert_eq!(store.read(here).syncs("cn_0001").await.unwrap().len(), 1);
}

/// Counts add up by minute; calls are read page by page; what is old goes, and another workspace sees nothing.
async fn usage(store: &Store, here: &Scope) {
    let counts = UsageCounts {
        calls: 3,
        errors: 1,
        refused: 1,
        cost: 20,
        latencies: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    };
    let minute =
        |minute, token: &str| MinuteRow { connection: "cn_0001".into(), minute, token: token.into(), counts };
    let call = |n: i64| NewCall {
        connection: "cn_0001".into(),
        at: 100 + n / 2,
        id: format!("ca_{n}"),
        token: "tk_1".into(),
        method: "GET".into(),
        path: "/api/v2/deals".into(),
        status: 200,
        ms: 12,
        waited_ms: 700,
        source: "app",
    };
    let minutes = [minute(0, "tk_1"), minute(60_000, "command-line"), minute(60_000, "tk_1")];
    let calls: Vec<_> = (0..5).map(call).collect();
    store.add_usage(&minutes, &calls, &[]).await.unwrap();
    store.add_usage(&minutes[..1], &[], &[]).await.unwrap();
    // What belongs to no connection is left out, and hinders nothing.
    let stray = MinuteRow { connection: "cn_gone".into(), ..minute(0, "tk_1") };
    let told = |connection: &str, remaining, told_at| BudgetRow {
        connection: connection.into(),
        per_day: 1000,
        remaining,
        told_at,
    };
    let strays = [told("cn_gone", 1, 1)];
    store.add_usage(&[stray], &[NewCall { connection: "cn_gone".into(), ..call(9) }], &strays).await.unwrap();

    let read = store.read(here);
    // The newest word counts, whoever brings it last.
    for budget in [told("cn_0001", 70, 5), told("cn_0001", 60, 7), told("cn_0001", 65, 6)] {
        store.add_usage(&[], &[], &[budget]).await.unwrap();
    }
    assert_eq!(read.told_budget("cn_0001").await.unwrap(), Some(told("cn_0001", 60, 7)));
    // A stop ends when a later call is taken.
    let stop = async |until, told_at| {
        let mut tx = store.begin(here).await.unwrap();
        tx.stop("cn_0001", Stop { until, told_at }).await.unwrap();
        tx.stop("cn_gone", Stop { until, told_at }).await.unwrap();
        tx.commit().await.unwrap();
        read.stop("cn_0001").await.unwrap()
    };
    let go_on = async |told_at| {
        let mut tx = store.begin(here).await.unwrap();
        tx.go_on("cn_0001", told_at).await.unwrap();
        tx.commit().await.unwrap();
        read.stop("cn_0001").await.unwrap()
    };
    let stopped = Some(Stop { until: 99, told_at: 9 });
    assert_eq!(stop(99, 9).await, stopped);
    assert_eq!(stop(50, 8).await, stopped);
    assert_eq!(go_on(8).await, stopped);
    assert_eq!(go_on(9).await, None);
    stop(99, 9).await;
    assert_eq!(read.told_budget("cn_gone").await.unwrap(), None);
    let by_time = read.usage_by_time("cn_0001", 0, 60_000).await.unwrap();
    assert_eq!(by_time.iter().map(|(n, it)| (*n, it.calls)).collect::<Vec<_>>(), [(0, 6), (1, 6)]);
    assert_eq!(by_time[0].1.latencies, [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    let by_token = read.usage_by_token("cn_0001", 0, 9).await.unwrap();
    let by_token: Vec<_> =
        by_token.iter().map(|it| (it.token.as_str(), it.name.as_deref(), it.counts.cost)).collect();
    assert_eq!(by_token, [("tk_1", Some("ci"), 60), ("command-line", None, 20)]);
    assert_eq!(read.usage_cost("cn_0001", 60_000).await.unwrap(), 40);
    let passed = [read.passed("tk_1", 0).await.unwrap(), read.passed("tk_1", 60_000).await.unwrap()];
    assert_eq!(passed, [6, 2]);
    let first = read.calls("cn_0001", &Before::end(), 3).await.unwrap();
    let last = first.last().unwrap();
    let second = read.calls("cn_0001", &Before { at: last.at, id: last.id.clone() }, 3).await.unwrap();
    let ids: Vec<_> = first.iter().chain(&second).map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["ca_4", "ca_3", "ca_2", "ca_1", "ca_0"]);
    assert_eq!(first[0].token_name.as_deref(), Some("ci"));
    assert_eq!((first[0].ms, first[0].waited_ms), (12, 700));
    let other = store.read(&Scope { workspace: "other".into(), ..here.clone() });
    assert!(other.calls("cn_0001", &Before::end(), 3).await.unwrap().is_empty());
    assert!(other.usage_by_time("cn_0001", 0, 60_000).await.unwrap().is_empty());
    assert_eq!(other.told_budget("cn_0001").await.unwrap(), None);
    assert_eq!(other.stop("cn_0001").await.unwrap(), None);

    for want in [true, false] {
        let mut tx = store.begin(here).await.unwrap();
        assert_eq!(tx.prune_usage(102, 60_000, 3).await.unwrap(), want);
        tx.commit().await.unwrap();
    }
    assert_eq!(read.calls("cn_0001", &Before::end(), 9).await.unwrap().len(), 1);
    assert_eq!(read.usage_cost("cn_0001", 0).await.unwrap(), 40);
}

/// The audit log is read backwards, with the names of what it tells of.
async fn audit(store: &Store, here: &Scope) {
    let by_token = Scope { actor: "token:tk_1".into(), now: 2_000, ..here.clone() };
    let mut tx = store.begin(&by_token).await.unwrap();
    tx.audit("au_2", "connection.rename", "cn_0001", "{}", None).await.unwrap();
    tx.audit("au_3", "access_token.revoke", "tk_1", "{}", Some("::1")).await.unwrap();
    for (subject, client, since, want) in [
        ("tk_1", Some("::1"), 2_000, true),
        ("tk_1", Some("::1"), 2_001, false),
        ("tk_1", None, 2_000, false),
        ("cn_0001", Some("::1"), 2_000, false),
    ] {
        assert_eq!(tx.is_audited("access_token.revoke", subject, client, since).await.unwrap(), want);
    }
    tx.commit().await.unwrap();
    let read = store.read(here);
    let ids = async |subject: &str, actor: &str| {
        let rows = read.audit(subject, actor, &Before::end(), 9).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(ids("", "").await, ["au_3", "au_2", "au_1"]);
    assert_eq!(ids("cn_0001", "").await, ["au_2", "au_1"]);
    assert_eq!(ids("", "token:tk_1").await, ["au_3", "au_2"]);
    assert_eq!(ids("cn_0001", "session").await, ["au_1"]);
    let rows = read.audit("", "", &Before { at: 2_000, id: "au_3".into() }, 1).await.unwrap();
    assert_eq!((rows[0].id.as_str(), rows[0].connection_name.as_deref()), ("au_2", Some("Renamed")));
    assert_eq!(
        (rows[0].actor_name.as_deref(), rows[0].connection_slug.as_deref()),
        (Some("ci"), Some("slug-1"))
    );
    let other = store.read(&Scope { workspace: "other".into(), ..here.clone() });
    assert!(other.audit("", "", &Before::end(), 9).await.unwrap().is_empty());
}

/// Pages forwards and backwards give the same rows, whatever is looked for.
async fn list(store: &Store) {
    let here = scope("one", 1);
    for n in 10..35 {
        insert(store, &here, &new(n, &format!("Name {}", if n % 5 == 0 { "same" } else { "x" }))).await;
    }
    insert(store, &here, &new(40, "100% Größe_")).await;
    let mut tx = store.begin(&here).await.unwrap();
    for n in 10..20 {
        assert!(tx.set_outcome(&format!("cn_{n:04}"), 1, &outcome("valid", 1)).await.unwrap());
    }
    tx.delete_connection("cn_0034", 5).await.unwrap();
    tx.commit().await.unwrap();
    let filter = |search: &str, status: &str, connector: &str, deleted| ListFilter {
        search: search.into(),
        status: status.into(),
        connector: connector.into(),
        deleted,
        only: None,
    };
    let only = |ids: &[&str]| ListFilter {
        only: Some(ids.iter().map(|&id| id.into()).collect()),
        ..ListFilter::default()
    };
    for (filter, want) in [
        (filter("", "", "", false), 25),
        (filter("", "", "", true), 1),
        (filter("", "valid", "", false), 10),
        (filter("", "attention", "", false), 15),
        (filter("", "unverified", "", false), 15),
        (filter("", "invalid", "", false), 0),
        (filter("", "", "pipedrive", false), 13),
        (filter("", "valid", "pipedrive", false), 5),
        (filter("searched", "", "", false), 10),
        (filter("0% größe_", "", "", false), 1),
        (filter("100%  acme", "", "", false), 1),
        (filter("_ame", "", "", false), 0),
        (filter("nothing", "", "", false), 0),
        (only(&["cn_0010", "cn_0012", "cn_0099"]), 2),
        (only(&["cn_001", "_", "%", "cn_0034"]), 0),
        (only(&[]), 0),
    ] {
        let (mut seen, mut cursor, mut last) = (Vec::new(), None::<Cursor>, None);
        loop {
            let page = store.read(&here).list_connections(&filter, cursor.as_ref(), 4).await.unwrap();
            seen.extend(page.rows.iter().map(|row| row.id.clone()));
            last = page.previous.or(last);
            let Some(next) = page.next else { break };
            cursor = Some(next);
        }
        assert_eq!(seen.len(), want, "{filter:?}");
        let (mut back, mut cursor) = (Vec::new(), last);
        while let Some(before) = cursor {
            let page = store.read(&here).list_connections(&filter, Some(&before), 4).await.unwrap();
            back.splice(0..0, page.rows.iter().map(|row| row.id.clone()));
            cursor = page.previous;
        }
        assert!(seen.starts_with(&back) && (want <= 4 || !back.is_empty()), "{filter:?} {back:?}");
    }
    let counts = store.read(&here).count_connections(12, None).await.unwrap();
    assert_eq!((counts.all, counts.attention, counts.deleted), (12, 12, 1));
    let two = ["cn_0012".to_owned(), "cn_0022".to_owned()];
    let counts = store.read(&here).count_connections(12, Some(&two)).await.unwrap();
    assert_eq!((counts.all, counts.attention, counts.deleted), (2, 1, 0));
}

/// A job is had by one worker, until its lease ends.
async fn jobs(store: &Store) {
    let here = scope("other", 1);
    let mut tx = store.begin(&here).await.unwrap();
    for n in 0..20 {
        tx.schedule_job("verify", &format!("j{n}"), 50).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mine = |jobs: Vec<keyhaven_store::JobRow>| {
        jobs.into_iter().filter(|job| job.workspace == "other").map(|job| job.subject)
    };
    let (a, b, c) =
        tokio::join!(store.claim_due(60, 160, 9), store.claim_due(60, 160, 9), store.claim_due(60, 160, 9));
    let mut taken: Vec<_> = [a, b, c].into_iter().flat_map(|jobs| mine(jobs.unwrap())).collect();
    taken.extend(mine(store.claim_due(60, 160, 50).await.unwrap()));
    taken.sort();
    let count = taken.len();
    taken.dedup();
    assert_eq!((taken.len(), count), (20, 20));
    assert!(store.claim_due(159, 300, 50).await.unwrap().is_empty());
    let back = store.claim_due(160, 300, 50).await.unwrap();
    assert!(back.iter().filter(|job| job.workspace == "other").all(|job| job.attempts == 2));
    let mut tx = store.begin(&here).await.unwrap();
    for n in 0..20 {
        tx.finish_job("verify", &format!("j{n}")).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Whatever statement there is, the database knows its tables and columns.
async fn prepare(opened: &Opened) {
    use sqlx::{AnyConnection, Connection, Executor};
    let kind = opened.store.kind();
    let url = match opened.url.strip_prefix("sqlite:") {
        Some(path) => {
            format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F").replace('#', "%23"))
        }
        None => opened.url.clone(),
    };
    let mut connection = AnyConnection::connect(&url).await.unwrap();
    let all = statements(kind);
    assert!(all.len() > 50, "{}", all.len());
    for (name, sql) in all {
        let prepared = (&mut connection).prepare(sqlx::AssertSqlSafe(sql).into_sql_str()).await;
        assert!(prepared.is_ok(), "{kind} {name}: {:?}", prepared.err());
    }
}

use sqlx::SqlSafeStr;

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    story(sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    let opened = postgres().await;
    assert_eq!(opened.store.kind(), Kind::Postgres);
    story(opened).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_wait_for_each_other() {
    let opened = sqlite().await;
    let store = std::sync::Arc::new(opened.store);
    store.ensure_workspace("one", "W", 1).await.unwrap();
    // Another process on the same file.
    let second = std::sync::Arc::new(Store::open(&opened.url).await.unwrap());
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let store = if n % 2 == 0 { store.clone() } else { second.clone() };
            tokio::spawn(async move { insert(&store, &scope("one", 1), &new(n, "N")).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.read(&scope("one", 1)).count_connections(100, None).await.unwrap().all, 40);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    use sqlx::{AnyConnection, Connection, Executor};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k.db");
    let url = format!("sqlite:{}", path.display());
    Store::open(&url).await.unwrap().close().await;
    let mut connection = AnyConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    connection.execute("INSERT INTO schema_versions VALUES (99)").await.unwrap();
    assert!(matches!(Store::open(&url).await, Err(StoreError::TooNew { found: 99, .. })));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(Store::open("mysql://x").await, Err(StoreError::Url)));
}
