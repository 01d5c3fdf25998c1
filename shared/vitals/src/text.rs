//! Cutting text to the limits of those who receive it, and drawing small trends in it.

use std::borrow::Cow;

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
pub const fn is_invisible(character: char) -> bool {
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

    proptest! {
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
