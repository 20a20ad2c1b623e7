//! A certificate authority that nobody keeps: its key is never written anywhere.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan, tz::Offset};
use keyhaven_core::{Clock, SystemClock};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::RunError;

/// Longer than any program that is run so.
const DAYS: i64 = 365;

pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Result<Self, RunError> {
        let mut about = params(Vec::new())?;
        about.distinguished_name.push(DnType::CommonName, "Keyhaven, for one command");
        about.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        about.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self(CertifiedIssuer::self_signed(about, KeyPair::generate()?)?))
    }

    /// Its certificate.
    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Speaks TLS as this host.
    pub(super) fn acceptor(&self, host: &str) -> Result<TlsAcceptor, RunError> {
        let mut about = params(vec![host.to_owned()])?;
        about.distinguished_name.push(DnType::CommonName, host);
        about.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        about.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        about.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = about.signed_by(&key, &self.0)?;
        let chain = vec![certificate.der().clone(), self.0.der().clone()];
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = versions.with_no_client_auth().with_single_cert(chain, key.into())?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// Valid from yesterday, for machines whose clocks differ.
fn params(names: Vec<String>) -> Result<CertificateParams, RunError> {
    let mut params = CertificateParams::new(names)?;
    let today = Timestamp::from_millisecond(SystemClock.now()).unwrap_or(Timestamp::UNIX_EPOCH);
    let today = Offset::UTC.to_datetime(today).date();
    let day = |days: i64| {
        let date = today.saturating_add(days.days());
        date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    (params.not_before, params.not_after) = (day(-1), day(DAYS));
    Ok(params)
}
