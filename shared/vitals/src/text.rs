//! Cutting text to the limits of those who receive it, and drawing small trends in it.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

/// What stands where something was cut off.
pub const ELLIPSIS: char = '…';

/// The text if it has at most `limit` characters, else its beginning with an ellipsis as the last character.
///
/// Receivers count characters, and a cut through the bytes of one would be refused.
pub fn truncate(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    if limit > 0 {
        short.push(ELLIPSIS);
    }
    short
}

/// The text if it has at most `limit` bytes of UTF-8, else its beginning with an ellipsis, within the limit.
pub fn truncate_bytes(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let room = limit.saturating_sub(ELLIPSIS.len_utf8());
    let mut short = text[..text.floor_char_boundary(room)].trim_end().to_owned();
    if limit >= ELLIPSIS.len_utf8() {
        short.push(ELLIPSIS);
    }
    short
}

/// Whether a character shows nothing of itself and may change how what stands around it is shown: a control character, a
/// mark that turns the direction of writing or has no width, a separator of lines, a tag.
///
/// The two joiners that several scripts need (`U+200C`, `U+200D`) are none.
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text with every invisible character written as Rust writes it (`\n`, `\u{1b}`), so that it can neither begin a line
/// nor speak to a terminal.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match is_invisible(character) {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// The text line by line, each [`visible`]: for a terminal, which shows lines and tabs, and obeys what else is invisible.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    let shows = |character: char| matches!(character, '\n' | '\t');
    if !text.contains(|character| is_invisible(character) && !shows(character)) {
        return Cow::Borrowed(text);
    }
    let pieces = text.split_inclusive(shows).map(|piece| {
        let end = piece.strip_suffix(shows).map_or(piece.len(), str::len);
        let (line, end) = piece.split_at(end);
        format!("{}{end}", visible(line))
    });
    Cow::Owned(pieces.collect())
}

/// A document of JSON in which texts have no invisible character but in the form that JSON has for it (`\u009b`). The spaces
/// and line breaks between its parts stay.
pub fn visible_json(json: String) -> String {
    // Within texts, writers of JSON leave only those alone that are not of ASCII, and DEL.
    let is_left =
        |character: char| is_invisible(character) && (character == '\u{7f}' || !character.is_ascii());
    if !json.contains(is_left) {
        return json;
    }
    let mut shown = String::with_capacity(json.len() + 8);
    for character in json.chars() {
        match is_left(character) {
            true => {
                let units = character
                    .encode_utf16(&mut [0; 2])
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}"))
                    .collect::<String>();
                shown.push_str(&units);
            }
            false => shown.push(character),
        }
    }
    shown
}

/// What stands for the name of a person where everybody may read: the same for the same name, and no way back but guessing.
pub fn pseudonym(name: &str) -> String {
    let hash = Sha256::digest(name.as_bytes());
    let digits: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("#{digits}")
}

/// The values as a line of bars, lowest `▁`, highest `█`: `▁▂▄█`. Empty for fewer than two values.
pub fn sparkline(values: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    if finite().count() < 2 {
        return String::new();
    }
    let lowest = finite().fold(f64::INFINITY, f64::min);
    let highest = finite().fold(f64::NEG_INFINITY, f64::max);
    // Halves keep the difference of two huge values finite.
    let spread = highest / 2.0 - lowest / 2.0;
    finite()
        .map(|value| {
            let share = if spread > 0.0 {
                (value / 2.0 - lowest / 2.0) / spread
            } else {
                0.0
            };
            // A float to integer cast saturates, so the index cannot leave the bars once it is clamped.
            BARS[((share * 7.0).round() as usize).min(BARS.len() - 1)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn truncation_counts_characters_and_shows_the_cut() {
        assert_eq!(truncate("grün", 4), "grün");
        assert_eq!(truncate("grünes", 4), "grü…");
        assert_eq!(truncate("one two", 5), "one…");
        assert_eq!(truncate("x", 0), "");
    }

    #[test]
    fn a_trend_is_drawn_between_its_own_extremes() {
        assert_eq!(sparkline(&[1.0, 2.0, 4.0, 8.0]), "▁▂▄█");
        assert_eq!(sparkline(&[5.0, 5.0]), "▁▁");
        assert_eq!(sparkline(&[f64::MIN, f64::NAN, f64::MAX]), "▁█");
        assert_eq!(sparkline(&[5.0]), "");
    }

    #[test]
    fn what_is_invisible_is_shown() {
        assert_eq!(visible("public.events"), "public.events");
        assert_eq!(visible("a\nb\tc\r"), r"a\nb\tc\r");
        assert_eq!(
            visible("\u{1b}[31mred\u{7}\u{9b}2J"),
            r"\u{1b}[31mred\u{7}\u{9b}2J"
        );
        assert_eq!(visible("ab\u{202e}dc"), r"ab\u{202e}dc");
        assert_eq!(
            visible("grün ❤\u{fe0f} می\u{200c}خواهم"),
            "grün ❤\u{fe0f} می\u{200c}خواهم"
        );
    }

    #[test]
    fn a_terminal_is_told_nothing_but_lines() {
        assert_eq!(visible_lines("a\n\tb\u{1b}[2J\r\n"), "a\n\tb\\u{1b}[2J\\r\n");
        assert_eq!(visible_lines("a\nb"), "a\nb");
        let json = serde_json::json!({"a": "\u{1b}\u{9b}\u{202e}\u{e0041}\u{7f}é"});
        let shown = visible_json(serde_json::to_string_pretty(&json).unwrap());
        assert_eq!(
            shown,
            "{\n  \"a\": \"\\u001b\\u009b\\u202e\\udb40\\udc41\\u007fé\"\n}"
        );
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), json);
    }

    #[test]
    fn a_pseudonym_is_the_same_for_the_same_name() {
        assert_eq!(pseudonym("ada@example.com"), pseudonym("ada@example.com"));
        assert_ne!(pseudonym("ada@example.com"), pseudonym("bob@example.com"));
        assert_eq!(pseudonym("ada@example.com").len(), 9);
    }

    proptest! {
        #[test]
        fn json_means_the_same_when_everything_in_it_is_visible(text: String) {
            let json = serde_json::json!({ "text": text });
            let shown = visible_json(json.to_string());
            prop_assert!(!shown.contains(is_invisible));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), json);
        }

        #[test]
        fn nothing_invisible_is_left(text: String) {
            prop_assert!(!visible(&text).contains(is_invisible));
        }

        #[test]
        fn a_text_cut_by_bytes_keeps_the_limit(text: String, limit in 0usize..40) {
            prop_assert!(truncate_bytes(&text, limit).len() <= limit);
        }

        #[test]
        fn truncation_never_exceeds_the_limit(text: String, limit in 0usize..40) {
            prop_assert!(truncate(&text, limit).chars().count() <= limit);
        }
    }
}
