//! Guides as HTML. They may come from strangers: HTML in them is shown as text, and links lead to https only.

use pulldown_cmark::{CowStr, Event, Parser, Tag, TagEnd, html};

pub(super) fn render(text: &str) -> String {
    let mut skipped = 0;
    let events = Parser::new(text).filter_map(move |event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Some(Event::Text(raw)),
        Event::Start(Tag::Link { dest_url, .. }) if dest_url.starts_with("https://") => {
            let open =
                format!("<a href=\"{}\" rel=\"noopener noreferrer\" target=\"_blank\">", escape(&dest_url));
            Some(Event::InlineHtml(CowStr::from(open)))
        }
        Event::Start(Tag::Link { .. } | Tag::Image { .. }) => {
            skipped += 1;
            None
        }
        Event::End(TagEnd::Link | TagEnd::Image) if skipped > 0 => {
            skipped -= 1;
            None
        }
        Event::End(TagEnd::Link) => Some(Event::InlineHtml(CowStr::from("</a>"))),
        other => Some(other),
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_text_and_https_links_gets_through() {
        let html = render(
            "Hi <script>x</script> **b** [a](https://x.test/?\"&1) [b](javascript:alert) ![p](https://x/y.png)\n\n<iframe src=x>",
        );
        assert!(
            html.contains("<strong>b</strong>") && html.contains("href=\"https://x.test/?&quot;&amp;1\""),
            "{html}"
        );
        for bad in ["<script", "<iframe", "<img", "javascript:"] {
            assert!(!html.contains(bad), "{bad}: {html}");
        }
    }
}
