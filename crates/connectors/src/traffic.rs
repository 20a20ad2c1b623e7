//! How programs use an app: where they put its key, how its lists are paged, and how much it allows.

use http::{HeaderName, Method};
use serde::{Deserialize, Serialize};

use crate::{PathPattern, pattern::Path};

/// How programs use an app.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Use {
    /// A path that is worth a first call, with its query; begins with `/`.
    pub example_path: String,
    /// The environment variable in which programs look for the key, such as `PIPEDRIVE_API_TOKEN`.
    pub env: Option<String>,
    /// Query parameters in which the app takes its key besides the header.
    pub query: Vec<String>,
    /// How lists are paged; the first that fits the path.
    pub pages: Vec<Pages>,
}

impl Default for Use {
    fn default() -> Self {
        Self { example_path: "/".into(), env: None, query: Vec::new(), pages: Vec::new() }
    }
}

/// How the lists below some paths are paged.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    /// Which paths.
    pub path: PathPattern,
    /// The query parameter that asks for a page.
    pub param: String,
    /// JSON pointer to the parameter's value for the next page; absent or null on the last one.
    pub next: String,
    /// JSON pointer to a flag that says whether there is a next page, where the app has one.
    #[serde(default)]
    pub more: Option<String>,
    /// JSON pointer to the records of a page.
    pub items: String,
}

/// How much an app allows for one credential.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Length of the burst window, in seconds.
    pub window: u64,
    /// Calls within the window, until an answer tells another number.
    pub calls: u32,
    /// Where answers tell the window.
    #[serde(default)]
    pub headers: LimitHeaders,
    /// Paths with a window of their own besides.
    #[serde(default)]
    pub narrow: Vec<Narrow>,
    /// What a day allows.
    #[serde(default)]
    pub budget: Option<Budget>,
    /// What calls cost of the budget; the first that fits. Others cost 1.
    #[serde(default)]
    pub cost: Vec<Cost>,
}

/// Names of headers that hold numbers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitHeaders {
    /// How many in all.
    pub limit: Option<LimitHeader>,
    /// How many are left.
    pub remaining: Option<LimitHeader>,
    /// Seconds until all are there again.
    pub reset: Option<LimitHeader>,
}

/// The name of a header that holds a number.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct LimitHeader(HeaderName);

impl TryFrom<String> for LimitHeader {
    type Error = http::header::InvalidHeaderName;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        HeaderName::try_from(name).map(Self)
    }
}

/// A method of HTTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct CallMethod(Method);

impl TryFrom<String> for CallMethod {
    type Error = http::method::InvalidMethod;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Method::try_from(name.as_str()).map(Self)
    }
}

/// A narrower window for some paths.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrow {
    /// Which paths.
    pub paths: Vec<PathPattern>,
    /// Calls within the same window.
    pub calls: u32,
}

/// What a day allows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Cost allowed a day at least, until an answer tells another number.
    pub per_day: u64,
    /// Where answers tell the day's budget.
    #[serde(default)]
    pub headers: LimitHeaders,
}

/// What some calls cost.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Methods; empty: all.
    #[serde(default)]
    pub methods: Vec<CallMethod>,
    /// Which paths.
    pub paths: Vec<PathPattern>,
    /// The cost of one call.
    pub cost: u32,
}

impl Use {
    /// How the list at this path is paged.
    pub fn pages(&self, path: &str) -> Option<&Pages> {
        self.pages.iter().find(|pages| pages.path.fits(path))
    }
}

impl Limits {
    /// What a call costs of the daily budget.
    pub fn cost(&self, method: &Method, path: &str) -> u32 {
        let path = Path::new(path);
        // The app does the same for it.
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let fits = |cost: &&Cost| {
            (cost.methods.is_empty() || cost.methods.iter().any(|it| it.0 == *method))
                && fit(&cost.paths, &path)
        };
        self.cost.iter().find(fits).map_or(1, |cost| cost.cost)
    }

    /// The narrower window that a call falls into, by its place in [`Limits::narrow`].
    pub fn narrow(&self, path: &str) -> Option<usize> {
        let path = Path::new(path);
        self.narrow.iter().position(|narrow| fit(&narrow.paths, &path))
    }
}

fn fit(patterns: &[PathPattern], path: &Path<'_>) -> bool {
    patterns.iter().any(|pattern| pattern.fits_one(path))
}

impl LimitHeaders {
    /// What an answer tells, whose headers are looked up so; as whole numbers, or not at all.
    pub fn read(&self, header: impl Fn(&HeaderName) -> Option<u64>) -> Told {
        let told = |name: &Option<LimitHeader>| header(&name.as_ref()?.0);
        Told { limit: told(&self.limit), remaining: told(&self.remaining), reset: told(&self.reset) }
    }
}

/// What an answer told of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How many in all.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: Option<u64>,
    /// Seconds until all are there again.
    pub reset: Option<u64>,
}
