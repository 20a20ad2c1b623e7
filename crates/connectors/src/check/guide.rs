//! What a guide and its pictures may hold.

use std::collections::BTreeMap;

use super::Findings;
use crate::{Guide, svg};

/// What the pages would show as text only, its writer shall hear of at once.
pub(super) fn prose(guide: &Guide, found: &mut Findings) {
    let texts = guide.steps.iter().flat_map(|step| [&step.title, &step.body]);
    let opens =
        |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
    for text in texts.chain([&guide.intro]) {
        found.unless(!text.split('<').skip(1).any(opens), "guide.md", "may hold no HTML");
        let on_the_web = text.split("](").skip(1).all(|rest| rest.starts_with("https://"));
        found.unless(
            on_the_web,
            "guide.md",
            "each link must lead to https://, and each picture stand on a line of its own",
        );
    }
}

pub(super) fn pictures(guide: &Guide, files: &BTreeMap<String, Vec<u8>>, found: &mut Findings) {
    found.unless(!guide.steps.is_empty(), "guide.md", "must have a step: a line that begins with ##");
    for picture in guide.steps.iter().filter_map(|step| step.picture.as_ref()) {
        found.unless(
            files.contains_key(&picture.file),
            "guide.md",
            format!("there is no picture “{}” in this folder", picture.file),
        );
        found.unless(
            !picture.alt.trim().is_empty(),
            "guide.md",
            format!("the picture “{}” needs words for whoever cannot see it", picture.file),
        );
    }
    for (name, bytes) in files {
        let is_text = matches!(name.as_str(), "connector.toml" | "guide.md" | "streams.toml");
        if let (false, Err(why)) = (is_text, svg::check(name, bytes)) {
            found.unless(false, name, why);
        }
    }
}
