//! The first call in four languages, filled in with one connection.

use keyhaven_core::TokenHeader;

/// Code to copy.
pub(super) struct Snippet {
    pub language: &'static str,
    pub code: String,
}

/// `url` is whole; the token comes from the environment, so that it stands in no file.
pub(super) fn all(url: &str, header: &TokenHeader) -> Vec<Snippet> {
    let TokenHeader { name, before } = header;
    let (python, node, rust) = match before.as_str() {
        "" => (
            r#"os.environ["KEYHAVEN_TOKEN"]"#.to_owned(),
            "process.env.KEYHAVEN_TOKEN".to_owned(),
            "token".to_owned(),
        ),
        before => (
            format!(r#""{before}" + os.environ["KEYHAVEN_TOKEN"]"#),
            format!("`{before}${{process.env.KEYHAVEN_TOKEN}}`"),
            format!(r#"format!("{before}{{token}}")"#),
        ),
    };
    let snippet = |language, code| Snippet { language, code };
    vec![
        snippet("curl", format!("curl '{url}' \\\n  -H \"{name}: {before}$KEYHAVEN_TOKEN\"")),
        snippet(
            "Python",
            format!(
                "import os\nimport requests\n\nanswer = requests.get(\n    \"{url}\",\n    headers={{\"{name}\": {python}}},\n    \
                 timeout=30,\n)\nanswer.raise_for_status()\nprint(answer.json())"
            ),
        ),
        snippet(
            "Node",
            format!(
                "// In a file whose name ends with .mjs\nconst answer = await fetch(\"{url}\", {{\n  headers: {{ \"{name}\": {node} }},\n}});\n\
                 if (!answer.ok) throw new Error(await answer.text());\nconsole.log(await answer.json());"
            ),
        ),
        snippet(
            "Rust",
            format!(
                "// Cargo.toml: ureq = \"3\"\nfn main() -> Result<(), Box<dyn std::error::Error>> {{\n    \
                 let token = std::env::var(\"KEYHAVEN_TOKEN\")?;\n    let mut answer = ureq::get(\"{url}\")\n        \
                 .header(\"{name}\", {rust})\n        .call()?;\n    \
                 println!(\"{{}}\", answer.body_mut().read_to_string()?);\n    Ok(())\n}}"
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_stands_where_the_app_takes_its_key() {
        let url = "http://127.0.0.1:8787/proxy/sales-eu/api/v2/deals?limit=5";
        let plain = all(url, &TokenHeader { name: "x-api-token".into(), before: String::new() });
        assert_eq!(plain[0].code, format!("curl '{url}' \\\n  -H \"x-api-token: $KEYHAVEN_TOKEN\""));
        assert!(plain[3].code.contains(r#".header("x-api-token", token)"#));
        let bearer = all(url, &TokenHeader { name: "authorization".into(), before: "Bearer ".into() });
        for (snippet, want) in bearer.iter().zip([
            r#"-H "authorization: Bearer $KEYHAVEN_TOKEN""#,
            r#"{"authorization": "Bearer " + os.environ["KEYHAVEN_TOKEN"]}"#,
            r#"{ "authorization": `Bearer ${process.env.KEYHAVEN_TOKEN}` }"#,
            r#".header("authorization", format!("Bearer {token}"))"#,
        ]) {
            assert!(snippet.code.contains(want) && snippet.code.contains(url), "{}", snippet.code);
        }
    }
}
