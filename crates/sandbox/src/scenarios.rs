//! One key for each thing that can happen.

use crate::{Foreign, Mode, tokens::Token};

/// A key to try, and what it shows.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// API Key Value.
    pub key: &'static str,
    /// Pipedrive Domain.
    pub domain: &'static str,
    /// The machine word of the verdict, with its detail where it has one.
    pub shows: &'static str,
    /// The same for people.
    pub title: &'static str,
}

/// The id of Acme Ltd.
pub const ACME: u64 = 54_235_233;
/// The id of Globex Corp.
pub const GLOBEX: u64 = 70_001_122;

/// The sample key of Ada at Acme, whose domain is `acme`.
const GOOD: &str = "600d600d600d600d600d600d600d600d600d600d";
const COLLEAGUE: &str = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0";
const GRACE: &str = "610be610be610be610be610be610be610be610be";

const fn scenario(
    key: &'static str,
    domain: &'static str,
    shows: &'static str,
    title: &'static str,
) -> Scenario {
    Scenario { key, domain, shows, title }
}

/// What the demo offers and the tests walk.
pub const SCENARIOS: &[Scenario] = &[
    scenario(GOOD, "acme", "ok", "✓ Ada at Acme Ltd, an administrator"),
    scenario(COLLEAGUE, "acme", "ok", "✓ Bob at Acme Ltd, no administrator"),
    scenario(GRACE, "globex", "ok", "✓ Grace at Globex Corp"),
    scenario(
        "deaddeaddeaddeaddeaddeaddeaddeaddeaddead",
        "acme",
        "key_rejected",
        "! wrong or regenerated key",
    ),
    scenario(
        GOOD,
        "acne",
        "wrong_domain/unknown_domain",
        "! good key, wrong domain; the right one is offered",
    ),
    scenario(GRACE, "acme", "wrong_domain/other_company", "! good key of another company"),
    scenario(
        "0ff00ff00ff00ff00ff00ff00ff00ff00ff00ff0",
        "acme",
        "access_denied/deactivated",
        "! user deactivated",
    ),
    scenario(
        "4030403040304030403040304030403040304030",
        "acme",
        "access_denied",
        "! API access switched off for the user",
    ),
    scenario(
        "4020402040204020402040204020402040204020",
        "acme",
        "account_not_open",
        "! company account not open",
    ),
    scenario("4290429042904290429042904290429042904290", "acme", "rate_limited", "! too many requests"),
    scenario(
        "4291429142914291429142914291429142914291",
        "acme",
        "budget_exhausted",
        "! daily budget used up",
    ),
    scenario("b10cb10cb10cb10cb10cb10cb10cb10cb10cb10c", "acme", "blocked", "! blocked by the edge"),
    scenario("5030503050305030503050305030503050305030", "acme", "maintenance", "! maintenance"),
    scenario(
        "5000500050005000500050005000500050005000",
        "acme",
        "not_understood/status_500",
        "! internal error",
    ),
    scenario(
        "2000200020002000200020002000200020002000",
        "acme",
        "not_understood/status_200",
        "! a web page in place of an answer",
    ),
    scenario(
        "7c477c477c477c477c477c477c477c477c477c47",
        "acme",
        "not_understood/status_200",
        "! an answer cut short",
    ),
    scenario(
        "0ddb0ddb0ddb0ddb0ddb0ddb0ddb0ddb0ddb0ddb",
        "acme",
        "not_understood/status_200",
        "! an answer of another shape",
    ),
    scenario(
        "3020302030203020302030203020302030203020",
        "acme",
        "not_understood/redirect",
        "! a redirect to elsewhere",
    ),
    scenario(
        "b166b166b166b166b166b166b166b166b166b166",
        "acme",
        "not_understood/too_large",
        "! an answer of 5 MB",
    ),
    scenario(
        "c105ec105ec105ec105ec105ec105ec105ec105e",
        "acme",
        "unreachable/broken",
        "! connection closed without an answer",
    ),
    scenario(
        "6a6b6a6b6a6b6a6b6a6b6a6b6a6b6a6b6a6b6a6b",
        "acme",
        "unreachable/broken",
        "! an answer that is no HTTP",
    ),
    scenario(
        "510e510e510e510e510e510e510e510e510e510e",
        "acme",
        "timed_out",
        "! no answer within 10 seconds",
    ),
];

/// The tokens behind the scenarios. `dead…` is not among them: nobody knows it.
pub(crate) fn tokens() -> impl Iterator<Item = (String, Token)> {
    let known = |key: &'static str, user, mode| (key.to_owned(), Token::new(user, mode));
    let special = SCENARIOS.iter().filter_map(move |scenario| {
        let mode = match &scenario.key[..4] {
            "0ff0" => return Some(known(scenario.key, 3, Mode::Ok)),
            "4030" => Mode::NoPermission,
            "4020" => Mode::NotOpen,
            "4290" => Mode::Burst,
            "4291" => Mode::Daily,
            "b10c" => Mode::Blocked,
            "5030" => Mode::Maintenance,
            "5000" => Mode::InternalError,
            "2000" => Mode::Html,
            "7c47" => Mode::Truncated,
            "0ddb" => Mode::OtherShape,
            "3020" => Mode::Redirect,
            "b166" => Mode::Huge,
            "c105" => Mode::Close,
            "6a6b" => Mode::Garbage,
            "510e" => Mode::Slow,
            _ => return None,
        };
        Some(known(scenario.key, 1, mode))
    });
    let mut globex = known(GRACE, 4, Mode::Ok);
    globex.1.foreign = Some(Foreign::Honour);
    [known(GOOD, 1, Mode::Ok), known(COLLEAGUE, 2, Mode::Ok), globex].into_iter().chain(special)
}
