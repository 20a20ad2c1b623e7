//! `--jq`: the part of jq that picks values by where they stand.

use std::{borrow::Cow, collections::HashMap};

use serde_json::value::RawValue;

/// Paths, such as `.id, .owner.name`; each gives its values in turn.
#[derive(Clone, Debug)]
pub(super) struct Filter(Vec<Vec<Step>>);

#[derive(Clone, Debug)]
enum Step {
    Name(String),
    At(usize),
    Each,
}

impl Filter {
    /// Reads a filter, or says near what it cannot be understood.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        text.split(',').map(|path| read(path.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// What it picks from a JSON text: texts bare, everything else as it was written.
    pub(super) fn run(&self, json: &[u8]) -> Result<Vec<String>, String> {
        let value: &RawValue =
            serde_json::from_slice(json).map_err(|_| "the answer is no JSON".to_owned())?;
        let mut picked = Vec::new();
        for path in &self.0 {
            pick(value, path, &mut picked)?;
        }
        Ok(picked)
    }
}

fn read(path: &str) -> Result<Vec<Step>, String> {
    let wrong = |rest: &str| {
        format!(
            "it is not understood near “{rest}”; write paths such as .data[].title, with commas between them"
        )
    };
    let mut rest = path.strip_prefix('.').ok_or_else(|| wrong(path))?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = inner.split_once(']').ok_or_else(|| wrong(rest))?;
            steps.push(match index {
                "" => Step::Each,
                index => Step::At(index.parse().map_err(|_| wrong(rest))?),
            });
            rest = after;
            continue;
        }
        let name = if steps.is_empty() { rest } else { rest.strip_prefix('.').ok_or_else(|| wrong(rest))? };
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (name, after) = name.split_at(end);
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
            return Err(wrong(rest));
        }
        steps.push(Step::Name(name.to_owned()));
        rest = after;
    }
    Ok(steps)
}

fn pick(value: &RawValue, path: &[Step], to: &mut Vec<String>) -> Result<(), String> {
    let text = value.get();
    let Some((step, rest)) = path.split_first() else {
        to.push(serde_json::from_str(text).unwrap_or_else(|_| text.to_owned()));
        return Ok(());
    };
    let list = || serde_json::from_str::<Vec<&RawValue>>(text);
    match step {
        // As in jq, what is not there is null, and so is whatever would stand below it.
        _ if text == "null" => pick(value, &[], to),
        Step::Each => list()
            .map_err(|_| "[] stands where there is no list".to_owned())?
            .into_iter()
            .try_for_each(|item| pick(item, rest, to)),
        Step::At(at) => {
            let list = list().map_err(|_| format!("[{at}] stands where there is no list"))?;
            pick(list.get(*at).copied().unwrap_or(RawValue::NULL), rest, to)
        }
        Step::Name(name) => {
            let object: HashMap<Cow<'_, str>, &RawValue> =
                serde_json::from_str(text).map_err(|_| format!(".{name} stands where there is no object"))?;
            pick(object.get(name.as_str()).copied().unwrap_or(RawValue::NULL), rest, to)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_picks_as_jq_does() {
        let run = |filter: &str, json: &str| Filter::compile(filter).unwrap().run(json.as_bytes());
        let deals = r#"{"data":[{"id":1,"title":"A \"x\""},{"id":2,"title":null}],"n":1.50}"#;
        assert_eq!(run(".data[].title", deals).unwrap(), ["A \"x\"", "null"]);
        assert_eq!(run(".data[1].id, .n", deals).unwrap(), ["2", "1.50"]);
        assert_eq!(run(".data[9].id", deals).unwrap(), ["null"]);
        assert_eq!(run(".", "[1]").unwrap(), ["[1]"]);
        assert_eq!(run(".[0]", "[1]").unwrap(), ["1"]);
        assert!(
            run(".data.x", deals).is_err() && run(".n[]", deals).is_err() && run(".", "nonsense").is_err()
        );
        for wrong in [".data[", "data", ".a | length", ".a b", "..", ".a[x]", ""] {
            assert!(Filter::compile(wrong).is_err(), "{wrong}");
        }
    }
}
