//! Faults on a real network, with real TLS.
