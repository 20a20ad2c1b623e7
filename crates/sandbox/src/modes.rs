//! Keys that are always answered in one way.

use std::time::Duration;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::time::sleep;

use crate::{
    Mode, answers,
    faults::{big, ended, redirect},
    limits::Room,
    listen::Ending,
};

const SLOW: Duration = Duration::from_secs(20);
const HUGE: u64 = 5 * 1024 * 1024;
/// An answer of the daily budget that was seen asked for so many seconds.
const SEEN_RETRY_AFTER: u64 = 3939;

pub(crate) async fn forced(mode: Mode) -> Option<Response> {
    Some(match mode {
        Mode::Ok => return None,
        Mode::Unauthorized => answers::unauthorized(),
        Mode::NoPermission => answers::no_permission(),
        Mode::NotOpen => answers::not_open(),
        Mode::Burst => {
            let mut answer = answers::burst();
            answers::tell_room(&mut answer, Room { limit: 20, remaining: 0, reset: 2 });
            answer
        }
        Mode::Daily => {
            let mut answer = answers::daily(SEEN_RETRY_AFTER);
            answers::tell_budget(&mut answer, 30_000, 0);
            answer
        }
        Mode::Blocked => answers::blocked(),
        Mode::Maintenance => answers::maintenance(),
        Mode::InternalError => answers::internal_error(),
        Mode::Html => {
            answers::html(StatusCode::OK, "<!doctype html><title>Sign in</title><p>Please sign in.")
        }
        Mode::Truncated => {
            let head = [(header::CONTENT_TYPE, "application/json")];
            (head, r#"{"success":true,"data":{"id":1,"name":"Ad"#).into_response()
        }
        Mode::OtherShape => {
            answers::json_answer(StatusCode::OK, &json!({ "success": true, "data": ["surprise"] }))
        }
        Mode::Redirect => redirect(302, "https://elsewhere.example/api/v1/users/me"),
        Mode::Huge => big(HUGE),
        Mode::Slow => {
            sleep(SLOW).await;
            answers::maintenance()
        }
        Mode::Close => ended(Ending::Close),
        Mode::Garbage => ended(Ending::Garbage),
    })
}
