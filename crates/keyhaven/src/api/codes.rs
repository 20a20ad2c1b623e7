//! The words by which programs tell errors apart. Document, docs page and answers take them from here.

/// One kind of error.
pub(crate) struct Code {
    pub word: &'static str,
    pub status: u16,
    /// When it is given.
    pub when: &'static str,
}

const fn code(status: u16, word: &'static str, when: &'static str) -> Code {
    Code { word, status, when }
}

/// All that the API answers with.
pub(crate) const CODES: &[Code] = &[
    code(400, "invalid_fields", "A member, field, parameter or header cannot be accepted; errors names each"),
    code(400, "unknown_connector", "The catalogue has no such app"),
    code(400, "broken_json", "The body is no JSON object"),
    code(400, "bad_request", "The request broke off before its end"),
    code(401, "not_signed_in", "There is no access token, or it is unknown, revoked or expired"),
    code(403, "cross_site", "A browser sent it from another site"),
    code(404, "not_found", "There is no such thing"),
    code(405, "method_not_allowed", "The path does not take this method; Allow names those it takes"),
    code(408, "too_slow", "The request took longer than 15 seconds to arrive"),
    code(409, "other_account", "The new key belongs to another company; accounts names both"),
    code(409, "nothing_to_do", "The connection is not in the state that this needs, such as deleted"),
    code(409, "idempotency_in_progress", "The first request with this Idempotency-Key is still at work"),
    code(409, "connector_gone", "The connector of this connection is not installed any more"),
    code(412, "stale", "If-Match names an old revision"),
    code(413, "too_large", "The body is larger than 64 KiB"),
    code(415, "not_json", "The Content-Type is not application/json"),
    code(422, "idempotency_mismatch", "The Idempotency-Key was used for another request"),
    code(500, "secret_does_not_open", "A saved secret does not open: enter it again"),
    code(500, "internal", "A fault of Keyhaven's own; its log tells more"),
    code(503, "database_unavailable", "The database does not answer; try again shortly"),
];
