use super::*;

fn url(text: &str) -> SafeUrl {
    text.parse().unwrap()
}

#[test]
fn a_console_is_found_by_its_number() {
    let found = |text| address(&url(text)).map(|address| address.to_string());
    assert_eq!(
        found("postgres://u@10.0.0.7:6432/pgbouncer").unwrap(),
        "10.0.0.7:6432"
    );
    assert_eq!(found("postgres://u@[::1]:6432/pgbouncer").unwrap(), "[::1]:6432");
    assert_eq!(
        found("postgres://u@localhost:6432/pgbouncer").unwrap(),
        "127.0.0.1:6432"
    );
    let error = found("postgres://u:secret@pool.example.com:6432/pgbouncer").unwrap_err();
    assert!(error.message.contains("pool.example.com:6432") && !error.message.contains("secret"));
    assert!(error.hint.unwrap().contains("IP address"));
}

#[test]
fn nobody_is_told_there_is_tls_where_there_is_none() {
    for mode in ["require", "verify-ca", "verify-full"] {
        let url = url(&format!("postgres://u@10.0.0.7:6432/pgbouncer?sslmode={mode}"));
        assert!(ensure_plain(&url).unwrap_err().hint.unwrap().contains("TLS"));
    }
    assert_eq!(ensure_plain(&url("postgres://u@10.0.0.7/pgbouncer")), Ok(()));
}

#[test]
fn numbers_are_numbers_and_all_else_is_text() {
    assert_eq!(value(b"17", "cl_active", 23).unwrap(), Value::Int(17));
    assert_eq!(
        value(b"9000000000", "total_xact_time", 1700).unwrap(),
        Value::Int(9_000_000_000)
    );
    assert_eq!(value(b"17", "value", 25).unwrap(), Value::Text("17".to_owned()));
    assert!(value(b"1.5", "avg", 1700).is_err());
}
