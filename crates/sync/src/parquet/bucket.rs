//! A bucket of S3, or of what speaks like it. Credentials and endpoint come from the environment.

use std::{
    collections::BTreeSet,
    error::Error,
    fs::File,
    io::{self, Read},
    path::Path,
    time::Duration,
};

use bytes::Bytes;
use object_store::{
    GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey},
    client::{HttpError, HttpErrorKind},
    path::Path as Key,
};
use url::{Host, Url};

use super::{http::Connector, place};
use crate::error::{Failure, SyncError};

/// A file that is not longer is put at once; a longer one in parts of this size.
const PART: usize = 8 * 1024 * 1024;

pub(super) struct Bucket {
    store: AmazonS3,
    prefix: Key,
    /// As a person writes it.
    address: String,
    /// Whom is asked.
    host: String,
}

impl Bucket {
    pub(super) fn open(bucket: &str, prefix: &str) -> Result<Self, SyncError> {
        let usage = |message: String, remedy: &str| SyncError::new(Failure::Usage, message, remedy);
        let builder = AmazonS3Builder::from_env();
        let set = |key| builder.get_config_value(&key).filter(|it| !it.is_empty());
        if set(AmazonS3ConfigKey::AccessKeyId).is_none() || set(AmazonS3ConfigKey::SecretAccessKey).is_none()
        {
            return Err(usage(
                format!("there are no credentials for the bucket {bucket}"),
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_REGION or AWS_ENDPOINT_URL.",
            ));
        }
        let endpoint = set(AmazonS3ConfigKey::Endpoint);
        let (host, is_loopback) = match endpoint.as_deref().map(Url::parse) {
            None => ("amazonaws.com".to_owned(), false),
            Some(Ok(url)) if matches!(url.scheme(), "http" | "https") && url.has_host() => who(&url),
            Some(_) => {
                return Err(usage(
                    "AWS_ENDPOINT_URL is no address".into(),
                    "Write it like https://s3.example.com.",
                ));
            }
        };
        let allows_http = std::env::var("AWS_ALLOW_HTTP").is_ok_and(|it| it.eq_ignore_ascii_case("true"));
        if endpoint.is_some_and(|it| it.starts_with("http:")) && !is_loopback && !allows_http {
            return Err(usage(
                format!("what goes to {host} could be read on the way"),
                "Use https in AWS_ENDPOINT_URL, or set AWS_ALLOW_HTTP=true where the way is private.",
            ));
        }
        let store = builder
            .with_bucket_name(bucket)
            .with_allow_http(is_loopback || allows_http)
            .with_http_connector(Connector)
            .with_retry(RetryConfig {
                max_retries: 4,
                retry_timeout: Duration::from_secs(60),
                ..RetryConfig::default()
            })
            .build()
            .map_err(|error| usage(format!("the bucket {bucket} cannot be used: {error}"), LOOK))?;
        let prefix =
            Key::parse(prefix).map_err(|error| usage(error.to_string(), "Write it like s3://bucket/crm."))?;
        Ok(Self { store, address: format!("s3://{bucket}/{prefix}"), prefix, host })
    }

    /// Whom is asked, as the name of a folder.
    pub(super) fn host(&self) -> String {
        self.host.replace(':', "_")
    }

    pub(super) async fn list(&self) -> Result<BTreeSet<String>, SyncError> {
        let list = self.store.list_with_delimiter(Some(&self.prefix)).await;
        let list = list.map_err(|error| self.failed(&error))?;
        let names = list.objects.iter().filter_map(|it| it.location.filename().map(str::to_owned));
        Ok(names.collect())
    }

    pub(super) async fn tail(&self, name: &str, length: u64) -> Result<Bytes, SyncError> {
        let options = GetOptions { range: Some(GetRange::Suffix(length)), ..GetOptions::default() };
        let read =
            async { self.store.get_opts(&self.prefix.clone().join(name), options).await?.bytes().await };
        read.await.map_err(|error| self.failed(&error))
    }

    pub(super) async fn put(&self, name: &str, part: &Path) -> Result<(), SyncError> {
        let broken = |error: io::Error| place::failed(part, &error);
        let key = self.prefix.clone().join(name);
        let mut file = File::open(part).map_err(broken)?;
        let first = chunk(&mut file).map_err(broken)?;
        if first.content_length() < PART {
            return self.store.put(&key, first).await.map(drop).map_err(|error| self.failed(&error));
        }
        let mut upload = self.store.put_multipart(&key).await.map_err(|error| self.failed(&error))?;
        let done = self.parts(upload.as_mut(), first, || chunk(&mut file).map_err(broken)).await;
        if done.is_err() {
            // What was sent would be kept, and paid for.
            let _ = upload.abort().await;
        }
        done
    }

    async fn parts(
        &self,
        upload: &mut dyn MultipartUpload,
        first: PutPayload,
        mut next: impl FnMut() -> Result<PutPayload, SyncError>,
    ) -> Result<(), SyncError> {
        let mut part = first;
        while part.content_length() > 0 {
            upload.put_part(part).await.map_err(|error| self.failed(&error))?;
            part = next()?;
        }
        upload.complete().await.map(drop).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &object_store::Error) -> SyncError {
        use object_store::Error as It;
        let (address, host) = (&self.address, &self.host);
        let said = cause(error).to_string();
        // Of some requests object_store tells the status in words only.
        let says = |status: &str| said.contains(&format!("status code: {status}"));
        let (message, remedy) = match error {
            It::PermissionDenied { .. } | It::Unauthenticated { .. } => (self.not_let_in(), LOOK),
            _ if says("401") || says("403") => (self.not_let_in(), LOOK),
            _ if says("404") => {
                (format!("the bucket of {address} is not there"), "Make the bucket, or name another one.")
            }
            _ if is_unreachable(error) => (
                format!("{host} does not answer"),
                "Look at AWS_ENDPOINT_URL and the way there, then run the sync again: it goes on.",
            ),
            _ => {
                let said: String = said.chars().take(300).collect();
                (format!("{address} cannot be written: {said}"), LOOK)
            }
        };
        SyncError::destination(message, remedy)
    }

    fn not_let_in(&self) -> String {
        format!("{} does not let this key into {}", self.host, self.address)
    }
}

const LOOK: &str = "Look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL, and at what the \
                    key may do there: it has to list, read and write. Then run the sync again: it goes on.";

fn who(url: &Url) -> (String, bool) {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    (format!("{}{port}", url.host_str().unwrap_or_default()), is_loopback)
}

/// The next part of a file; empty at its end.
fn chunk(file: &mut File) -> io::Result<PutPayload> {
    let mut bytes = Vec::new();
    file.take(PART as u64).read_to_end(&mut bytes)?;
    Ok(Bytes::from(bytes).into())
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |it| (*it).source())
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    causes(error).last().unwrap_or(error)
}

fn is_unreachable(error: &(dyn Error + 'static)) -> bool {
    causes(error).filter_map(|it| it.downcast_ref::<HttpError>()).any(|it| {
        matches!(it.kind(), HttpErrorKind::Connect | HttpErrorKind::Timeout | HttpErrorKind::Request)
    })
}
