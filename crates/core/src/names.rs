//! Connection names and the slugs made from them.

use keyhaven_connectors::FieldError;

/// The longest connection name, in characters.
pub const MAX_NAME: usize = 120;

/// The field under which errors of the name are told.
pub const NAME_FIELD: &str = "name";

/// Trims a name and checks that it can be shown safely: any script and emoji, but nothing that
/// breaks lines or turns the direction of the text around it.
pub fn check(name: &str) -> Result<String, FieldError> {
    let name = name.trim();
    let refuse = |message: &str| Err(FieldError { field: NAME_FIELD.into(), message: message.into() });
    if name.chars().all(|c| c.is_whitespace() || is_blank(c)) {
        return refuse("Give the connection a name, such as “Sales EU”.");
    }
    if name.chars().count() > MAX_NAME {
        return refuse("This name is too long: 120 characters at most.");
    }
    if name.chars().any(|c| c.is_control() || turns_text(c)) {
        return refuse("This name holds invisible control characters. Type it again by hand.");
    }
    Ok(name.to_owned())
}

/// Line separators, and the marks that override the direction of what follows them.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// What somebody asked for, fit to stand in a sentence.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// Letters that show nothing by themselves: joiners, fillers and spaces of no width.
fn is_blank(c: char) -> bool {
    let joins =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{ad}');
    joins
        || matches!(c, '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{2800}' | '\u{3164}')
}

/// Words that stand in addresses where a slug could.
const TAKEN: [&str; 2] = ["new", "deleted"];

/// `Sales EU (main)` → `sales-eu-main`. A name without ASCII letters gives `fallback`.
pub(crate) fn slug(name: &str, fallback: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == 48 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    match slug {
        "" => fallback.to_owned(),
        taken if TAKEN.contains(&taken) => format!("{taken}-{fallback}"),
        free => free.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_pass_and_tricks_do_not() {
        for good in ["Sales EU", " Größe ", "مبيعات", "👩‍💻 team", &"x".repeat(120)] {
            assert_eq!(check(good).ok().as_deref(), Some(good.trim()));
        }
        for bad in [
            "",
            "  ",
            "\u{200b}",
            "\u{3164} \u{200d}",
            "a\0b",
            "a\nb",
            "a\u{202e}b",
            "a\u{2066}b",
            "\u{1b}[31m",
            &"x".repeat(300),
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn slugs_are_plain_words() {
        let table = [
            ("Sales EU", "sales-eu"),
            ("  --A & B--", "a-b"),
            ("مبيعات", "pipedrive"),
            ("é1", "1"),
            // The pages have these addresses.
            ("New", "new-pipedrive"),
            ("deleted!", "deleted-pipedrive"),
            ("New York", "new-york"),
        ];
        for (name, want) in table {
            assert_eq!(slug(name, "pipedrive"), want);
        }
    }
}
