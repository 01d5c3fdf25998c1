use super::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: one\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: one\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: one\r\nTransfer-Encoding: chunked\r\n\r\n\
                       5\r\nhello\r\nA;name=value\r\n0123456789\r\n0\r\nTrailer: yes\r\n\r\n";

/// What is handed on of these bytes when so many of them come at once, and whether it went on.
fn read(sent: &[u8], at_once: usize) -> (Vec<u8>, bool) {
    let mut reader = Reader::default();
    let mut ready = BytesMut::new();
    let mut went_on = true;
    for bytes in sent.chunks(at_once) {
        went_on = went_on && reader.read(bytes, &mut ready);
    }
    (ready.to_vec(), went_on)
}

#[track_caller]
fn check(sent: &[u8], expected: &[u8], goes_on: bool) {
    for at_once in [1, 2, 3, 7, 64, sent.len().max(1)] {
        let (ready, went_on) = read(sent, at_once);
        assert_eq!(
            String::from_utf8_lossy(&ready),
            String::from_utf8_lossy(expected),
            "{at_once} at once"
        );
        assert_eq!(went_on, goes_on, "{at_once} at once");
    }
}

#[track_caller]
fn check_refused(request: &str) {
    // What was asked before it is handed on, what comes after it is not.
    let sent = format!("{POST}{request}{GET}");
    let expected = [POST.as_bytes(), NO_REQUEST].concat();
    check(sent.as_bytes(), &expected, false);
}

#[test]
fn requests_with_one_meaning_are_handed_on_as_they_are() {
    for requests in [
        GET.to_owned(),
        POST.to_owned(),
        CHUNKED.to_owned(),
        format!("{POST}{GET}{CHUNKED}{GET}"),
        GET.replace("Host", "Content-Length: 0\r\nHost"),
        GET.replace("Host: one", "Host:one\r\nEmpty:\r\nTab:\tx\t"),
        CHUNKED.replace("chunked", "Chunked "),
    ] {
        check(requests.as_bytes(), requests.as_bytes(), true);
    }
}

#[test]
fn an_empty_line_between_requests_is_left_out() {
    let sent = format!("{POST}\r\n{GET}");
    check(sent.as_bytes(), format!("{POST}{GET}").as_bytes(), true);
}

#[test]
fn a_request_of_two_lengths_is_refused() {
    let with = |fields: &str| format!("POST / HTTP/1.1\r\nHost: one\r\n{fields}\r\n\r\n0\r\n\r\n");
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "transfer-encoding:chunked\r\nX: y\r\ncontent-length:0",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length: ",
        "Content-Length: 5 5",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding:",
    ] {
        check_refused(&with(fields));
    }
}

#[test]
fn a_line_has_one_end() {
    for request in [
        "GET / HTTP/1.1\nHost: one\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: one\n\r\n",
        "GET / HTTP/1.1\r\nHost: one\r\n\n",
        "\nGET / HTTP/1.1\r\nHost: one\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: one\rX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: one\r\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: o\0ne\r\n\r\n",
    ] {
        check_refused(request);
    }
}

#[test]
fn a_field_has_a_name_and_a_colon_right_after_it() {
    for field in [
        "Transfer-Encoding : chunked",
        " Transfer-Encoding: chunked",
        "X: y\r\n folded",
        "X: y\r\n\tfolded",
        "Transfer-Encoding",
        ": value",
        "Na\u{e9}me: value",
    ] {
        check_refused(&format!("GET / HTTP/1.1\r\nHost: one\r\n{field}\r\n\r\n"));
    }
}

#[test]
fn a_chunk_with_two_readings_is_the_end() {
    for (good, bad) in [
        ("", "5\nhello\r\n0\r\n\r\n"),
        ("5\r\nhello", "\n0\r\n\r\n"),
        ("5\r\nhello", "!!0\r\n\r\n"),
        ("", "5 \r\nhello\r\n0\r\n\r\n"),
        ("", "-5\r\nhello\r\n0\r\n\r\n"),
        ("", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("", "\r\nhello\r\n0\r\n\r\n"),
        ("", "5;a\nb\r\nhello\r\n0\r\n\r\n"),
        ("", "10000000000000000\r\nhello"),
        ("0\r\n", "\n"),
        ("0\r\n", "X : y\r\n\r\n"),
    ] {
        let head = "POST / HTTP/1.1\r\nHost: one\r\nTransfer-Encoding: chunked\r\n\r\n";
        let sent = format!("{head}{good}{bad}{GET}");
        check(sent.as_bytes(), format!("{head}{good}").as_bytes(), false);
    }
}

#[test]
fn http_2_is_left_to_itself() {
    let sent = [PREFACE, b"\0\0\0\x04\0\0\0\0\0 \n anything"].concat();
    check(&sent, &sent, true);
}

#[test]
fn what_only_begins_like_http_2_is_read_as_a_request() {
    check(&PREFACE[..20], b"", true);
    check(
        b"PRI * HTTP/2.0\r\n\r\n\nSM",
        &[&PREFACE[..18], NO_REQUEST].concat(),
        false,
    );
    check(
        b"PUT / HTTP/1.1\r\nHost: one\r\n\r\n",
        b"PUT / HTTP/1.1\r\nHost: one\r\n\r\n",
        true,
    );
}

#[test]
fn a_head_without_end_is_handed_on_to_be_refused() {
    let sent = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(2 * LONGEST_HEAD));
    let (ready, went_on) = read(sent.as_bytes(), 1000);
    assert!(
        ready.len() > LONGEST_HEAD && ready.len() < LONGEST_HEAD + 2000,
        "{}",
        ready.len()
    );
    assert!(!went_on);
}

#[test]
fn a_head_that_is_not_whole_is_not_handed_on() {
    check(GET.trim_end().as_bytes(), b"", true);
}
