//! STUB
use crate::ctx::Millis;
use std::sync::Arc;
pub struct Call {
    pub connection: Arc<str>,
    pub token: Arc<str>,
    pub at: Millis,
    pub method: http::Method,
    pub path: String,
    pub status: u16,
    pub ms: u32,
    pub cost: u32,
    pub source: Source,
}
pub enum Source {
    App,
    Keyhaven,
}
#[derive(Default)]
pub struct Recorder;
impl Recorder {
    pub fn record(&self, _: Call) {}
}
pub struct Told {
    pub limit: i64,
    pub remaining: i64,
    pub at: Millis,
}
impl crate::Keyhaven {
    pub fn set_told_budget(&self, _: &str, _: Told) {}
}
