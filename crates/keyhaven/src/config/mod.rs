//! Settings: each is a flag, an environment variable and a key of one TOML file, in this order of weight.

mod file;
mod running;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;
use keyhaven_core::{
    Keyhaven, MasterKeySource, OpenError, Options, Secret,
    egress::{EgressConfig, Override},
};
use serde::Deserialize;

pub(crate) use file::ConfigError;
pub(crate) use running::Running;

/// Where the data are and how the apps are reached.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
#[command(next_help_heading = "Data and apps of this machine")]
pub(crate) struct Settings {
    /// Folder of database, master key and settings [default: the platform's data folder]
    #[arg(long, env = "KEYHAVEN_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Database: sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME [default: sqlite in the data folder]
    #[arg(long, env = "KEYHAVEN_DATABASE", value_name = "URL", hide_env_values = true)]
    database: Option<String>,
    /// File of the master key [default: master.key in the data folder, made on the first start].
    /// The key itself may also stand in the environment: KEYHAVEN_MASTER_KEY
    #[arg(long, env = "KEYHAVEN_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
    /// Folder of further connectors, one folder each
    #[arg(long, env = "KEYHAVEN_CONNECTORS", value_name = "DIR")]
    connectors: Option<PathBuf>,
    /// How often each connection is verified in the background [default: 6h]
    #[arg(long, env = "KEYHAVEN_VERIFY_EVERY", value_name = "TIME", value_parser = parse_span)]
    #[serde(deserialize_with = "file::span")]
    verify_every: Option<Duration>,
    /// How long calls are remembered one by one. Counts are kept for 90 days [default: 7d]
    #[arg(long, env = "KEYHAVEN_KEEP_CALLS", value_name = "TIME", value_parser = parse_span)]
    #[serde(deserialize_with = "file::span")]
    keep_calls: Option<Duration>,
    /// Folder below which syncs write SQLite files [default: syncs in the data folder]
    #[arg(long, env = "KEYHAVEN_SYNC_FOLDER", value_name = "DIR")]
    sync_folder: Option<PathBuf>,
    /// Whom to ask when something does not work: shown beside each !
    #[arg(long, env = "KEYHAVEN_SUPPORT", value_name = "CONTACT")]
    support: Option<String>,
    /// How long an app may take to begin its answer to a call that is passed on [default: 60s]
    #[arg(long, env = "KEYHAVEN_ANSWER_TIMEOUT", value_name = "TIME", value_parser = parse_wait)]
    #[serde(deserialize_with = "file::wait")]
    answer_timeout: Option<Duration>,
    /// Further certificate authorities (PEM) to trust when apps are reached
    #[arg(long, env = "KEYHAVEN_EGRESS_CA", value_name = "FILE")]
    egress_ca: Option<PathBuf>,
    /// For development only: send hosts elsewhere, such as '*.pipedrive.com=http://127.0.0.1:9001'
    #[arg(long, env = "KEYHAVEN_EGRESS_OVERRIDE", value_name = "HOST=URL,…")]
    egress_override: Option<String>,
    /// File of these settings [default: keyhaven.toml in the data folder, where there is one]
    #[arg(long, env = "KEYHAVEN_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
}

/// How the server is reached.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerSettings {
    /// Address to listen on [default: 127.0.0.1:8787]
    #[arg(long, env = "KEYHAVEN_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// How people reach this server, such as https://keyhaven.example.com [default: http://ADDRESS]
    #[arg(long, env = "KEYHAVEN_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Certificate chain (PEM) with which to speak TLS; read again when it changes
    #[arg(long, env = "KEYHAVEN_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key (PEM) of the certificate
    #[arg(long, env = "KEYHAVEN_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Proxies in front, by address or network, such as 10.0.0.0/8: from these the caller's address is taken out of
    /// X-Forwarded-For
    #[arg(long, env = "KEYHAVEN_TRUSTED_PROXIES", value_name = "NETWORK,…")]
    pub trusted_proxies: Option<String>,
    /// What to log: error, warn, info, debug or trace [default: info]
    #[arg(long, env = "KEYHAVEN_LOG", value_name = "LEVEL")]
    pub log: Option<String>,
}

/// How the server listens where nothing else is said.
pub(crate) const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8787);

const DEFAULT_VERIFY_EVERY: Duration = Duration::from_secs(6 * 60 * 60);
const DEFAULT_KEEP_CALLS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Settings that cannot be used, or data that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetUpError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl Settings {
    /// A fresh folder, an override and a sample of a support contact: how the demo runs.
    pub(crate) fn for_demo(self, data: PathBuf, egress_override: String) -> Self {
        Self {
            data: Some(data),
            database: None,
            master_key_file: None,
            egress_override: Some(egress_override),
            support: Some("help@keyhaven.example".into()),
            ..self
        }
    }

    /// The data folder.
    pub(crate) fn data(&self) -> Result<PathBuf, ConfigError> {
        match &self.data {
            Some(data) => Ok(data.clone()),
            None => dirs::data_dir().map(|base| base.join("keyhaven")).ok_or(ConfigError::NoHome),
        }
    }

    /// Fills what neither flag nor environment said from the file, where there is one.
    pub(crate) fn with_file(self) -> Result<(Self, ServerSettings), ConfigError> {
        let Some((file, server)) = file::load(self.config.as_deref(), &self.data()?)? else {
            return Ok((self, ServerSettings::default()));
        };
        let merged = Self {
            data: self.data.or(file.data),
            database: self.database.or(file.database),
            master_key_file: self.master_key_file.or(file.master_key_file),
            connectors: self.connectors.or(file.connectors),
            verify_every: self.verify_every.or(file.verify_every),
            keep_calls: self.keep_calls.or(file.keep_calls),
            sync_folder: self.sync_folder.or(file.sync_folder),
            support: self.support.or(file.support),
            answer_timeout: self.answer_timeout.or(file.answer_timeout),
            egress_ca: self.egress_ca.or(file.egress_ca),
            egress_override: self.egress_override.or(file.egress_override),
            config: self.config,
        };
        Ok((merged, server))
    }

    /// Opens the data that these settings name.
    pub(crate) async fn open(&self) -> Result<Keyhaven, SetUpError> {
        let (settings, _) = self.clone().with_file()?;
        settings.open_as_is().await
    }

    /// [`Settings::open`] for settings that hold the file's already.
    pub(crate) async fn open_as_is(self) -> Result<Keyhaven, SetUpError> {
        Ok(Keyhaven::open(self.options()?).await?)
    }

    fn options(self) -> Result<Options, ConfigError> {
        let data = self.data()?;
        file::make_private_folder(&data)?;
        let from_environment = std::env::var("KEYHAVEN_MASTER_KEY").ok().filter(|text| !text.is_empty());
        let master_key = match (from_environment, self.master_key_file) {
            (Some(_), Some(_)) => return Err(ConfigError::TwoMasterKeys),
            (Some(text), None) => MasterKeySource::Text(Secret::new(text)),
            (None, Some(path)) => MasterKeySource::File(path),
            (None, None) => MasterKeySource::DataFolder(data.join("master.key")),
        };
        let sync_folder = self.sync_folder.unwrap_or_else(|| data.join("syncs"));
        // Databases of syncs are no neighbours of Keyhaven's own and of its master key.
        if data.starts_with(&sync_folder) {
            let message = "it must not be the data folder, nor one that holds it";
            return Err(ConfigError::Setting("sync-folder", message.into()));
        }
        let overrides = Override::parse_list(self.egress_override.as_deref().unwrap_or_default());
        let defaults = EgressConfig::default();
        Ok(Options {
            database: self
                .database
                .unwrap_or_else(|| format!("sqlite:{}", data.join("keyhaven.db").display())),
            master_key,
            connectors: self.connectors,
            egress: EgressConfig {
                overrides: overrides
                    .map_err(|error| ConfigError::Setting("egress-override", error.to_string()))?,
                extra_ca: self.egress_ca,
                answer_timeout: self.answer_timeout.unwrap_or(defaults.answer_timeout),
                ..defaults
            },
            verify_every: self.verify_every.unwrap_or(DEFAULT_VERIFY_EVERY),
            keep_calls: self.keep_calls.unwrap_or(DEFAULT_KEEP_CALLS),
            sync_folder: Some(sync_folder),
            support: self.support.filter(|support| !support.is_empty()),
        })
    }
}

impl ServerSettings {
    /// Fills what neither flag nor environment said from the file.
    pub(crate) fn or(self, file: Self) -> Self {
        Self {
            listen: self.listen.or(file.listen),
            public_url: self.public_url.or(file.public_url),
            tls_cert: self.tls_cert.or(file.tls_cert),
            tls_key: self.tls_key.or(file.tls_key),
            trusted_proxies: self.trusted_proxies.or(file.trusted_proxies),
            log: self.log.or(file.log),
        }
    }
}

/// `6h`, `90m`, `1d`; from one minute to a month.
fn parse_span(text: &str) -> Result<Duration, String> {
    between(text, Duration::from_secs(60), Duration::from_secs(31 * 86_400), "1m to 31d")
}

/// `60s`, `5m`; from one second to an hour.
fn parse_wait(text: &str) -> Result<Duration, String> {
    between(text, Duration::from_secs(1), Duration::from_secs(3600), "1s to 1h")
}

fn between(text: &str, least: Duration, most: Duration, range: &str) -> Result<Duration, String> {
    let wrong = || format!("“{text}” is no span of time; write 30m, 6h or 1d");
    let span = keyhaven_core::parse_span(text).ok_or_else(wrong)?;
    if (least..=most).contains(&span) {
        Ok(span)
    } else {
        Err(format!("“{text}” is out of range: {range}"))
    }
}
