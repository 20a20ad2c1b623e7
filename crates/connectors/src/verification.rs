//! The live check as a state machine: it says what to send, is told what came, and ends with a verdict.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, header};

use crate::{
    Answer, Connector, Fault, OutRequest, Reason, Suggestion, Values, Verdict,
    rules::{Ask, Belongs, Reading},
    template,
};

/// What to do next.
pub enum Next {
    /// Send this, then call [`Verification::answer`] or [`Verification::fault`].
    Send(OutRequest),
    /// That is it.
    Done(Verdict),
}

/// One verification. Sends at most two requests.
pub struct Verification<'a> {
    connector: &'a Connector,
    values: &'a Values,
    asking: Option<&'a Ask>,
    /// The status of the first answer as its rules read it, where that left the question open.
    open: Option<u16>,
    done: Option<Verdict>,
}

impl Connector {
    /// What an answer of “too many” means, by the connector's rules, and for how long.
    pub fn judge_refusal(&self, answer: &Answer) -> (Reason, Option<Duration>) {
        let reading = Reading::of("", answer, self.verify.error_code.as_deref());
        let rule = self.verify.rule_for(&reading);
        let reason = rule.and_then(|rule| rule.reason).unwrap_or(Reason::RateLimited);
        (reason, reading.wait(reason, rule.and_then(|rule| rule.wait)))
    }
}

impl<'a> Verification<'a> {
    /// Begins with the first question for which all values are there.
    pub fn new(connector: &'a Connector, values: &'a Values) -> Self {
        let filled = |field: &String| values.plain.get(field).is_some_and(|value| !value.is_empty());
        let asking = connector.verify.asks.iter().find(|ask| ask.needs.iter().all(filled));
        Self { connector, values, asking, open: None, done: None }
    }

    /// What to do next.
    #[expect(clippy::should_implement_trait, reason = "each step needs its answer: this is no iterator")]
    pub fn next(&mut self) -> Next {
        if let Some(verdict) = &self.done {
            return Next::Done(verdict.clone());
        }
        match self.request() {
            Some(request) => Next::Send(request),
            // Values that were checked always make a request; these come from an older connector.
            None => Next::Done(Verdict::new(Reason::NotUnderstood).with_detail("no_request")),
        }
    }

    fn request(&self) -> Option<OutRequest> {
        let url = template::fill_url(&self.asking?.url, &self.values.plain)?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        self.connector.authorise(self.values, &mut headers)?;
        Some(OutRequest { method: Method::GET, url, headers })
    }

    /// No answer came.
    pub fn fault(&mut self, fault: Fault) {
        self.settle(fault.verdict());
    }

    /// This answer came.
    pub fn answer(&mut self, answer: Answer) {
        let Some(ask) = self.asking.filter(|_| self.done.is_none()) else { return };
        let verify = &self.connector.verify;
        let reading = Reading::of(&ask.id, &answer, verify.error_code.as_deref());
        let rule = verify.rule_for(&reading);
        if let Some(next) = rule.and_then(|rule| rule.ask.as_ref())
            && self.open.is_none()
        {
            self.asking = verify.asks.iter().find(|ask| ask.id == *next);
            self.open = Some(reading.status);
            return;
        }
        let mut verdict = match rule.and_then(|rule| rule.reason.map(|reason| (rule, reason))) {
            Some((rule, reason)) => {
                let mut verdict = Verdict::new(reason);
                verdict.detail.clone_from(&rule.detail);
                if reason.is_transient() {
                    verdict.retry_after = reading.wait(reason, rule.wait);
                }
                verdict
            }
            None => Verdict::new(Reason::NotUnderstood).with_detail(format!("status_{}", reading.status)),
        };
        verdict.http_status = Some(answer.status);
        if matches!(verdict.reason, Reason::Ok | Reason::AccessDenied) {
            verdict.account = reading.account(&verify.account);
        }
        if verdict.reason == Reason::Ok {
            self.compare(&reading, &mut verdict);
        }
        self.settle(verdict);
    }

    /// The key works: does it work for the company that was typed?
    fn compare(&self, reading: &Reading<'_>, verdict: &mut Verdict) {
        let Some(belongs) = &self.connector.verify.belongs else { return };
        let typed = self.values.plain.get(&belongs.field).map(String::as_str).unwrap_or_default();
        match self.right(belongs, reading) {
            Some(right) if typed.is_empty() => {
                verdict.learned.insert(belongs.field.clone(), right);
            }
            Some(right) if typed != right => {
                verdict.reason = Reason::WrongDomain;
                let detail = if self.open.is_some() { "unknown_domain" } else { "other_company" };
                verdict.detail = Some(detail.into());
                verdict.suggestion = Some(Suggestion { field: belongs.field.clone(), value: right });
            }
            // The company's own host refused the key that the shared host takes, and no other domain explains it.
            _ if self.open.is_some() => {
                verdict.reason = Reason::NotUnderstood;
                verdict.detail = Some("disagreement".into());
            }
            _ => {}
        }
    }

    /// The field's right value as the app tells it: put through the field's own check before it is believed.
    fn right(&self, belongs: &Belongs, reading: &Reading<'_>) -> Option<String> {
        let told = reading.word(Some(&belongs.equals))?;
        let field = self.connector.fields.iter().find(|field| field.id == belongs.field)?;
        field.normalise(&told).ok().filter(|right| !right.is_empty())
    }

    /// Where the second question found nothing out, it stays open whether key or domain is wrong: one of them is, if
    /// the first answer refused the key. A first answer that did not judge it leaves a fault what it is.
    fn settle(&mut self, verdict: Verdict) {
        let decided = !verdict.reason.is_transient() || verdict.detail.as_deref() == Some("disagreement");
        self.done = Some(match self.open {
            Some(status @ 401) if !decided => Verdict {
                http_status: Some(status),
                ..Verdict::new(Reason::KeyRejected).with_detail("key_or_domain")
            },
            _ => verdict,
        });
    }
}
