//! Names of columns: what people call a field, in letters that every database takes.

use std::collections::BTreeSet;

/// PostgreSQL cuts names at 63 bytes; endings such as `_admin_area_level_1` need room.
const LONGEST: usize = 40;

/// Words that mean something else in SQL, on either database.
const RESERVED: &[&str] = &[
    "all",
    "alter",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "begin",
    "between",
    "binary",
    "both",
    "by",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "commit",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "delete",
    "desc",
    "distinct",
    "do",
    "drop",
    "else",
    "end",
    "escape",
    "except",
    "exists",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "if",
    "ilike",
    "in",
    "index",
    "initially",
    "inner",
    "insert",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "nothing",
    "notnull",
    "null",
    "offset",
    "oid",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "rowid",
    "select",
    "session_user",
    "set",
    "similar",
    "some",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "transaction",
    "true",
    "union",
    "unique",
    "update",
    "user",
    "using",
    "values",
    "variadic",
    "verbose",
    "view",
    "when",
    "where",
    "window",
    "with",
    "ctid",
    "xmin",
    "xmax",
    "cmin",
    "cmax",
    "tableoid",
];

/// `Vertragsende (neu)` becomes `vertragsende_neu`. A name without a letter or digit is called after its code.
pub(crate) fn column_name(field: &str, code: &str) -> String {
    let plain = deunicode::deunicode_with_tofu(field, "");
    let mut name = String::new();
    for c in plain.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => name.push(c.to_ascii_lowercase()),
            '\'' => {}
            _ if name.ends_with('_') || name.is_empty() => {}
            _ => name.push('_'),
        }
        if name.len() == LONGEST {
            break;
        }
    }
    let name = name.trim_end_matches('_');
    if name.is_empty() || !has_meaning(field) {
        let code: String = code.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        return format!("field_{}", code.to_ascii_lowercase());
    }
    let numbered = name.starts_with(|c: char| c.is_ascii_digit());
    if numbered {
        return format!("field_{name}");
    }
    if RESERVED.contains(&name) { format!("{name}_field") } else { name.to_owned() }
}

/// Pictures have names in some tables, but nobody calls a field so.
fn has_meaning(field: &str) -> bool {
    field.chars().any(char::is_alphanumeric)
}

/// The name, or the name with the first number for which neither it nor one of its columns is taken.
pub(crate) fn unique(name: &str, endings: &[&str], taken: &BTreeSet<String>) -> String {
    let free = |base: &str| {
        !taken.contains(base) && endings.iter().all(|ending| !taken.contains(&format!("{base}{ending}")))
    };
    let numbered = (2u32..).map(|n| format!("{name}_{n}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|base| free(base)).unwrap_or_default()
}

/// A name as SQL takes it, whatever is in it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_called_as_people_call_them() {
        for (field, name) in [
            ("Contract end date", "contract_end_date"),
            ("Vertragsende (größer)", "vertragsende_grosser"),
            ("合同", "he_tong"),
            ("🎉", "field_abcdef01"),
            ("  ", "field_abcdef01"),
            ("2nd owner", "field_2nd_owner"),
            ("Order", "order_field"),
            ("\"; drop table x", "drop_table_x"),
            ("CEO's choice", "ceos_choice"),
            ("a/b - c", "a_b_c"),
        ] {
            assert_eq!(column_name(field, "abcdef0123"), name, "{field}");
        }
        assert!(column_name(&"x y ".repeat(100), "a").len() <= LONGEST);
    }

    #[test]
    fn no_two_columns_share_a_name() {
        let taken: BTreeSet<String> = ["title", "price_currency", "price_2"].map(String::from).into();
        assert_eq!(unique("title", &[""], &taken), "title_2");
        assert_eq!(unique("price", &["", "_currency"], &taken), "price_3");
        assert_eq!(unique("title", &["_from", "_until"], &taken), "title_2", "a field has one name alone");
    }
}
