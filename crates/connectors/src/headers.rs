//! Names of headers that are neither a caller's to send nor an app's to take its key in.

/// Headers of one connection (RFC 9110, section 7.6.1).
pub fn is_transport(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// What frames or routes a message, tells who asks, or is Keyhaven's own. `name` is in lower case.
pub fn is_reserved(name: &str) -> bool {
    is_transport(name)
        || name.starts_with("x-keyhaven")
        || name.starts_with("x-forwarded")
        || name.starts_with("proxy-")
        || matches!(
            name,
            "cf-connecting-ip"
                | "client-ip"
                | "content-length"
                | "expect"
                | "fastly-client-ip"
                | "forwarded"
                | "forwarded-for"
                | "host"
                | "http2-settings"
                | "proxy"
                | "true-client-ip"
                | "via"
                | "x-client-ip"
                | "x-cluster-client-ip"
                | "x-host"
                | "x-http-host-override"
                | "x-original-forwarded-for"
                | "x-original-host"
                | "x-original-url"
                | "x-real-ip"
                | "x-remote-user"
                | "x-rewrite-url"
                // They turn a request that may only read into one that writes.
                | "x-http-method"
                | "x-http-method-override"
                | "x-method-override"
        )
}

/// May an app take its key there? Not where programs say something else.
pub(crate) fn takes_key(name: &str) -> bool {
    !is_reserved(name)
        && !name.starts_with("sec-")
        && !matches!(name, "accept" | "content-type" | "cookie" | "user-agent" | "www-authenticate")
}
