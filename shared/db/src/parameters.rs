//! Gives every parameter of a statement its type.
//!
//! A driver asks the server what type a bare `$1` should have and refuses a value of any other; what the server
//! answers depends on the place of the parameter, and a host knows fewer types than the server. So each `$n` is
//! replaced by `($n::pg_catalog.type)`, with the type that its value has. Then the value fits always, on both doors
//! alike, and the statement goes on from there with ordinary casts: `$1::int4` with an [`Value::Int`] becomes
//! `($1::pg_catalog.int8)::int4`.
//!
//! A [`Value::Timestamp`] is sent as text and becomes `($1::pg_catalog.text::pg_catalog.timestamptz)`: `spin:postgres`
//! can send a time only without its zone or without its microseconds. A [`Value::Null`] has no type and is left alone.

use std::borrow::Cow;

use crate::value::Value;

/// Replaces each placeholder outside of strings, quoted names and comments.
pub(crate) fn typed<'sql>(sql: &'sql str, parameters: &[Value]) -> Cow<'sql, str> {
    if parameters.is_empty() {
        return Cow::Borrowed(sql);
    }
    let bytes = sql.as_bytes();
    let mut statement = String::with_capacity(sql.len() + 16 * parameters.len());
    let (mut copied, mut at) = (0, 0);
    while at < bytes.len() {
        let next = skip(bytes, at);
        if bytes[at] == b'$'
            && let Some(parameter) = placeholder(&sql[at..next]).and_then(|number| parameters.get(number - 1))
            && let Some(name) = sent_as(parameter)
        {
            statement.push_str(&sql[copied..at]);
            statement.push('(');
            statement.push_str(&sql[at..next]);
            // Qualified, so that a type of that name in somebody else's schema is not meant.
            statement.push_str("::pg_catalog.");
            statement.push_str(name);
            statement.push(')');
            copied = next;
        }
        at = next;
    }
    statement.push_str(&sql[copied..]);
    Cow::Owned(statement)
}

/// The type that a value is sent as, with the cast that restores what it stands for.
fn sent_as(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null => None,
        Value::Timestamp(_) => Some("text::pg_catalog.timestamptz"),
        value => Some(value.type_name()),
    }
}

/// The number of `$12`, from 1.
fn placeholder(token: &str) -> Option<usize> {
    token.strip_prefix('$')?.parse().ok().filter(|number| *number > 0)
}

/// Where the token that begins at `at` ends. Every end is at an ASCII byte or at the end of the text, so that the
/// text can be cut there.
fn skip(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let length = match rest {
        [b'-', b'-', ..] => find(rest, b"\n").unwrap_or(rest.len()),
        [b'/', b'*', ..] => comment(rest),
        [b'e' | b'E', b'\'', ..] => 1 + quoted(&rest[1..], b'\'', true),
        [b'\'', ..] => quoted(rest, b'\'', false),
        [b'"', ..] => quoted(rest, b'"', false),
        [b'$', b'0'..=b'9', ..] => 1 + rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count(),
        [b'$', ..] => dollar_quoted(rest),
        // A name is one token, so that neither the `$` nor the `e` within it is taken for a beginning.
        [first, ..] if is_name(*first) => rest
            .iter()
            .take_while(|byte| is_name(**byte) || **byte == b'$')
            .count(),
        _ => 1,
    };
    at + length
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// The length of a text in quotes; a doubled quote reads as an end and a new beginning, which comes to the same.
fn quoted(bytes: &[u8], quote: u8, backslash_escapes: bool) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if backslash_escapes => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The length of a comment that may hold others.
fn comment(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The length of `$tag$ ... $tag$`, or 1 when the dollar sign begins nothing.
fn dollar_quoted(bytes: &[u8]) -> usize {
    let tag = bytes[1..].iter().take_while(|byte| is_name(**byte)).count() + 2;
    if bytes.get(tag - 1) != Some(&b'$') {
        return 1;
    }
    find(&bytes[tag..], &bytes[..tag]).map_or(bytes.len(), |end| 2 * tag + end)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let parameters = [Value::Int(1), Value::Text(String::new()), Value::Null];
        assert_eq!(typed(sql, &parameters), expected);
    }

    #[test]
    fn each_placeholder_gets_the_type_of_its_value() {
        check(
            "select $1, $2::jsonb, $3::text",
            "select ($1::pg_catalog.int8), ($2::pg_catalog.text)::jsonb, $3::text",
        );
        check(
            "select $1+$1",
            "select ($1::pg_catalog.int8)+($1::pg_catalog.int8)",
        );
        check("limit $1", "limit ($1::pg_catalog.int8)");
        check("any($1::int4[])", "any(($1::pg_catalog.int8)::int4[])");
    }

    #[test]
    fn a_time_goes_as_text() {
        let parameters = [Value::Timestamp(DateTime::UNIX_EPOCH)];
        assert_eq!(
            typed("at > $1", &parameters),
            "at > ($1::pg_catalog.text::pg_catalog.timestamptz)"
        );
    }

    #[test]
    fn a_number_without_a_value_is_left_for_the_server_to_refuse() {
        check(
            "select $4, $0, $99999999999999999999999",
            "select $4, $0, $99999999999999999999999",
        );
    }

    #[test]
    fn what_only_looks_like_a_placeholder_is_left_alone() {
        for sql in [
            "select '$1', 'it''s $1'",
            "select e'\\'$1', E'\\\\' || '$1'",
            "select \"$1\", \"a\"\"$1\"",
            "select 1 -- $1",
            "select /* $1 /* $1 */ $1 */ 2",
            "select $$ $1 $$, $tag$ $1 $$ $tag$",
            "select price$1, é$1",
            "select '$1",
            "select $$ $1",
            "select /* $1",
            "select 'käse $1'",
        ] {
            check(sql, sql);
        }
    }

    #[test]
    fn a_placeholder_after_such_a_thing_is_found() {
        check("select 'a' || $1", "select 'a' || ($1::pg_catalog.int8)");
        check("/* x */ $1", "/* x */ ($1::pg_catalog.int8)");
        check("-- x\n$1", "-- x\n($1::pg_catalog.int8)");
        check("$tag$ x $tag$ || $1", "$tag$ x $tag$ || ($1::pg_catalog.int8)");
        check("e'\\\\' || $1", "e'\\\\' || ($1::pg_catalog.int8)");
        check("a - $1 / $1", "a - ($1::pg_catalog.int8) / ($1::pg_catalog.int8)");
        check("$ $1", "$ ($1::pg_catalog.int8)");
    }

    #[test]
    fn without_parameters_nothing_is_touched() {
        assert_eq!(
            typed("do $$ begin perform $1; end $$", &[]),
            "do $$ begin perform $1; end $$"
        );
    }
}
