//! Counters in Prometheus' text form. No label ever holds a name, an id or a value of a field.

use std::time::Duration;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    connector: String,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

/// All counters of one server.
pub struct Metrics {
    registry: Registry,
    verifications: Family<Outcome, Counter>,
    verification_seconds: Histogram,
    requests: Family<Answered, Counter>,
    connections: Gauge,
    attention: Gauge,
    calls: [Counter; 5],
    calls_in_flight: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Class {
    class: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("keyhaven");
        let verifications = Family::default();
        let verification_seconds = Histogram::new([0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]);
        let (requests, connections, attention) = (Family::default(), Gauge::default(), Gauge::default());
        registry.register("verifications", "Verifications by app and outcome", verifications.clone());
        registry.register(
            "verification_seconds",
            "How long a verification took",
            verification_seconds.clone(),
        );
        registry.register("http_requests", "Requests answered, by route and status", requests.clone());
        registry.register(
            "connections",
            "Connections that are not deleted, counted up to 1000",
            connections.clone(),
        );
        registry.register(
            "connections_needing_attention",
            "Connections that show !, counted up to 1000",
            attention.clone(),
        );
        let (by_class, calls_in_flight) = (Family::<Class, Counter>::default(), Gauge::default());
        let calls =
            ["1xx", "2xx", "3xx", "4xx", "5xx"].map(|class| by_class.get_or_create(&Class { class }).clone());
        registry.register(
            "calls",
            "Calls passed on or refused by the proxy, by class of their status",
            by_class,
        );
        registry.register("calls_in_flight", "Calls that have not ended yet", calls_in_flight.clone());
        Self {
            registry,
            verifications,
            verification_seconds,
            requests,
            connections,
            attention,
            calls,
            calls_in_flight,
        }
    }
}

impl Metrics {
    pub(crate) fn verified(&self, connector: &str, reason: &'static str, took: Duration) {
        self.verifications.get_or_create(&Outcome { connector: connector.into(), reason }).inc();
        self.verification_seconds.observe(took.as_secs_f64());
    }

    /// Counts one answered request. `route` is the pattern, not the path.
    pub fn answered(&self, method: &'static str, route: &str, status: u16) {
        self.requests.get_or_create(&Answered { method, route: route.into(), status }).inc();
    }

    pub(crate) fn call_began(&self) {
        self.calls_in_flight.inc();
    }

    pub(crate) fn call_ended(&self, status: u16) {
        self.calls_in_flight.dec();
        let class = usize::from(status / 100).clamp(1, self.calls.len());
        self.calls[class - 1].inc();
    }

    pub(crate) fn set_connections(&self, all: i64, attention: i64) {
        self.connections.set(all);
        self.attention.set(attention);
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
