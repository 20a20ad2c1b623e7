//! Accessibility, by axe-core.

use serde_json::Value;

use crate::Browser;

const AXE: &str = include_str!("../vendor/axe.min.js");

const RUN: &str = r"
const done = arguments[arguments.length - 1];
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }).then(
  (results) => done(results.violations.flatMap((it) => it.nodes.map((node) =>
    `${it.id} (${it.help}): ${node.html.slice(0, 160)} ${(node.any[0] || node.all[0] || node.none[0] || {}).message || ''}`))),
  (error) => done(['axe failed: ' + error]));
";

impl Browser {
    /// What axe-core finds on this page: WCAG 2.2 AA and its best practices; one line each.
    pub async fn violations(&self) -> Vec<String> {
        self.script(AXE, &[]).await;
        match self.script_async(RUN).await {
            Value::Array(lines) => lines.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            other => panic!("axe-core said {other}"),
        }
    }
}
