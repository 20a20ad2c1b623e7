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
    code(400, "bad_request", "The request is no readable HTTP, or broke off before its end"),
    code(414, "address_too_long", "The address is longer than 64 KiB"),
    code(431, "headers_too_large", "There are more than 100 headers, or they are larger than 400 KiB"),
    code(401, "not_signed_in", "There is no access token, or it is mistyped, unknown, revoked or expired"),
    code(403, "not_allowed", "The access token has a limit that stands against it"),
    code(403, "cross_site", "A browser sent it from another site"),
    code(404, "not_found", "There is no such thing"),
    code(405, "method_not_allowed", "The path does not take this method; Allow names those it takes"),
    code(408, "too_slow", "The request took longer than 15 seconds to arrive"),
    code(409, "other_account", "The new key belongs to another company; accounts names both"),
    code(
        409,
        "nothing_to_do",
        "It is not in the state that this needs, such as deleted; or several have the name",
    ),
    code(409, "sync_stopped", "The app or the destination of the sync cannot be used as it is"),
    code(409, "idempotency_in_progress", "The first request with this Idempotency-Key is still at work"),
    code(409, "connector_gone", "The connector of this connection is not installed any more"),
    code(412, "stale", "If-Match names an old revision"),
    code(413, "too_large", "The body is larger than 64 KiB"),
    code(415, "not_json", "The Content-Type is not application/json"),
    code(422, "idempotency_mismatch", "The Idempotency-Key was used for another request"),
    code(400, "two_tokens", "Proxy: the request holds two different access tokens"),
    code(400, "token_misplaced", "Proxy: an access token stands where it would be passed on to the app"),
    code(408, "request_stalled", "Proxy: the app waited for the body of the request, and no more of it came"),
    code(400, "bad_path", "Proxy: the path can be read in two ways, or leads away from the app"),
    code(400, "wrong_host", "Proxy: x-keyhaven-host names none of the connection's hosts"),
    code(
        429,
        "quota_used_up",
        "Proxy: the access token has made all the calls it may make in a minute or a day",
    ),
    code(429, "too_many_at_once", "Proxy: more calls wait than the app allows in the next seconds"),
    code(
        429,
        "app_paused",
        "Proxy: the app said that it gets too many requests, and is left alone for a while",
    ),
    code(429, "budget_exhausted", "Proxy: the app's budget of today is used up"),
    code(
        429,
        "budget_share_used_up",
        "Proxy: the access token has used its share of the app's budget of today",
    ),
    code(502, "unreachable", "Proxy: the app cannot be reached, or what it answers is no HTTP"),
    code(504, "timed_out", "Proxy: the app did not answer in time"),
    code(500, "secret_does_not_open", "A saved secret does not open: enter it again"),
    code(500, "internal", "A fault of Keyhaven's own; its log tells more"),
    code(503, "database_unavailable", "The database does not answer; try again shortly"),
];
