//! The program on PostgreSQL, and without it.

use std::{
    io,
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

use crate::common::{GOOD, House, Server};

fn start(house: &House, url: &str) -> Server {
    let mut made = house.command(&["token", "create", "--name", "pg"]);
    let token = crate::common::run(made.env("KEYHAVEN_DATABASE", url), "");
    let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
    let mut command = house.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("KEYHAVEN_DATABASE", url);
    Server::start(command, token)
}

/// Two servers on one database, and a restart.
#[test]
fn it_works_on_postgres() {
    let house = House::new();
    let url = keyhaven_testkit::Postgres::shared().create_database();
    let (one, two) = (start(&house, &url), start(&house, &url));
    let id = one.create("Sales EU", GOOD, "")["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/connections/{id}");
    let seen = two.api("POST", &format!("{path}/verify"), &Value::Null).json();
    assert_eq!((&seen["status"], &seen["fields"]["domain"]), (&json!("valid"), &json!("acme")));
    // What PostgreSQL does not take in a text never gets there.
    let cookie = one.sign_in(&one.link);
    assert_eq!(one.page(&cookie, "/connections/%00").status, 404);
    assert_eq!(one.api("GET", "/api/v1/connections/%00", &Value::Null).status, 404);
    assert_eq!(one.api("GET", "/api/v1/connections?q=%00", &Value::Null).status, 400);
    one.stop();
    two.stop();
    let again = start(&house, &url);
    let history = again.api("GET", &format!("{path}/history"), &Value::Null).json();
    assert_eq!(history["days"][89]["valid"], 2);
    assert_eq!(again.api("DELETE", &format!("{path}?destroy=true"), &Value::Null).status, 204);
}

/// Whoever asks while the database is away hears so, soon, and in a problem document; afterwards all goes on.
#[test]
fn a_database_that_is_away_is_told_and_waited_for() {
    let house = House::new();
    let url = keyhaven_testkit::Postgres::shared().create_database();
    let wire = Wire::to(&url);
    let server = start(&house, &wire.url);
    let made = server.create("Sales EU", GOOD, "acme");
    let get =
        |path: &str| server.send("GET", path, &[("authorization", &format!("Bearer {}", server.token))], b"");
    assert_eq!(get("/readyz").status, 200);

    wire.cut(true);
    assert_eq!(get("/healthz").status, 200);
    for path in ["/readyz", "/api/v1/connections", "/api/v1/connections/sales-eu", "/metrics"] {
        let answer = get(path);
        assert_eq!(answer.status, 503, "{path}: {} {}", answer.text, server.log());
        let problem = answer.json();
        assert_eq!(problem["code"], "database_unavailable", "{path}");
        // What the driver says is for the log.
        assert!(
            problem["detail"].as_str().unwrap().starts_with("The database does not answer."),
            "{problem}"
        );
        assert_eq!(answer.headers["retry-after"], "5");
    }

    wire.cut(false);
    let back = get("/api/v1/connections");
    assert_eq!((back.status, &back.json()["items"][0]["id"]), (200, &made["id"]));
    assert_eq!(get("/readyz").status, 200);
}

/// The way to the database, which can be cut.
struct Wire {
    url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    is_cut: bool,
    open: Vec<TcpStream>,
}

impl Wire {
    fn to(url: &str) -> Self {
        let (start, rest) = url.rsplit_once('@').unwrap();
        let (host, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{start}@{}/{database}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, host) = (state.clone(), host.to_owned());
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let mut state = shared.lock().unwrap();
                if state.is_cut {
                    continue;
                }
                let far = TcpStream::connect(&host).unwrap();
                state.open.extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
                copy(near.try_clone().unwrap(), far.try_clone().unwrap());
                copy(far, near);
            }
        });
        Self { url, state }
    }

    fn cut(&self, cut: bool) {
        let mut state = self.state.lock().unwrap();
        state.is_cut = cut;
        for stream in state.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
