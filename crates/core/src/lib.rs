//! Keyhaven's use cases. A face parses a request, calls one function of this crate, and renders the result.

mod app;
pub mod audit;
mod catalogue;
mod connection;
pub mod connections;
mod ctx;
mod cursor;
pub mod doctor;
pub mod egress;
mod error;
mod expiry;
pub mod http1;
pub mod jobs;
mod master_key;
mod metrics;
mod names;
pub mod policy;
pub mod proxy;
pub mod remote;
mod request_id;
mod schedule;
pub mod sign_in;
pub mod syncs;
pub mod tokens;
pub mod usage;
mod verification;

/// Maps that each call looks into, with a hash that costs little.
type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

pub use app::{Keyhaven, OpenError, Options};
pub use connection::{Connection, Outcome};
pub use ctx::{Actor, Clock, Ctx, Millis, Rng, SystemClock, SystemRng};
pub use error::{Error, Kind, OtherAccount};
pub use expiry::parse_span;
pub use keyhaven_connectors::{
    Account, Catalogue, CatalogueError, Connector, Field, FieldError, FieldKind, Guide, GuideStep, Inputs,
    Pages, Reason, Status, Suggestion, TokenHeader, Use, Words,
};
pub use keyhaven_store::StoreError;
pub use keyhaven_vault::Secret;
pub use master_key::{MasterKeyError, MasterKeySource};
pub use metrics::Metrics;
pub use names::{MAX_NAME, NAME_FIELD, check as check_name};
pub use request_id::RequestId;
