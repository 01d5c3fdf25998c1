use function::native::NativeHost;

use super::*;

async fn send(method: &str, path: &str, body: &str) -> (u16, serde_json::Value) {
    let context = Context::new("manage-alerts", NativeHost::default());
    let mut order = Order::new(body.to_owned());
    *order.method_mut() = method.parse().unwrap();
    *order.uri_mut() = path.parse().unwrap();
    let response = handle(&context, &order).await.unwrap();
    (
        response.status().as_u16(),
        serde_json::from_str(response.body()).unwrap(),
    )
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    for path in [
        "/",
        "/api",
        "/api/",
        "/api/other",
        "/api/alerts/1/other",
        "/api/silences/1/2",
    ] {
        assert_eq!(send("GET", path, "").await.0, 404, "{path}");
    }
    for (method, path) in [
        ("GET", "/api/alerts/seven"),
        ("DELETE", "/api/silences/seven"),
        ("POST", "/api/alerts/seven/acknowledge"),
    ] {
        let (status, body) = send(method, path, r#"{"by": "ada"}"#).await;
        assert_eq!(status, 404);
        assert!(body["error"].as_str().unwrap().ends_with(" seven"), "{body}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_one() {
    for (method, path, allowed) in [
        ("POST", "/api/alerts", "use GET"),
        ("POST", "/api/rules/slow_statement", "use GET, PUT, DELETE"),
        ("GET", "/api/alerts/1/acknowledge", "use POST"),
        ("PUT", "/base/api/silences/", "use GET, POST"),
        ("GET", "/api/silences/1", "use DELETE"),
    ] {
        let (status, body) = send(method, path, "").await;
        assert_eq!(
            (status, body["hint"].as_str()),
            (405, Some(allowed)),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_with_an_example() {
    for (path, body, problem) in [
        ("/api/alerts/1/acknowledge", "", "the body cannot be used"),
        (
            "/api/alerts/1/acknowledge",
            r#"{"by": "ada", "x": 1}"#,
            "unknown field",
        ),
        ("/api/alerts/1/acknowledge", r#"{"by": " "}"#, "nobody is named"),
        ("/api/silences", "[]", "the body cannot be used"),
        (
            "/api/silences",
            r#"{"matchers": ["shop"], "lasts_seconds": 60, "reason": "r", "by": "ada"}"#,
            "\"shop\" is no matcher",
        ),
        (
            "/api/silences",
            r#"{"matchers": ["target=shop"], "lasts_seconds": 0, "reason": "r", "by": "ada"}"#,
            "from a second to a year",
        ),
    ] {
        let (status, answer) = send("POST", path, body).await;
        assert_eq!(status, 422, "{body}");
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(problem), "{error}");
        assert!(answer["hint"].is_string());
    }
    assert_eq!(send("GET", "/api/alerts?resolved=1", "").await.0, 422);
}
