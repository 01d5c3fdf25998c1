//! Requests and answers, and the rules that every entry keeps.

use http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::secret::Secret;

/// A request. Its body is not read: a function is told what to do by tables, not by callers.
pub type Request = http::Request<()>;

/// A request with its body, for the one function that writes what callers say into those tables.
pub type Order = http::Request<String>;

/// The longest body that is read, in bytes. Longer ones are refused.
pub const LONGEST_BODY: usize = 64 * 1024;

/// An answer.
pub type Response = http::Response<String>;

/// An answer of JSON.
pub fn json(status: StatusCode, body: &Value) -> Response {
    text(status, "application/json", format!("{body}\n"))
}

/// An answer of text. None is kept by caches: each says how things are at the moment.
pub fn text(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, content_type);
    set(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// An answer that says what is wrong and what to do.
pub fn problem(status: StatusCode, code: &str, error: &str, hint: Option<&str>) -> Response {
    json(status, &json!({"error": error, "code": code, "hint": hint}))
}

/// The answer to a path that nothing lives at.
pub fn not_found(path: &str) -> Response {
    problem(
        StatusCode::NOT_FOUND,
        "not_found",
        &format!("there is nothing at {path}"),
        None,
    )
}

/// The answer for a failure: 503 and when to come back where the monitoring database cannot be reached or has no
/// connection left, 500 otherwise.
pub(crate) fn failed(failure: &Failure) -> Response {
    let unreachable = [
        "connect_failed",
        "connect_timeout",
        "tls",
        "connection_lost",
        "too_many_connections",
    ];
    let status = match failure.code {
        code if unreachable.contains(&code) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = json(status, &failure.to_json());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        set(&mut response, RETRY_AFTER, "1");
    }
    response
}

/// Refuses every other method, and names those that are allowed.
pub(crate) fn check_method(request: &Request, allowed: &[Method], allow: &'static str) -> Option<Response> {
    if allowed.contains(request.method()) {
        return None;
    }
    Some(method_not_allowed(request.method(), allow))
}

/// The answer to a method that does not exist at a path, with those that do: `GET, POST`.
pub fn method_not_allowed(method: &Method, allow: &'static str) -> Response {
    let error = format!("{method} is not allowed here");
    let mut response = problem(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        &error,
        Some(&format!("use {allow}")),
    );
    set(&mut response, ALLOW, allow);
    response
}

/// Refuses a request that does not bear the token.
pub(crate) fn check_token<B>(request: &http::Request<B>, token: &Secret) -> Option<Response> {
    let offered = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let offered = offered.and_then(|value| value.split_once(' '));
    if offered
        .is_some_and(|(scheme, value)| scheme.eq_ignore_ascii_case("bearer") && token.matches(value.trim()))
    {
        return None;
    }
    let hint = "send the header Authorization: Bearer with the value of variable api_token";
    let mut response = problem(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "the token is missing or wrong",
        Some(hint),
    );
    set(&mut response, WWW_AUTHENTICATE, "Bearer");
    Some(response)
}

/// Whether a path is the one of a function: it ends in the function's name, whatever the application is mounted at.
pub(crate) fn names(path: &str, function: &str) -> bool {
    path.trim_end_matches('/').rsplit('/').next() == Some(function)
}

fn set(response: &mut Response, name: HeaderName, value: &'static str) {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, authorization: Option<&str>) -> Request {
        let mut request = Request::new(());
        *request.method_mut() = method;
        if let Some(value) = authorization {
            request
                .headers_mut()
                .insert(AUTHORIZATION, value.parse().unwrap());
        }
        request
    }

    #[test]
    fn a_wrong_method_is_told_the_right_one() {
        let refused = check_method(&request(Method::GET, None), &[Method::POST], "POST").unwrap();
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused.headers()[ALLOW], "POST");
        assert!(check_method(&request(Method::POST, None), &[Method::POST], "POST").is_none());
    }

    #[test]
    fn who_finds_no_connection_is_told_when_to_come_back() {
        let failed = |code| {
            let (error, hint) = ("no".to_owned(), None);
            failed(&Failure { error, code, hint })
        };
        let response = failed("too_many_connections");
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        let response = failed("other");
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!response.headers().contains_key(RETRY_AFTER));
    }

    #[test]
    fn only_the_token_opens() {
        let token = Secret::new("open sesame");
        let opens = |value| check_token(&request(Method::POST, value), &token).is_none();
        assert!(opens(Some("Bearer open sesame")));
        assert!(opens(Some("bearer open sesame")));
        for value in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some("open sesame"),
            Some("Basic open sesame"),
        ] {
            let refused = check_token(&request(Method::POST, value), &token).unwrap();
            assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
            assert_eq!(refused.headers()[WWW_AUTHENTICATE], "Bearer");
        }
    }

    #[test]
    fn a_path_names_a_function_by_its_end() {
        for path in ["/collect-stats", "/collect-stats/", "/monitoring/collect-stats"] {
            assert!(names(path, "collect-stats"), "{path}");
        }
        for path in ["/", "", "/collect", "/collect-stats/other", "/xcollect-stats"] {
            assert!(!names(path, "collect-stats"), "{path}");
        }
    }
}
