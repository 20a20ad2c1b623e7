//! `--paginate`: from page to page as the connector says, one record after the other.

use std::{borrow::Cow, collections::HashMap, process::ExitCode, time::Duration};

use http::{StatusCode, header};
use keyhaven_core::Pages;
use serde_json::value::RawValue;

use super::{
    Call, Filter, Screen,
    answer::{self, Answer},
    connector, escaped, nothing,
};
use crate::cli::{
    backend::Target,
    failure::Failure,
    printer::{Printer, plain},
};

/// Of a page that is an error this much is shown.
const MAX_SHOWN: usize = 2000;

/// So often is waited for a page, in seconds.
const MAX_WAITS: usize = 10;
const MAX_PAUSE: u64 = 60;
/// Where nobody tells for how long.
const PAUSE: u64 = 2;

/// How the list at this path is paged.
pub(super) async fn of(target: &Target, connection: &str, path: &str) -> Result<Pages, Failure> {
    let app = connector(target, connection).await?;
    app.in_use.pages(path).cloned().ok_or_else(|| {
        let message = format!("how lists of {} at this path are paged is not known", plain(&app.name));
        Failure::usage(message, "Leave --paginate out and ask for each page.")
    })
}

/// Prints the records of all pages.
pub(super) async fn follow(
    call: &Call,
    mut query: Option<String>,
    pages: &Pages,
    filter: Option<&Filter>,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let mut list = List::new(filter);
    let mut last = None;
    loop {
        let page = ask(call, query.as_deref(), printer).await?;
        if !answer::is_good(page.status()) {
            return refused(page, printer).await;
        }
        let page = answer::whole(page).await?;
        let page: &RawValue = serde_json::from_slice(&page).map_err(|_| no_list("a page is no JSON"))?;
        list.add(at(page, &pages.items).ok_or_else(|| no_list("a page holds no list"))?)?;
        let Some(next) = next(page, pages) else { break };
        if last.as_ref() == Some(&next) {
            return Err(no_list("the app gives the same page again and again"));
        }
        query = Some(with(query.as_deref(), &pages.param, &next));
        last = Some(next);
    }
    list.end()?;
    Ok(ExitCode::SUCCESS)
}

/// A page. Whoever wants them all waits a little where too many are asked for at once.
async fn ask(call: &Call, query: Option<&str>, printer: &Printer) -> Result<Answer, Failure> {
    for _ in 0..MAX_WAITS {
        let answer = call.pass(query.map(str::to_owned), nothing()).await?;
        let Some(wait) = pause(&answer) else { return answer::of_app(&call.passage, answer).await };
        printer.note(format!("Too many calls at once: going on in {wait} s."));
        tokio::time::sleep(Duration::from_secs(wait)).await;
    }
    call.send(query.map(str::to_owned), nothing()).await
}

/// Seconds until the next try is worth it, if it soon is.
fn pause(answer: &Answer) -> Option<u64> {
    if answer.status() != StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let told = answer.headers().get(header::RETRY_AFTER).map(|value| value.to_str().ok()?.parse().ok());
    told.unwrap_or(Some(PAUSE)).filter(|wait| *wait <= MAX_PAUSE)
}

/// The array that is printed.
struct List<'a> {
    filter: Option<&'a Filter>,
    screen: Screen,
    is_empty: bool,
}

impl<'a> List<'a> {
    fn new(filter: Option<&'a Filter>) -> Self {
        Self { filter, screen: Screen::new(filter.is_none()), is_empty: true }
    }

    /// Pages without records may hold null. What is no list is one record.
    fn add(&mut self, items: &RawValue) -> Result<(), Failure> {
        let items = match items.get() {
            "null" => Vec::new(),
            text => serde_json::from_str(text).unwrap_or_else(|_| vec![items]),
        };
        for item in items {
            if let Some(filter) = self.filter {
                answer::pick(filter, item.get().as_bytes())?;
                continue;
            }
            let before = if self.is_empty { "[\n" } else { ",\n" };
            self.screen.print(format!("{before}{}", item.get()).as_bytes())?;
            self.is_empty = false;
        }
        Ok(())
    }

    fn end(mut self) -> Result<(), Failure> {
        if self.filter.is_none() {
            self.screen.print(if self.is_empty { b"[]\n" } else { b"\n]\n" })?;
            self.screen.end()?;
        }
        Ok(())
    }
}

/// The value for the next page's parameter, where there is a next page.
fn next(page: &RawValue, pages: &Pages) -> Option<String> {
    if let Some(more) = &pages.more
        && at(page, more).is_none_or(|more| more.get() != "true")
    {
        return None;
    }
    match at(page, &pages.next)?.get() {
        "null" => None,
        text => Some(serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())),
    }
}

/// What stands at a JSON pointer, as it was written.
fn at<'a>(value: &'a RawValue, pointer: &str) -> Option<&'a RawValue> {
    let mut value = value;
    for part in pointer.split('/').skip(1) {
        let name = part.replace("~1", "/").replace("~0", "~");
        let mut object: HashMap<Cow<'a, str>, &'a RawValue> = serde_json::from_str(value.get()).ok()?;
        value = object.remove(name.as_str())?;
    }
    Some(value)
}

/// The query that asks for a page.
fn with(query: Option<&str>, param: &str, value: &str) -> String {
    let others = query.unwrap_or_default().split('&');
    let others = others.filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(param));
    let value = escaped(value).replace('&', "%26").replace('+', "%2B").replace('=', "%3D");
    let page = format!("{param}={value}");
    others.chain([page.as_str()]).collect::<Vec<_>>().join("&")
}

/// The array stays open: what was printed is not everything.
async fn refused(page: Answer, printer: &Printer) -> Result<ExitCode, Failure> {
    let status = page.status();
    let body = answer::whole(page).await?;
    let shown = &body[..body.len().min(MAX_SHOWN)];
    printer.note(plain(&String::from_utf8_lossy(shown)));
    Ok(answer::code(status, printer))
}

fn no_list(message: &str) -> Failure {
    let remedy = "Leave --paginate out and look at the answer itself.";
    Failure::new(1, "no_list", message, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_followed_as_the_connector_says() {
        let pages = |more: Option<&str>| Pages {
            path: "/**".to_owned().try_into().unwrap(),
            param: "start".into(),
            next: "/additional_data/next".into(),
            more: more.map(str::to_owned),
            items: "/data".into(),
        };
        let next = |text: &str, more| next(serde_json::from_str(text).unwrap(), &pages(more));
        assert_eq!(next(r#"{"additional_data":{"next":"a=b"}}"#, None).as_deref(), Some("a=b"));
        assert_eq!(next(r#"{"additional_data":{"next":100},"m":true}"#, Some("/m")).as_deref(), Some("100"));
        assert_eq!(next(r#"{"additional_data":{"next":100},"m":false}"#, Some("/m")), None);
        assert_eq!(next(r#"{"additional_data":{"next":null}}"#, None), None);
        assert_eq!(next(r#"{"additional_data":null}"#, None), None);
        assert_eq!(with(Some("limit=5&start=0"), "start", "a+b=="), "limit=5&start=a%2Bb%3D%3D");
        assert_eq!(with(None, "start", "100"), "start=100");
    }
}
