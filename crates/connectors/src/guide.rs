//! The guide beside the form: `guide.md`, cut into steps.

/// An introduction and numbered steps. Texts are Markdown.
#[derive(Clone, Debug, Default)]
pub struct Guide {
    /// What stands before the first step.
    pub intro: String,
    /// One for each `## ` heading.
    pub steps: Vec<GuideStep>,
}

/// One step.
#[derive(Clone, Debug, Default)]
pub struct GuideStep {
    /// The heading.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// The picture, if the step has a line `![alt](file.svg)`.
    pub picture: Option<Picture>,
}

/// A picture of a step.
#[derive(Clone, Debug)]
pub struct Picture {
    /// A file of the connector.
    pub file: String,
    /// What it shows, for whoever cannot see it.
    pub alt: String,
}

impl Guide {
    pub(crate) fn parse(text: &str) -> Self {
        let mut guide = Self::default();
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("## ") {
                guide.steps.push(GuideStep { title: title.trim().into(), ..GuideStep::default() });
                continue;
            }
            let Some(step) = guide.steps.last_mut() else {
                push_line(&mut guide.intro, line);
                continue;
            };
            match picture(line) {
                Some(picture) => step.picture = Some(picture),
                None => push_line(&mut step.body, line),
            }
        }
        guide.intro = guide.intro.trim().into();
        for step in &mut guide.steps {
            step.body = step.body.trim().into();
        }
        guide
    }
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn picture(line: &str) -> Option<Picture> {
    let (alt, rest) = line.trim().strip_prefix("![")?.split_once("](")?;
    Some(Picture { file: rest.strip_suffix(')')?.into(), alt: alt.into() })
}
