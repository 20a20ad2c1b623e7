//! From what a person typed to values that can be used.

use std::collections::BTreeMap;

use http::HeaderName;
use keyhaven_vault::Secret;

use crate::{Connector, Field, FieldError, headers, request::Auth, template};

/// What was typed: field id to value. Held as secrets throughout, since some of it is.
pub type Inputs = BTreeMap<String, Secret>;

/// Checked values of all fields. Holds secrets, and therefore cannot be printed.
pub struct Values {
    /// Plain fields.
    pub plain: BTreeMap<String, String>,
    /// Secret fields.
    pub secret: BTreeMap<String, Secret>,
}

impl Connector {
    /// Puts the values of a new connection right. Tells everything that is wrong at once.
    pub fn check(&self, inputs: Inputs) -> Result<Values, Vec<FieldError>> {
        self.check_with(inputs, None)
    }

    /// The same for an edit: plain fields that are absent stay as saved, and secrets that are absent or empty are
    /// not in the answer.
    pub fn check_for_edit(
        &self,
        inputs: Inputs,
        saved: &BTreeMap<String, String>,
    ) -> Result<Values, Vec<FieldError>> {
        self.check_with(inputs, Some(saved))
    }

    fn check_with(
        &self,
        mut inputs: Inputs,
        saved: Option<&BTreeMap<String, String>>,
    ) -> Result<Values, Vec<FieldError>> {
        let mut values = Values { plain: BTreeMap::new(), secret: BTreeMap::new() };
        let mut errors = Vec::new();
        for field in &self.fields {
            let given = inputs.remove(&field.id);
            match one(field, given.as_ref(), saved) {
                Ok(Some(value)) if field.is_secret() => {
                    values.secret.insert(field.id.clone(), Secret::new(value));
                }
                Ok(Some(value)) => {
                    values.plain.insert(field.id.clone(), value);
                }
                Ok(None) => {}
                Err(message) => errors.push(FieldError { field: field.id.clone(), message }),
            }
        }
        errors.extend(inputs.into_keys().map(|unknown| self.unknown(&unknown)));
        errors.extend(self.misfits(&values.plain));
        if errors.is_empty() { Ok(values) } else { Err(errors) }
    }

    /// Values that are fine by themselves, and not where they are used: in the name of a host or of the key's header.
    fn misfits(&self, plain: &BTreeMap<String, String>) -> Vec<FieldError> {
        let misfit = |id: &str, message: String| FieldError { field: id.into(), message };
        let wrong_hosts = self.hosts.iter().filter(|host| template::fill_host(host, plain).is_none());
        let host = wrong_hosts.filter_map(|host| filled(host, plain)).next().map(|id| {
            let label = self.fields.iter().find(|field| field.id == id).map_or(id, |field| &field.label);
            misfit(id, format!("No web address can have this {label}. Copy it from the app's own address."))
        });
        let usable = |name: HeaderName| headers::takes_key(name.as_str());
        let header = match &self.auth {
            Auth::Header { name, .. } if !self.credential_header(plain).is_some_and(usable) => {
                filled(name, plain)
            }
            _ => None,
        };
        let header = header.map(|id| {
            misfit(id, "This header is used for something else than a key. Most APIs use one such as X-Api-Key, Authorization or Api-Token.".into())
        });
        host.into_iter().chain(header).collect()
    }

    fn unknown(&self, field: &str) -> FieldError {
        let known: Vec<_> = self.fields.iter().map(|field| field.id.as_str()).collect();
        FieldError {
            field: field.chars().filter(|c| !c.is_control()).take(64).collect(),
            message: format!("{} has no such field; its fields are: {}.", self.name, known.join(", ")),
        }
    }
}

/// The first field of a template whose fields all have values: what is missing or wrong by itself is told elsewhere.
fn filled<'a>(template: &'a str, plain: &BTreeMap<String, String>) -> Option<&'a str> {
    template::fill(template, plain)?;
    template::fields(template).next()
}

fn one(
    field: &Field,
    given: Option<&Secret>,
    saved: Option<&BTreeMap<String, String>>,
) -> Result<Option<String>, String> {
    let value = match (given, saved) {
        (Some(given), _) => field.normalise(given.expose())?,
        (None, Some(saved)) if !field.is_secret() => return Ok(saved.get(&field.id).cloned()),
        (None, _) => String::new(),
    };
    if !value.is_empty() {
        return Ok(Some(value));
    }
    if field.is_secret() && saved.is_some() {
        return Ok(None);
    }
    match (&field.default, field.required) {
        (Some(default), _) => Ok(Some(default.clone())),
        (None, true) => Err(format!("{} is missing.", field.label)),
        (None, false) if field.is_secret() => Ok(None),
        (None, false) => Ok(Some(value)),
    }
}
