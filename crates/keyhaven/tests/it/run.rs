//! `keyhaven run` with the programs that people have: curl, wget, Python and Node, whose addresses are hard-coded.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
    sync::Arc,
    thread,
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;

use crate::{
    common::{GOOD, House, Server, run},
    request::App,
};

const ME: &str = "https://acme.pipedrive.com/api/v1/users/me";

struct Place {
    house: House,
    server: Option<Server>,
}

impl Place {
    fn new(far: bool) -> Self {
        let house = House::new();
        let made = house
            .run(&["connect", "pipedrive", "--name", "Sales EU", "--domain", "acme", "--key-stdin"], GOOD);
        assert!(made.status.success());
        let server = far.then(|| house.serve(&[]));
        Self { house, server }
    }

    fn command(&self, flags: &[&str], program: &[&str]) -> Command {
        let mut command = self.house.command(&[&["run"], flags, &["sales-eu", "--"], program].concat());
        command
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.house.data.path())
            .env("PIPEDRIVE_API_TOKEN", "a-real-key-of-the-parent")
            .env("NO_PROXY", "acme.pipedrive.com")
            .env("no_proxy", "*")
            .env("KEYHAVEN_MASTER_KEY", "")
            .env("KEYHAVEN_SYNC_TO", "postgres://me:s3cret@localhost/crm");
        if let Some(server) = &self.server {
            command
                .env("KEYHAVEN_SERVER", &server.url)
                .env("KEYHAVEN_TOKEN", &server.token)
                .env("KEYHAVEN_DATA", "/nonexistent");
        }
        command
    }

    fn run(&self, program: &[&str]) -> Output {
        run(&mut self.command(&[], program), "")
    }

    /// What a program prints that ends well, and whose output never holds the key.
    fn prints(&self, program: &[&str]) -> String {
        let output = self.run(program);
        let (text, said) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{program:?}: {} {text} {said}", output.status);
        assert!(!text.contains(GOOD) && !said.contains(GOOD), "{program:?}: {text} {said}");
        text
    }
}

fn each(test: impl Fn(&Place)) {
    for far in [false, true] {
        test(&Place::new(far));
    }
}

fn is_ada(text: &str) {
    let me: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("{text}"));
    assert_eq!(me["data"]["name"], "Ada", "{text}");
}

#[test]
fn curl_works_unchanged() {
    each(|place| {
        is_ada(&place.prints(&["curl", "-sS", ME]));
        is_ada(&place.prints(&["curl", "-sS", "--http1.1", "https://api.pipedrive.com/v1/users/me"]));
        // Whatever it shows as its key is taken out.
        let mine = "x-api-token: kh_some-token-of-its-own";
        is_ada(&place.prints(&["curl", "-sS", "-H", mine, "-H", "Authorization: Bearer x", ME]));
        is_ada(&place.prints(&["curl", "-sS", &format!("{ME}?api_token=wrong")]));
        let asked = place.house.sandbox.state().asked();
        assert!(asked.iter().all(|one| one.key_in == "header"), "{asked:?}");
    });
}

#[test]
fn bodies_pass_in_either_version_of_http() {
    let (place, app) = (Place::new(false), App::start());
    for version in ["--http1.1", "--http2"] {
        let upload =
            format!("head -c 3000000 /dev/zero | curl -sS {version} -T - https://acme.pipedrive.com/files/x");
        let mut command = place.command(&[], &["sh", "-c", &upload]);
        command.env("KEYHAVEN_EGRESS_OVERRIDE", format!("*.pipedrive.com=http://{}", app.address));
        let got: Value = serde_json::from_slice(&run(&mut command, "").stdout).unwrap();
        assert_eq!((&got["length"], &got["key"]), (&3_000_000.into(), &GOOD.into()));
    }
}

#[test]
fn wget_works_unchanged_and_keeps_its_settings() {
    each(|place| {
        is_ada(&place.prints(&["wget", "-qO-", ME]));
        let settings = place.house.data.path().join(".wgetrc");
        fs::write(settings, "quiet = on\noutput_document = -\nuse_proxy = off").unwrap();
        is_ada(&place.prints(&["wget", ME]));
    });
}

#[test]
fn python_requests_works_unchanged() {
    let program = format!(
        "import os, requests\nr = requests.get('{ME}', headers={{'x-api-token': os.environ['PIPEDRIVE_API_TOKEN']}})\nprint(r.text)"
    );
    each(|place| is_ada(&place.prints(&["python3", "-c", &program])));
}

#[test]
fn node_works_unchanged() {
    let key = "{ headers: { 'x-api-token': process.env.PIPEDRIVE_API_TOKEN } }";
    let fetch = format!("fetch('{ME}', {key}).then(a => a.text()).then(t => console.log(t))");
    let get = format!(
        "const https = require('node:https'); let t = ''; \
         https.get('{ME}', {key}, a => a.on('data', d => t += d).on('end', () => console.log(t)))"
    );
    let agent = format!(
        "const https = require('node:https'); let t = ''; const agent = new https.Agent({{ keepAlive: true }}); \
         https.request('{ME}', {{ agent }}, a => a.on('data', d => t += d).on('end', () => {{ console.log(t); agent.destroy(); }})).end()"
    );
    each(|place| {
        [&fetch, &get, &agent].into_iter().for_each(|program| is_ada(&place.prints(&["node", "-e", program])))
    });
}

#[test]
fn the_program_sees_a_placeholder_and_nothing_of_keyhavens() {
    each(|place| {
        let environment = place.prints(&["env"]);
        let of = |name: &str| {
            let line = environment.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
            line.map(str::to_owned)
        };
        let key = of("PIPEDRIVE_API_TOKEN").unwrap();
        assert!(key.len() == 40 && key.starts_with("keyhaven"), "{key}");
        for gone in ["NO_PROXY", "no_proxy"] {
            assert_eq!(of(gone), None, "{gone}");
        }
        for gone in ["kh_", "a-real-key", "KEYHAVEN_", "s3cret"] {
            assert!(!environment.contains(gone), "{environment}");
        }
        assert_eq!(of("HTTPS_PROXY"), of("https_proxy"));
        // The folder of the certificates is for nobody else, holds no private key, and is gone afterwards.
        let look =
            "stat -c %a $(dirname $SSL_CERT_FILE); cat $(dirname $SSL_CERT_FILE)/*; dirname $SSL_CERT_FILE";
        let shown = place.prints(&["sh", "-c", look]);
        assert!(shown.starts_with("700\n") && !shown.contains("PRIVATE KEY"), "{shown}");
        assert!(!std::path::Path::new(shown.lines().last().unwrap()).exists());
    });
}

#[test]
fn its_end_is_the_programs() {
    let place = Place::new(false);
    assert_eq!(place.run(&["sh", "-c", "exit 7"]).status.code(), Some(7));
    assert_eq!(place.run(&["sh", "-c", "kill -9 $$"]).status.code(), Some(128 + 9));
    let none = place.run(&["no-such-program"]);
    let said = String::from_utf8(none.stderr).unwrap();
    assert!(
        none.status.code() == Some(127) && said.contains("no-such-program") && said.contains("PATH"),
        "{said}"
    );
    let quiet = place.run(&["sh", "-c", "echo out; echo err >&2"]);
    assert_eq!((quiet.stdout.as_slice(), quiet.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    for name in ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2"] {
        let program = format!("trap 'echo got; exit 9' {name}; echo ready; while :; do sleep 0.05; done");
        let mut command = place.command(&[], &["sh", "-c", &program]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), "got", "{name}");
        assert_eq!(child.wait().unwrap().code(), Some(9), "{name}");
    }
}

#[test]
fn other_hosts_are_untouched_or_refused() {
    let place = Place::new(false);
    let (port, pem) = stranger();
    let ca = place.house.data.path().join("stranger.pem");
    std::fs::write(&ca, pem).unwrap();
    let url = format!("https://localhost:{port}/");
    let ask = ["curl", "-sS", "--cacert", ca.to_str().unwrap(), &url];
    // Its own certificate comes through.
    assert_eq!(place.prints(&ask), "hello");
    let strict = run(&mut place.command(&["--strict"], &ask), "");
    assert!(!strict.status.success() && strict.stdout.is_empty());
    let shown = format!("curl -sS --proxytunnel -v {url} 2>&1");
    let said =
        String::from_utf8(run(&mut place.command(&["--strict"], &["sh", "-c", &shown]), "").stdout).unwrap();
    assert!(said.contains("403"), "{said}");
    // Clear text is no way round, neither for curl nor for Python.
    let curl = "curl -sS http://localhost:9/";
    let python = "python3 -c 'import urllib.request as u, urllib.error as e\ntry: u.urlopen(\"http://localhost:9/\")\nexcept e.HTTPError as it: print(it.read().decode())'";
    for plain in [curl, python] {
        let strict = run(&mut place.command(&["--strict"], &["sh", "-c", plain]), "");
        let said = String::from_utf8(strict.stdout).unwrap();
        assert!(said.contains("localhost:9 is none of them"), "{plain}: {said}");
    }
    is_ada(
        &String::from_utf8(run(&mut place.command(&["--strict"], &["curl", "-sS", ME]), "").stdout).unwrap(),
    );
    let verbose = run(&mut place.command(&["--verbose"], &["curl", "-sS", ME]), "");
    assert!(
        String::from_utf8(verbose.stderr).unwrap().contains("GET https://acme.pipedrive.com/api/v1/users/me")
    );
}

#[test]
fn the_loopback_proxy_is_for_the_program_alone() {
    let place = Place::new(false);
    let without =
        "curl -sS -o /dev/null -w '%{http_connect}' -x ${HTTPS_PROXY#*@} https://acme.pipedrive.com/ || true";
    assert_eq!(place.prints(&["sh", "-c", without]), "407");
    let wrong = without.replace("-x ${HTTPS_PROXY#*@}", "-x http://keyhaven:0000@${HTTPS_PROXY#*@}");
    assert_eq!(place.prints(&["sh", "-c", &wrong]), "407");
    // Clear text would show the answers to everybody on the way.
    let plain = "curl -sS -x $HTTPS_PROXY http://acme.pipedrive.com/api/v1/users/me";
    assert!(place.prints(&["sh", "-c", plain]).contains("Write https://acme.pipedrive.com"));
    // A host that was opened is not a door to another one.
    let other = place.prints(&["curl", "-sS", "-H", "Host: api.pipedrive.com", ME]);
    assert!(other.contains("names another host"), "{other}");
    let gone = place.house.run(&["run", "nobody", "--", "true"], "");
    assert_eq!(gone.status.code(), Some(1));
    assert_eq!(place.house.run(&["run", "sales-eu"], "").status.code(), Some(2));
}

/// A server with a certificate of its own; its port and certificate.
fn stranger() -> (u16, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let (send, port) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            send.send(listener.local_addr().unwrap().port()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let _ = stream.read(&mut [0; 4096]).await;
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            }
        });
    });
    (port.recv().unwrap(), cert.pem())
}
