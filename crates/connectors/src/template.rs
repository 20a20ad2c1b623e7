//! `{field}` in texts of a connector.

use std::collections::BTreeMap;

use url::Url;

/// The fields that a template names.
pub(crate) fn fields(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(field, _)| field))
}

/// Fills a template with plain values; `None` if one is missing.
pub(crate) fn fill(template: &str, plain: &BTreeMap<String, String>) -> Option<String> {
    fill_with(template, |field, out| plain.get(field).map(|value| out.push_str(value)))
}

/// Fills a template by writing the value of each field; `None` if one is missing.
pub(crate) fn fill_with(template: &str, write: impl Fn(&str, &mut String) -> Option<()>) -> Option<String> {
    let (mut out, mut rest) = (String::new(), template);
    // Most are short, and shorter than what a search in long texts would take to begin.
    let find = |text: &str, what: u8| text.bytes().position(|byte| byte == what);
    while let Some(start) = find(rest, b'{') {
        out += &rest[..start];
        let part = &rest[start + 1..];
        let end = find(part, b'}')?;
        let before = out.len();
        write(&part[..end], &mut out).filter(|()| out.len() > before)?;
        rest = &part[end + 1..];
    }
    Some(out + rest)
}

/// Fills a template of a host or URL with plain values. `None` if one is missing, or if a value would make it
/// another host than the template says.
pub(crate) fn fill_url(template: &str, plain: &BTreeMap<String, String>) -> Option<Url> {
    let text = fill(template, plain)?;
    let url = Url::parse(&text).ok()?;
    let clean = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
    (clean && url.host_str()?.ends_with(fixed_host(template))).then_some(url)
}

/// The same for an entry of `hosts`: a host name, or the field of a URL.
pub(crate) fn fill_host(template: &str, plain: &BTreeMap<String, String>) -> Option<Url> {
    let is_host = !template.ends_with('}');
    if is_host && fields(template).any(|field| plain.get(field).is_none_or(|value| !is_label(value))) {
        return None;
    }
    let whole = if is_host { format!("https://{template}/") } else { template.to_owned() };
    fill_url(&whole, plain)
}

/// Can it stand between the dots of a host name? Underscores can, as some have them all the same.
pub(crate) fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
}

/// What of the host stands fixed in the template: `.pipedrive.com` of `https://{domain}.pipedrive.com/x`.
fn fixed_host(template: &str) -> &str {
    let Some(rest) = template.strip_prefix("https://") else { return "" };
    let host = rest.split('/').next().unwrap_or_default();
    host.rsplit('}').next().unwrap_or_default()
}
