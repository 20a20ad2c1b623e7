//! The catalogue of apps: what each one *is*, as data. Builds requests and judges answers without any I/O.

mod catalogue;
mod check;
mod definition;
mod field;
mod guide;
pub mod headers;
mod inputs;
mod pattern;
mod request;
mod rules;
pub mod streams;
mod svg;
mod template;
mod traffic;
mod verdict;
mod verification;
mod words;

use serde::Deserialize;

pub use catalogue::{Catalogue, CatalogueError, ConnectorFiles};
pub use field::{Field, FieldError, FieldKind};
pub use guide::{Guide, GuideStep, Picture};
pub use inputs::{Inputs, Values};
pub use pattern::PathPattern;
pub use request::{AllowedHost, Answer, OutRequest, TokenHeader};
pub use traffic::{Budget, Cost, LimitHeader, LimitHeaders, Limits, Narrow, Pages, Told, Use};
pub use verdict::{Account, Fault, Reason, Status, Suggestion, Verdict};
pub use verification::{Next, Verification};
pub use words::Words;

/// An app that can be connected.
#[derive(Clone, Debug)]
pub struct Connector {
    /// The machine word, such as `pipedrive`.
    pub id: String,
    /// The app's name.
    pub name: String,
    /// One line on what it is.
    pub summary: String,
    /// Groups the catalogue.
    pub category: String,
    /// A picture: see [`Catalogue::asset`].
    pub icon: String,
    /// Help for the connection's own name.
    pub name_field: NameField,
    /// What the form asks for, in this order.
    pub fields: Vec<Field>,
    /// How to find the values.
    pub guide: Guide,
    /// How programs use it.
    pub in_use: Use,
    /// How much it allows, where that is known.
    pub limits: Option<Limits>,
    /// What a sync can copy, where that is known.
    pub streams: Option<streams::Streams>,
    hosts: Vec<String>,
    auth: request::Auth,
    verify: rules::Verify,
    words: words::WordTable,
}

/// What the form says about the connection's name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameField {
    /// One sentence.
    pub help: String,
    /// An example.
    pub example: String,
}
