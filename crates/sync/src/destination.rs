//! Where records go: `sqlite:crm.db`, `postgres://user@host/database?schema=crm`, and with the feature `parquet` also
//! `parquet:folder`, `s3://bucket/prefix`.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::postgres::PgConnectOptions;
use url::Url;

#[cfg(feature = "parquet")]
use crate::parquet::Files;
use crate::{
    database::{Database, Postgres, Sqlite},
    error::{Failure, SyncError},
};

/// Where records go. It may hold a password: shown, it does not.
#[derive(Clone, PartialEq, Eq)]
pub enum Destination {
    /// A file.
    Sqlite(PathBuf),
    /// A schema of a PostgreSQL database.
    Postgres {
        /// Without the schema.
        url: Url,
        /// The schema; it is made if it is not there.
        schema: String,
    },
    /// Parquet files.
    #[cfg(feature = "parquet")]
    Parquet(Files),
}

const HOW: &str = "Write it like sqlite:crm.db or postgres://user:password@host/database?schema=crm.";

/// What may follow in an address of a PostgreSQL database.
const PARAMETERS: [&str; 12] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// What providers write into the addresses that they hand out, and nothing here needs.
const NEEDLESS: [&str; 5] =
    ["channel_binding", "client_encoding", "connect_timeout", "gssencmode", "target_session_attrs"];

fn is_known(parameter: &str) -> bool {
    PARAMETERS.contains(&parameter) || parameter.starts_with("options[")
}

/// Names that PostgreSQL keeps for itself. As a place to look in, `$user` would be whoever is signed in.
fn is_theirs(schema: &str) -> bool {
    schema.starts_with("pg_") || ["information_schema", "$user"].contains(&schema)
}

fn unreadable() -> SyncError {
    SyncError::new(
        Failure::Usage,
        "the destination is no address of a database",
        format!(
            "{HOW} In user and password, write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25."
        ),
    )
}

impl Destination {
    /// Reads it. A PostgreSQL database without a schema gets `schema`, or `crm_` and that where PostgreSQL keeps the name.
    pub fn parse(text: &str, schema: &str) -> Result<Self, SyncError> {
        let wrong = |message: &str| SyncError::new(Failure::Usage, message, HOW);
        let text = text.trim();
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path == ":memory:" {
                return Err(wrong("the destination names no file"));
            }
            return Ok(Self::Sqlite(path.into()));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let mut url = Url::parse(text).map_err(|_| unreadable())?;
            // A password with such a character ends too early; what follows must not be shown as host or database.
            if url.path().contains('@') || url.fragment().is_some() {
                return Err(unreadable());
            }
            let named =
                url.query_pairs().find(|(name, _)| name == "schema").map(|(_, value)| value.into_owned());
            let rest: Vec<(String, String)> = url
                .query_pairs()
                .filter(|(name, _)| name != "schema" && !NEEDLESS.contains(&name.as_ref()))
                .map(|(a, b)| (a.into(), b.into()))
                .collect();
            if let Some((unknown, _)) = rest.iter().find(|(name, _)| !is_known(name)) {
                let is_word = unknown.chars().all(|it| it.is_ascii_alphabetic() || it == '_');
                return Err(if is_word {
                    wrong(&format!("an address of a database has no “{unknown}”"))
                } else {
                    unreadable()
                });
            }
            url.set_query(None);
            if !rest.is_empty() {
                url.query_pairs_mut().extend_pairs(rest);
            }
            let schema = named.unwrap_or_else(|| {
                if is_theirs(schema) { format!("crm_{schema}") } else { schema.to_owned() }
            });
            if schema.is_empty() || schema.len() > 63 || schema.contains('\0') || is_theirs(&schema) {
                let message = "a schema's name has 1 to 63 bytes and is none of PostgreSQL's own, which are $user, \
                               information_schema and all that begin with pg_";
                return Err(wrong(message));
            }
            return Ok(Self::Postgres { url, schema });
        }
        if text.starts_with("parquet:") || text.starts_with("s3://") {
            #[cfg(feature = "parquet")]
            return Files::parse(text).map(Self::Parquet);
            #[cfg(not(feature = "parquet"))]
            return Err(SyncError::new(
                Failure::Usage,
                "this program was built without Parquet",
                "Build it with cargo build --release --features parquet, or name a destination like sqlite:crm.db.",
            ));
        }
        Err(wrong("the destination is of no kind that can be written"))
    }

    /// The machine word of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres { .. } => "postgres",
            #[cfg(feature = "parquet")]
            Self::Parquet(files) => files.kind(),
        }
    }

    /// As a whole, password and all.
    pub fn reveal(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres { url, schema } => {
                let mut url = url.clone();
                url.query_pairs_mut().append_pair("schema", schema);
                url.into()
            }
            #[cfg(feature = "parquet")]
            Self::Parquet(files) => files.to_string(),
        }
    }

    /// A file that was removed while it was written to took what was written with it.
    pub(crate) fn removed(&self) -> Option<SyncError> {
        match self {
            Self::Sqlite(path) if !path.exists() => Some(SyncError::destination(
                format!("{} was removed while the sync wrote to it", path.display()),
                "Run the sync again: it makes the file and begins anew.",
            )),
            _ => None,
        }
    }

    /// What is there; nothing, where a run would make the file or schema first. It is not made.
    pub(crate) async fn look(&self) -> Result<Option<Box<dyn Database>>, SyncError> {
        let has_folder =
            |path: &Path| path.parent().is_none_or(|it| it.as_os_str().is_empty() || it.is_dir());
        match self {
            Self::Sqlite(path) if !path.exists() && has_folder(path) => Ok(None),
            Self::Postgres { url, schema } => {
                let found = Postgres::look(options(url)?, schema).await?;
                Ok(found.map(|it| Box::new(it) as Box<dyn Database>))
            }
            _ => self.open().await.map(Some),
        }
    }

    pub(crate) async fn open(&self) -> Result<Box<dyn Database>, SyncError> {
        match self {
            Self::Sqlite(path) => {
                let path = path.clone();
                // Another program may hold it locked.
                let opened = tokio::task::spawn_blocking(move || Sqlite::open(&path)).await;
                let opened = opened.map_err(|_| {
                    SyncError::destination("the destination could not be opened", "Run the sync again.")
                })?;
                Ok(Box::new(opened?))
            }
            Self::Postgres { url, schema } => Ok(Box::new(Postgres::open(options(url)?, schema).await?)),
            #[cfg(feature = "parquet")]
            Self::Parquet(files) => Ok(Box::new(files.open().await?)),
        }
    }
}

fn options(url: &Url) -> Result<PgConnectOptions, SyncError> {
    let options = PgConnectOptions::from_str(url.as_str()).map_err(|_| unreadable())?;
    Ok(options.application_name("keyhaven"))
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres { url, schema } => {
                let host = url.host_str().unwrap_or("localhost");
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                write!(f, "postgres://{host}{port}{}?schema={schema}", url.path())
            }
            #[cfg(feature = "parquet")]
            Self::Parquet(files) => fmt::Display::fmt(files, f),
        }
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_of_the_server_are_not_ours() {
        for schema in ["pg_catalog", "information_schema", "$user", "a%00b", ""] {
            let text = format!("postgres://me@host/db?schema={schema}");
            assert_eq!(Destination::parse(&text, "").unwrap_err().kind, Failure::Usage, "{schema}");
        }
        let made = Destination::parse("postgres://me@host/db", "pg_sales").unwrap();
        assert_eq!(made.to_string(), "postgres://host/db?schema=crm_pg_sales");
    }

    #[cfg(not(feature = "parquet"))]
    #[test]
    fn without_the_feature_the_remedy_is_named() {
        for text in ["parquet:crm", "s3://bucket/crm"] {
            let error = Destination::parse(text, "").unwrap_err();
            assert_eq!(error.kind, Failure::Usage);
            assert!(error.remedy.contains("--features parquet"), "{}", error.remedy);
        }
    }

    #[test]
    fn a_password_that_is_not_escaped_is_not_shown() {
        for text in ["me:a@SECRET/SECRET@h/db", "me:1#SECRET@h/db", "me:1?SECRET@h/db", "me:1/SECRET@h/db"] {
            let error = Destination::parse(&format!("postgres://{text}"), "crm").unwrap_err();
            assert!(error.remedy.contains("%40") && !format!("{error:?}").contains("SECRET"), "{error:?}");
        }
        let good = "postgres://me:a%40SECRET%2F@h/db?sslmode=require&channel_binding=require&schema=x";
        assert_eq!(Destination::parse(good, "crm").unwrap().to_string(), "postgres://h/db?schema=x");
    }

    #[test]
    fn a_mistyped_parameter_is_told() {
        for parameter in ["shema", "sslpassword"] {
            let error =
                Destination::parse(&format!("postgres://me@h/db?{parameter}=SECRET"), "crm").unwrap_err();
            assert!(error.message.contains(&format!("“{parameter}”")), "{error:?}");
            assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
        }
    }
}
