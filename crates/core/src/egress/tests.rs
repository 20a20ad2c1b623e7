//! The door on a real network, with real TLS: who answers wrongly, and what is made of it.

use std::{
    io::Write,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(issuer.pem().as_bytes()).unwrap();
        Self { issuer, file }
    }

    fn acceptor(&self, name: &str, expired: bool) -> TlsAcceptor {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        if expired {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        }
        let key = KeyPair::generate().unwrap();
        let certificate: CertificateDer<'static> = params.signed_by(&key, &self.issuer).unwrap().into();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        TlsAcceptor::from(Arc::new(
            config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap(),
        ))
    }
}

/// Listens; each connection is answered with these bytes, over TLS where there is an acceptor.
async fn server(
    tls: Option<TlsAcceptor>,
    answer: Vec<u8>,
    stay_open: bool,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, answer, count) = (tls.clone(), answer.clone(), count.clone());
            tokio::spawn(async move {
                match tls {
                    Some(tls) => {
                        let Ok(mut stream) = tls.accept(stream).await else { return };
                        speak(&mut stream, &answer, stay_open, &count).await;
                    }
                    None => speak(&mut { stream }, &answer, stay_open, &count).await,
                }
            });
        }
    });
    (address, seen)
}

/// Speaks first, and nothing that anybody understands.
async fn garbage() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"220 mail.test ESMTP\r\n").await;
            let _ = stream.read(&mut [0; 4096]).await;
        }
    });
    address
}

async fn speak<S: AsyncReadExt + AsyncWriteExt + Unpin>(
    stream: &mut S,
    answer: &[u8],
    stay: bool,
    count: &AtomicUsize,
) {
    let mut request = vec![0; 4096];
    let length = stream.read(&mut request).await.unwrap_or(0);
    count.fetch_add(1, Ordering::SeqCst);
    assert!(
        String::from_utf8_lossy(&request[..length]).to_lowercase().contains("host: acme.test"),
        "the host is kept"
    );
    let _ = stream.write_all(answer).await;
    let _ = stream.flush().await;
    if stay {
        tokio::time::sleep(20 * SECOND).await;
    }
    let _ = stream.shutdown().await;
}

fn sent_to(scheme: &str, to: SocketAddr) -> Vec<Override> {
    Override::parse_list(&format!("acme.test={scheme}://{to}")).unwrap()
}

fn egress(scheme: &str, to: SocketAddr, authority: Option<&Authority>) -> Egress {
    let extra_ca = authority.map(|authority| authority.file.path().to_owned());
    Egress::new(EgressConfig { overrides: sent_to(scheme, to), extra_ca, ..EgressConfig::default() }).unwrap()
}

async fn ask(egress: &Egress, url: &str, within: Duration) -> Result<Answer, Fault> {
    ask_by(http::Method::GET, egress, url, within).await
}

async fn ask_by(method: http::Method, egress: &Egress, url: &str, within: Duration) -> Result<Answer, Fault> {
    let url = Url::parse(url).unwrap();
    let allowed =
        AllowedHost { host: url.host_str().unwrap().into(), port: url.port_or_known_default().unwrap() };
    egress.send(&[allowed], OutRequest { method, url, headers: http::HeaderMap::new() }, within).await
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn certificates_are_checked() {
    let (good, stranger) = (Authority::new(), Authority::new());
    for (issuer, name, expired, want) in [
        (&good, "acme.test", false, Ok(200)),
        (&good, "other.test", false, Err(Fault::Tls)),
        (&good, "acme.test", true, Err(Fault::Tls)),
        (&stranger, "acme.test", false, Err(Fault::Tls)),
    ] {
        let (address, seen) = server(Some(issuer.acceptor(name, expired)), ok("hi"), false).await;
        let got = ask(&egress("https", address, Some(&good)), "https://acme.test/x", 5 * SECOND).await;
        assert_eq!(got.map(|answer| answer.status), want, "{name} {expired}");
        // The request, and the key in it, only goes out when the other side has proven who it is.
        assert_eq!(seen.load(Ordering::SeqCst), usize::from(want.is_ok()));
    }
    // Without the file its authority is as unknown as any.
    let (address, _) = server(Some(good.acceptor("acme.test", false)), ok("hi"), false).await;
    let got = ask(&egress("https", address, None), "https://acme.test/", 5 * SECOND).await;
    assert_eq!(got.err(), Some(Fault::Tls));
    // Somebody who speaks no TLS, and somebody who hangs up during the handshake.
    let plain = garbage().await;
    let got = ask(&egress("https", plain, Some(&good)), "https://acme.test/", 5 * SECOND).await;
    assert_eq!(got.err(), Some(Fault::Tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closing = listener.local_addr().unwrap();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    assert_eq!(
        ask(&egress("https", closing, Some(&good)), "https://acme.test/", 5 * SECOND).await.err(),
        Some(Fault::Tls)
    );
}

#[tokio::test]
async fn faults_are_told_apart() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n".to_vec();
    let huge =
        [b"HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n".to_vec(), vec![b'x'; 2_000_000]].concat();
    // No length is told, and there is no end.
    let mut chunks = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    chunks.extend(format!("1000\r\n{}\r\n", "x".repeat(0x1000)).repeat(300).into_bytes());
    for (answer, stay, want) in [
        (b"\x16\x03 garbage\r\n\r\n".to_vec(), false, Fault::Broken),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec(), false, Fault::Broken),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx".to_vec(),
            false,
            Fault::Broken,
        ),
        ([&b"HTTP/1.1 200 OK\r\nx: "[..], &vec![b'x'; 2_000_000]].concat(), true, Fault::Broken),
        (Vec::new(), false, Fault::Broken),
        (head.clone(), false, Fault::Broken),
        (head, true, Fault::TimedOut),
        (Vec::new(), true, Fault::TimedOut),
        (huge, false, Fault::TooLarge),
        (chunks, true, Fault::TooLarge),
    ] {
        let (address, _) = server(None, answer, stay).await;
        let got = ask(&egress("http", address, None), "https://acme.test/", SECOND).await;
        assert_eq!(got.err(), Some(want));
    }
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(
        ask(&egress("http", free, None), "https://acme.test/", SECOND).await.err(),
        Some(Fault::Connect)
    );
    let nowhere = Egress::new(EgressConfig::default()).unwrap();
    assert_eq!(ask(&nowhere, "https://no-such-host.invalid/", 5 * SECOND).await.err(), Some(Fault::Dns));
}

#[tokio::test]
async fn as_many_headers_pass_as_apps_send() {
    for (count, want) in [(150, Ok(150)), (500, Ok(500)), (600, Err(Fault::Broken))] {
        let more: String = (0..count).map(|n| format!("x-{n}: 1\r\n")).collect();
        for framing in ["content-length: 0\r\n\r\n", "transfer-encoding: chunked\r\n\r\n0\r\n\r\n"] {
            let answer = format!("HTTP/1.1 200 OK\r\n{more}{framing}").into_bytes();
            let (address, _) = server(None, answer, false).await;
            let got = ask(&egress("http", address, None), "https://acme.test/", SECOND).await;
            let sent =
                |answer: Answer| answer.headers.keys().filter(|it| it.as_str().starts_with("x-")).count();
            assert_eq!(got.map(sent), want);
        }
    }
}

#[tokio::test]
async fn no_trick_outlasts_the_limits() {
    // Drips its body, each byte soon enough to look alive.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dripping = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n").await;
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(SECOND / 20).await;
            }
        }
    });
    // Accepts and says nothing: neither TLS nor HTTP begins.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = (silent.local_addr().unwrap(), silent);
    for (scheme, to, header_timeout, within) in [
        ("http", dripping, 9 * SECOND, SECOND / 2),
        ("http", silent.0, 9 * SECOND, SECOND / 2),
        ("https", silent.0, 9 * SECOND, SECOND / 2),
        ("http", silent.0, SECOND / 2, 60 * SECOND),
        ("https", silent.0, SECOND / 2, 60 * SECOND),
    ] {
        let config =
            EgressConfig { overrides: sent_to(scheme, to), header_timeout, ..EgressConfig::default() };
        let egress = Egress::new(config).unwrap();
        let asked = ask(&egress, "https://acme.test/", within);
        let got = timeout(30 * SECOND, asked).await.expect("it ends by itself");
        assert_eq!(got.err(), Some(Fault::TimedOut), "{scheme}");
    }
}

#[tokio::test]
async fn a_connection_serves_the_next_question_and_a_read_outlives_its_end() {
    use http::Method;
    for (method, kept, second, want) in [
        (Method::POST, ok("hi"), Vec::new(), Ok(2)),
        (Method::GET, Vec::new(), ok("hi"), Ok(3)),
        (Method::HEAD, Vec::new(), ok(""), Ok(3)),
        // Once only, and only what does no harm.
        (Method::GET, Vec::new(), Vec::new(), Err(3)),
        (Method::POST, Vec::new(), ok("hi"), Err(2)),
        // An answer had begun.
        (Method::GET, b"HTTP/1.1 20".to_vec(), ok("hi"), Err(2)),
        (Method::GET, b"garbage\r\n\r\n".to_vec(), ok("hi"), Err(2)),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let egress = egress("http", listener.local_addr().unwrap(), None);
        let heard = Arc::new(AtomicUsize::new(0));
        tokio::spawn({
            let heard = heard.clone();
            async move {
                // Of each connection, what is answered to the requests on it before it closes.
                for answers in [vec![ok("hi"), kept], vec![second]] {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    for answer in answers {
                        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
                        heard.fetch_add(1, Ordering::SeqCst);
                        stream.write_all(&answer).await.unwrap();
                    }
                }
            }
        });
        ask(&egress, "https://acme.test/", 5 * SECOND).await.unwrap();
        let got = ask_by(method.clone(), &egress, "https://acme.test/", 5 * SECOND).await;
        let heard = heard.load(Ordering::SeqCst);
        let got = got.map(|_| heard).map_err(|fault| (heard, fault));
        assert_eq!(got, want.map_err(|heard| (heard, Fault::Broken)), "{method}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (thief, robbed) = server(None, ok("thanks"), false).await;
    for status in [301, 302, 303, 307, 308] {
        let answer =
            format!("HTTP/1.1 {status} Moved\r\nlocation: http://{thief}/\r\ncontent-length: 0\r\n\r\n");
        let (address, _) = server(None, answer.into_bytes(), false).await;
        let got = ask(&egress("http", address, None), "https://acme.test/", SECOND).await;
        assert_eq!(got.unwrap().status, status);
    }
    assert_eq!(robbed.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn only_allowed_hosts_and_public_addresses_are_reached() {
    // Somebody listens on this machine; nobody reaches them.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let egress = Egress::new(EgressConfig::default()).unwrap();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
    ] {
        let got = ask(&egress, &format!("https://{host}:{port}/"), SECOND).await;
        assert_eq!(got.err(), Some(Fault::RefusedAddress), "{host}");
    }
    let request = |url: &str| OutRequest {
        method: http::Method::GET,
        url: Url::parse(url).unwrap(),
        headers: http::HeaderMap::new(),
    };
    let allowed = [AllowedHost { host: "acme.test".into(), port: 443 }];
    for url in
        ["http://acme.test/", "https://acme.test:8443/", "https://evil.test/", "https://acme.test.evil.test/"]
    {
        assert_eq!(egress.send(&allowed, request(url), SECOND).await.err(), Some(Fault::NotAllowed), "{url}");
    }
    let untouched = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(untouched.is_err(), "a connection arrived");
}

#[test]
fn useless_certificate_files_are_refused_at_start() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    for path in [empty.path().to_owned(), "/does/not/exist.pem".into()] {
        let made = Egress::new(EgressConfig { extra_ca: Some(path), ..EgressConfig::default() });
        assert!(matches!(made.err(), Some(EgressError::ExtraCa { .. })));
    }
}
