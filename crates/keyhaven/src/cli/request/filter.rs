//! `--jq`: a filter in the language of jq, by jaq.

use std::{fmt, sync::Arc};

use jaq_core::{
    Compiler, Ctx, Native, Vars,
    compile::Filter as Compiled,
    data::JustLut,
    load::{Arena, Error, File, Loader},
    unwrap_valr,
};
use jaq_json::{Val, read};

/// A filter that was understood.
#[derive(Clone)]
pub(super) struct Filter(Arc<Compiled<Native<JustLut<Val>>>>);

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter")
    }
}

impl Filter {
    /// Reads a filter, or says near which of its words it cannot be understood.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let arena = Arena::default();
        let modules = Loader::new(definitions)
            .load(&arena, File { code: text, path: () })
            .map_err(|errors| near(errors.first().and_then(|(_, error)| place(error))))?;
        let compiled = Compiler::default().with_funs(functions).compile(modules).map_err(|errors| {
            let unknown = errors.first().and_then(|(_, unknown)| unknown.first());
            near(unknown.map(|(name, _)| *name))
        })?;
        Ok(Self(Arc::new(compiled)))
    }

    /// What it picks from a JSON text: texts bare, everything else as JSON.
    pub(super) fn run(&self, json: &[u8]) -> Result<Vec<String>, String> {
        let input = read::parse_single(json).map_err(|_| "the answer is no JSON".to_owned())?;
        let ctx = Ctx::<JustLut<Val>>::new(&self.0.lut, Vars::new([]));
        let picked = self.0.id.run((ctx, input)).map(unwrap_valr);
        picked
            .map(|value| match value {
                Ok(Val::TStr(text)) => Ok(String::from_utf8_lossy(&text).into_owned()),
                Ok(value) => Ok(value.to_string()),
                Err(error) => Err(error.to_string()),
            })
            .collect()
    }
}

fn near(place: Option<&str>) -> String {
    match place.map(str::trim).filter(|place| !place.is_empty()) {
        Some(place) => format!("it is not understood near “{place}”; write it as for jq"),
        None => "it ends too early; write it as for jq".into(),
    }
}

fn place<'a>(error: &Error<&'a str>) -> Option<&'a str> {
    match error {
        Error::Io(_) => None,
        Error::Lex(errors) => errors.first().map(|(_, rest)| *rest),
        Error::Parse(errors) => errors.first().map(|(_, rest)| *rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_picks_as_jq_does() {
        let run = |filter: &str, json: &str| Filter::compile(filter).unwrap().run(json.as_bytes());
        let deals = r#"{"data":[{"id":1,"title":"A"},{"id":2,"title":"B"}]}"#;
        assert_eq!(run(".data[].title", deals).unwrap(), ["A", "B"]);
        assert_eq!(run(".data | map(.id)", deals).unwrap(), ["[1,2]"]);
        assert_eq!(run(".data[] | select(.id > 1) | \"\\(.id) \\(.title)\"", deals).unwrap(), ["2 B"]);
        assert_eq!(run(".data | length", deals).unwrap(), ["2"]);
        assert!(run(".data.x", deals).is_err() && run(".", "nonsense").is_err());
        for (wrong, near) in [(".data[", "too early"), (".a | frobnicate", "frobnicate"), (". §", "§")] {
            assert!(Filter::compile(wrong).unwrap_err().contains(near), "{wrong}");
        }
    }
}
