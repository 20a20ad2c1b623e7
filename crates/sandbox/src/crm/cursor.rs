//! Cursors: base64url of JSON, opaque to callers.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

pub(crate) fn encode(place: &impl Serialize) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(json!(place).to_string())
}

pub(crate) fn decode<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let place = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    place.ok_or_else(|| "cursor: not a valid cursor".into())
}
