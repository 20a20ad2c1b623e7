//! What the browser sent and what came back, from its own log.

use serde_json::Value;

use crate::Browser;

/// One request of the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where it went.
    pub url: String,
    /// Bytes of the answer as they came over the wire, with headers.
    pub bytes: u64,
}

impl Browser {
    /// Opens a page with nothing in the cache; all the requests that it takes.
    pub async fn requests_of(&self, page: &str) -> Vec<Request> {
        self.forget_cache().await;
        self.requests().await;
        self.goto(page).await;
        self.requests().await
    }

    /// The requests since this was last asked.
    pub async fn requests(&self) -> Vec<Request> {
        let mut sent: Vec<(String, Request)> = Vec::new();
        for entry in self.log("performance").await {
            let Some(message) =
                entry["message"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok())
            else {
                continue;
            };
            let (method, params) = (&message["message"]["method"], &message["message"]["params"]);
            let id = params["requestId"].as_str().unwrap_or_default();
            match method.as_str() {
                Some("Network.requestWillBeSent") => {
                    let url = params["request"]["url"].as_str().unwrap_or_default().to_owned();
                    sent.push((id.to_owned(), Request { url, bytes: 0 }));
                }
                Some("Network.loadingFinished") => {
                    let bytes = params["encodedDataLength"].as_f64().unwrap_or_default() as u64;
                    // After a redirect the id is that of the first request; the size is the last one's.
                    if let Some((_, request)) = sent.iter_mut().rev().find(|(known, _)| known == id) {
                        request.bytes = bytes;
                    }
                }
                _ => {}
            }
        }
        sent.into_iter()
            .map(|(_, request)| request)
            .filter(|request| !request.url.starts_with("data:"))
            .collect()
    }
}
