//! A bucket: a stand-in for S3 on this machine. Credentials come from the environment, so each run is a process.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    env,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::block_in_place};

use crate::{app::App, look};

/// What is in the bucket `crm`.
#[derive(Default)]
struct Crm {
    objects: Mutex<BTreeMap<String, Bytes>>,
    parts: Mutex<BTreeMap<u32, Bytes>>,
    put: Mutex<Vec<String>>,
}

type Told = Response<Full<Bytes>>;

fn told(status: u16, body: impl Into<Bytes>) -> Told {
    let answer = Response::builder().status(status).header("etag", "\"1\"");
    let answer = answer.header("last-modified", "Sat, 31 Jan 2026 09:30:00 GMT");
    answer.body(Full::new(body.into())).unwrap()
}

impl Crm {
    async fn start() -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let crm = Arc::<Self>::default();
        let shared = crm.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let crm = shared.clone();
                let answer = service_fn(move |request| {
                    let crm = crm.clone();
                    async move { Ok::<_, Infallible>(crm.answer(request).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        (crm, address)
    }

    async fn answer(&self, request: Request<Incoming>) -> Told {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let header = |name: &str| head.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
        if !header("authorization").contains("Credential=good/") {
            return told(403, "<Error><Code>InvalidAccessKeyId</Code></Error>");
        }
        let path = head.uri.path().trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        if bucket != "crm" {
            return told(404, "<Error><Code>NoSuchBucket</Code></Error>");
        }
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let mut objects = self.objects.lock().unwrap();
        match head.method {
            Method::GET if key.is_empty() => told(200, list(&objects, &query["prefix"])),
            Method::GET => {
                let Some(object) = objects.get(key) else { return told(404, "") };
                let last: usize = header("range").trim_start_matches("bytes=-").parse().unwrap();
                let from = object.len().saturating_sub(last);
                let mut answer = told(206, object.slice(from..));
                let range = format!("bytes {from}-{}/{}", object.len() - 1, object.len());
                answer.headers_mut().insert("content-range", range.parse().unwrap());
                answer
            }
            Method::PUT if query.contains_key("partNumber") => {
                self.parts.lock().unwrap().insert(query["partNumber"].parse().unwrap(), body);
                told(200, "")
            }
            Method::PUT => {
                self.put.lock().unwrap().push(key.to_owned());
                objects.insert(key.to_owned(), body);
                told(200, "")
            }
            Method::POST if query.contains_key("uploads") => told(
                200,
                "<InitiateMultipartUploadResult><Bucket>crm</Bucket><Key>k</Key><UploadId>u</UploadId>\
                 </InitiateMultipartUploadResult>",
            ),
            Method::POST => {
                let parts = std::mem::take(&mut *self.parts.lock().unwrap());
                assert!(parts.len() > 1, "what fits in one part is put at once");
                self.put.lock().unwrap().push(key.to_owned());
                objects.insert(key.to_owned(), parts.into_values().flatten().collect());
                told(
                    200,
                    "<CompleteMultipartUploadResult><Location>l</Location><Bucket>crm</Bucket><Key>k</Key>\
                     <ETag>\"1\"</ETag></CompleteMultipartUploadResult>",
                )
            }
            _ => told(405, ""),
        }
    }

    fn take_put(&self) -> Vec<String> {
        let mut put = std::mem::take(&mut *self.put.lock().unwrap());
        put.sort();
        put
    }
}

fn list(objects: &BTreeMap<String, Bytes>, prefix: &str) -> String {
    let entry = |(key, object): (&String, &Bytes)| {
        let size = object.len();
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-01-31T09:30:00.000Z</LastModified><ETag>\"1\"</ETag>\
             <Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        )
    };
    let entries: String = objects.iter().filter(|(key, _)| key.starts_with(prefix)).map(entry).collect();
    format!("<ListBucketResult><Name>crm</Name><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>")
}

/// What `run` starts: a sync, as the environment says. Among all tests it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn in_its_own_process() {
    let Ok(to) = env::var("TO") else { return };
    let number = |name: &str| env::var(name).unwrap().parse().unwrap();
    let app = App::with(number("DEALS"), number("NOTE"));
    let told = match app.sync(&to).await {
        Ok(report) => report.stopped.map_or_else(|| "done".to_owned(), |error| error.message),
        Err(error) => error.message,
    };
    println!("TOLD {told}");
}

/// Runs a sync; tells how it ended.
fn run(endpoint: &str, cache: &Path, key: &str, to: &str, deals: usize, note: usize) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "s3::in_its_own_process", "--nocapture"])
        .envs([("TO", to), ("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", "secret")])
        .envs([("DEALS", deals.to_string()), ("NOTE", note.to_string())])
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("XDG_CACHE_HOME", cache);
    let output = block_in_place(|| command.output()).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = text.split("TOLD ").nth(1).and_then(|it| it.lines().next());
    told.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr))).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_follows_the_app_too() {
    let (crm, endpoint) = Crm::start().await;
    let cache = tempfile::tempdir().unwrap();
    let sync = |deals, note| run(&endpoint, cache.path(), "good", "s3://crm/a/b", deals, note);
    assert_eq!(sync(300, 40_000), "done");
    let all = ["currencies", "deals", "deals_readable", "keyhaven_fields", "users"];
    assert_eq!(crm.take_put(), all.map(|it| format!("a/b/{it}.parquet")));
    let host = endpoint.trim_start_matches("http://").replace(':', "_");
    let mirror = cache.path().join("keyhaven/s3").join(host).join("crm/a/b/.keyhaven/mirror.db");
    let compare = || {
        for (key, object) in crm.objects.lock().unwrap().iter() {
            let name = key.trim_start_matches("a/b/").trim_end_matches(".parquet");
            assert_eq!(look::parquet(object.clone()).1, look::mirror(&mirror, name), "{key}");
        }
    };
    compare();
    assert!(crm.objects.lock().unwrap()["a/b/deals.parquet"].len() > 8 * 1024 * 1024, "it went in parts");

    assert_eq!(sync(300, 40_000), "done");
    assert!(crm.take_put().is_empty(), "nothing changed, so nothing is written");
    assert_eq!(sync(100, 3), "done");
    assert_eq!(crm.take_put(), ["a/b/deals.parquet", "a/b/deals_readable.parquet"]);
    compare();

    // Without the mirror everything is read again, and files that are Keyhaven's are replaced.
    std::fs::remove_dir_all(cache.path().join("keyhaven")).unwrap();
    assert_eq!(sync(100, 3), "done");
    assert_eq!(crm.take_put().len(), all.len());
    compare();
    // Others are not.
    std::fs::remove_dir_all(cache.path().join("keyhaven")).unwrap();
    crm.objects
        .lock()
        .unwrap()
        .insert("a/b/currencies.parquet".into(), Bytes::from_static(b"theirs, and long"));
    assert!(sync(100, 3).contains("Keyhaven did not make"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_bucket_is_told() {
    let (_crm, endpoint) = Crm::start().await;
    let cache = tempfile::tempdir().unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (endpoint, key, to, words) in [
        (endpoint.as_str(), "good", "s3://none/a", "is not there"),
        (endpoint.as_str(), "bad", "s3://crm/a", "does not let this key into"),
        (endpoint.as_str(), "", "s3://crm/a", "there are no credentials"),
        (&format!("http://{gone}"), "good", "s3://crm/a", "does not answer"),
        ("http://s3.example.com", "good", "s3://crm/a", "could be read on the way"),
        ("s3.example.com", "good", "s3://crm/a", "AWS_ENDPOINT_URL is no address"),
    ] {
        let told = run(endpoint, cache.path(), key, to, 1, 0);
        assert!(told.contains(words), "{told}");
    }
}
