//! Patterns of paths: `/api/v2/deals/*` for one segment, `/api/v2/**` for all that follows.

use std::{fmt, ops::RangeInclusive};

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Fixed(String),
    One,
    Rest,
}

/// A pattern of paths. Paths are percent-decoded and begin with a slash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern {
    segments: Vec<Segment>,
    /// How many segments a path that fits has.
    size: RangeInclusive<usize>,
    /// How every path begins that fits: most do not, and are told by this.
    beginning: String,
}

impl PathPattern {
    /// Reads a pattern, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix('/').ok_or("a path pattern begins with /")?;
        if text.len() > 500
            || text.chars().any(|c| c.is_control() || matches!(c, '?' | '#' | '\\' | '%' | ' '))
        {
            return Err("a path pattern has 500 bytes at most and no query; write é instead of %C3%A9");
        }
        let mut segments = Vec::new();
        for part in rest.split('/') {
            if segments.last() == Some(&Segment::Rest) {
                return Err("** stands for the rest of a path, and so only at its end");
            }
            segments.push(match part {
                "*" => Segment::One,
                "**" => Segment::Rest,
                "." | ".." => return Err("a path pattern has no . or .. in it"),
                part if part.contains('*') => {
                    return Err("* stands for a whole segment, as in /api/v2/deals/*");
                }
                part => Segment::Fixed(part.into()),
            });
        }
        let fixed = segments.iter().map_while(|segment| match segment {
            Segment::Fixed(text) => Some(text.as_str()),
            _ => None,
        });
        let beginning = fixed.collect::<Vec<_>>().join("/");
        let size = match segments.last() {
            Some(Segment::Rest) => segments.len() - 1..=usize::MAX,
            _ => segments.len()..=segments.len(),
        };
        Ok(Self { segments, size, beginning })
    }

    /// Does it fit? `**` also fits nothing: `/api/**` fits `/api`.
    pub fn fits(&self, path: &str) -> bool {
        self.fits_one(&Path::new(path))
    }

    /// The same for a path that is held against many patterns.
    pub(crate) fn fits_one(&self, path: &Path<'_>) -> bool {
        let Path { text: path, segments } = *path;
        if !self.size.contains(&segments) || !path.starts_with(&self.beginning) {
            return false;
        }
        let mut rest = Some(path);
        for segment in &self.segments {
            let length = match (segment, rest) {
                (Segment::Rest, _) => return true,
                (Segment::One, Some(rest)) if !rest.is_empty() && !rest.starts_with('/') => {
                    rest.bytes().position(|byte| byte == b'/').unwrap_or(rest.len())
                }
                (Segment::Fixed(want), Some(rest)) if rest.starts_with(want.as_str()) => want.len(),
                _ => return false,
            };
            let behind = rest.map_or("", |rest| &rest[length..]);
            rest = behind.strip_prefix('/');
            if rest.is_none() && !behind.is_empty() {
                return false;
            }
        }
        rest.is_none()
    }
}

/// A path, with what tells most patterns that it does not fit.
pub(crate) struct Path<'a> {
    /// Without the first slash.
    text: &'a str,
    segments: usize,
}

impl<'a> Path<'a> {
    pub(crate) fn new(path: &'a str) -> Self {
        let text = path.strip_prefix('/').unwrap_or(path);
        Self { text, segments: 1 + text.bytes().filter(|byte| *byte == b'/').count() }
    }
}

impl TryFrom<String> for PathPattern {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::parse(&text)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            let text = match segment {
                Segment::Fixed(text) => text,
                Segment::One => "*",
                Segment::Rest => "**",
            };
            write!(f, "/{text}")?;
        }
        Ok(())
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_paths() {
        for (pattern, fits, not) in [
            ("/api/v2/deals", &["/api/v2/deals"][..], &["/api/v2/deals/", "/api/v2/deals/1", "/api/v2"][..]),
            (
                "/api/v2/deals/*",
                &["/api/v2/deals/1"],
                &["/api/v2/deals", "/api/v2/deals/", "/api/v2/deals/1/x"],
            ),
            ("/*/deals", &["/v1/deals"], &["//deals", "/deals", "/api/v1/deals"]),
            ("/api/**", &["/api", "/api/", "/api/v1/x"], &["/apix", "/", "/v1/api"]),
            ("/**", &["/", "/a/b"], &[]),
            ("/", &["/"], &["/a"]),
        ] {
            let text = pattern;
            let pattern = PathPattern::parse(text).unwrap();
            assert_eq!(pattern.to_string(), text);
            assert!(fits.iter().all(|path| pattern.fits(path)), "{pattern:?}");
            assert!(!not.iter().any(|path| pattern.fits(path)), "{pattern:?}");
        }
        for wrong in ["", "api", "/a/**/b", "/a*", "/a/../b", "/a?b", "/a\\b", "/a\nb"] {
            assert!(PathPattern::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
