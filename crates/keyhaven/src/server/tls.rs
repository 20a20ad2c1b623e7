//! TLS for whoever connects: certificate and key from files, read again when they change.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{net::TcpStream, time::Instant};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Files are looked at this often, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be used for TLS: {message}")]
pub(crate) struct TlsError {
    path: PathBuf,
    message: String,
}

/// Certificate and key.
pub(crate) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: Mutex<Current>,
}

struct Current {
    acceptor: TlsAcceptor,
    changed: [Option<SystemTime>; 2],
    looked: Instant,
}

impl Tls {
    /// Reads both files.
    pub(crate) fn open(certificate: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let current = Current {
            changed: [changed(&certificate), changed(&key)],
            acceptor: read(&certificate, &key)?,
            looked: Instant::now(),
        };
        Ok(Self { certificate, key, current: Mutex::new(current) })
    }

    /// Shakes hands.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let acceptor = self.acceptor();
        acceptor.accept(stream).await
    }

    /// The files as they are now. New ones that cannot be used leave the old ones in place.
    fn acceptor(&self) -> TlsAcceptor {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked.elapsed() < LOOK_EVERY {
            return current.acceptor.clone();
        }
        current.looked = Instant::now();
        let now = [changed(&self.certificate), changed(&self.key)];
        if now != current.changed {
            match read(&self.certificate, &self.key) {
                Ok(acceptor) => {
                    tracing::info!("certificate and key were read again");
                    (current.acceptor, current.changed) = (acceptor, now);
                }
                Err(error) => {
                    tracing::error!(%error, "the changed certificate is not used; the old one still is")
                }
            }
        }
        current.acceptor.clone()
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified()).ok()
}

fn read(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let fail = |path: &Path, message: String| TlsError { path: path.into(), message };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fail(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(fail(certificate, "it holds no certificate (PEM)".into()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| fail(key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| fail(certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
