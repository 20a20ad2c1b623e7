//! What happens while nobody looks: the same story on both databases, by a clock that we set.

use std::time::Duration;

use keyhaven_core::{
    Connection, Error, Status,
    connections::{self, Change, IfOtherAccount, Removal},
    jobs, sign_in, tokens,
};
use keyhaven_sandbox::Mode;
use tokio::{sync::watch, time::sleep};

use crate::ground::{DAY, GOOD, Ground, HOUR, MINUTE, Server, postgres};

struct House {
    ground: Ground,
    server: Server,
}

impl House {
    async fn new(database: Option<String>) -> Self {
        let ground = Ground::new(database).await;
        Self { server: ground.server().await, ground }
    }

    async fn get(&self, id: &str) -> Result<Connection, Error> {
        connections::get(&self.server.app, &self.server.ctx, id).await
    }

    fn asked(&self) -> usize {
        self.ground.sandbox.state().asked().len()
    }
}

async fn story(database: Option<String>) {
    let house = House::new(database).await;
    let made = house.server.connect("Sales EU").await;
    assert_eq!((made.status, house.asked()), (Status::Valid, 1));
    let wait = made.next_check_at.unwrap() - house.server.now();
    assert!((5 * HOUR..7 * HOUR).contains(&wait), "spread around six hours, not {wait}");

    // Nothing is due yet; after six hours it is, once.
    house.server.pass_and_work(HOUR).await;
    assert_eq!(house.asked(), 1);
    house.server.pass_and_work(6 * HOUR).await;
    assert_eq!(house.asked(), 2);

    // An outage: it stays ✓, and the pauses grow.
    house.ground.sandbox.state().set_mode(GOOD, Mode::Maintenance);
    house.server.pass_and_work(7 * HOUR).await;
    let mut waits = Vec::new();
    for _ in 0..4 {
        let it = house.get(&made.id).await.unwrap();
        assert_eq!(it.status, Status::Valid);
        assert!(it.could_not_recheck.is_some());
        waits.push(it.next_check_at.unwrap() - house.server.now());
        house.server.pass_and_work(*waits.last().unwrap() + 1000).await;
    }
    assert!(waits.is_sorted() && waits[0] <= 2 * MINUTE && waits[3] > 10 * MINUTE, "{waits:?}");

    // The key was revoked meanwhile: ! without anybody asking; and back.
    house.ground.sandbox.state().set_mode(GOOD, Mode::Unauthorized);
    house.server.pass_and_work(2 * HOUR).await;
    assert_eq!(house.get(&made.id).await.unwrap().status, Status::Invalid);
    house.ground.sandbox.state().set_mode(GOOD, Mode::Ok);
    house.server.pass_and_work(7 * HOUR).await;
    assert_eq!(house.get(&made.id).await.unwrap().status, Status::Valid);

    // A worker that died holds its job for a minute, and no longer.
    let before = house.asked();
    house.server.pass(7 * HOUR);
    let (stop, stopped) = watch::channel(false);
    house.ground.sandbox.state().set_mode(GOOD, Mode::Slow);
    let worker = tokio::spawn(jobs::run(house.server.app.clone(), stopped));
    sleep(Duration::from_millis(300)).await;
    worker.abort();
    drop(stop);
    house.ground.sandbox.state().set_mode(GOOD, Mode::Ok);
    let tried = house.asked();
    assert!(tried > before);
    house.server.pass_and_work(10_000).await;
    assert_eq!(house.asked(), tried);
    house.server.pass_and_work(MINUTE).await;
    assert_eq!(house.asked(), tried + 1);

    // Deleted ones are left alone, and destroyed after 30 days, with their history.
    let other = house.server.connect("Other").await;
    connections::delete(&house.server.app, &house.server.ctx, &other.id, Removal::Trash).await.unwrap();
    house.server.pass_and_work(29 * DAY).await;
    let trashed = house.get(&other.id).await.unwrap();
    assert!(trashed.deleted_at.is_some());
    house.server.pass_and_work(2 * DAY).await;
    assert!(matches!(house.get(&other.id).await, Err(Error::NotFound { .. })));

    // 90 days are remembered, and no more.
    let days = connections::history(&house.server.app, &house.server.ctx, &made.id).await.unwrap();
    assert!(days.iter().map(|day| day.valid).sum::<i64>() > 3);
    let now = connections::recent(&house.server.app, &house.server.ctx, &made.id, 100).await.unwrap().len();
    house.server.pass_and_work(100 * DAY).await;
    house.server.pass_and_work(DAY).await;
    let later = connections::recent(&house.server.app, &house.server.ctx, &made.id, 100).await.unwrap();
    assert!(later.len() < now && later.iter().all(|check| check.at > house.server.now() - 91 * DAY));

    // A change that was made while the app was asked wins: the answer is about values that are no more.
    house.ground.sandbox.state().set_mode(GOOD, Mode::Ok);
    house
        .ground
        .sandbox
        .state()
        .set_token(GOOD, keyhaven_sandbox::TokenSettings { latency_ms: Some(400), ..Default::default() });
    let change = Change {
        name: Some("Renamed".into()),
        fields: None,
        revision: None,
        if_other_account: IfOtherAccount::Refuse,
    };
    let (verified, renamed) =
        tokio::join!(connections::verify(&house.server.app, &house.server.ctx, &made.id), async {
            sleep(Duration::from_millis(100)).await;
            connections::change(&house.server.app, &house.server.ctx, &made.id, change).await
        });
    assert_eq!((verified.unwrap().name, renamed.unwrap().name), ("Renamed".into(), "Renamed".into()));

    // Links and sessions end by themselves.
    let link = sign_in::issue_link(&house.server.app, &house.server.ctx).await.unwrap();
    let session = sign_in::redeem(&house.server.app, link.expose(), None).await.unwrap();
    assert!(sign_in::redeem(&house.server.app, link.expose(), None).await.is_err());
    assert!(sign_in::session(&house.server.app, session.expose(), None).await.is_ok());
    let late = sign_in::issue_link(&house.server.app, &house.server.ctx).await.unwrap();
    house.server.pass(31 * DAY);
    assert!(sign_in::session(&house.server.app, session.expose(), None).await.is_err());
    assert!(sign_in::redeem(&house.server.app, late.expose(), None).await.is_err());
    let ci = tokens::NewToken { name: "ci".into(), expires_at: "1d".into(), ..Default::default() };
    let (_, token) = tokens::create(&house.server.app, &house.server.ctx, ci).await.unwrap();
    assert!(tokens::authenticate(&house.server.app, token.expose(), None).await.is_ok());
    house.server.pass(2 * DAY);
    assert!(tokens::authenticate(&house.server.app, token.expose(), None).await.is_err());
    house.server.pass(-2 * DAY);
    assert!(tokens::authenticate(&house.server.app, token.expose(), None).await.is_ok());
    tokens::revoke(&house.server.app, &house.server.ctx, "ci").await.unwrap();
    assert!(tokens::authenticate(&house.server.app, token.expose(), None).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    story(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    story(Some(postgres().await)).await;
}
