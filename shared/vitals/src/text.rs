//! Cutting text to the limits of those who receive it, and drawing small trends in it.

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

/// The text with some characters written as something else, at most `limit` characters long and cut so that no
/// replacement is.
///
/// Receivers that read marks in a text (`<b>`, `*bold*`, `@name`) must not find any in what a statement says.
pub fn escape(text: &str, limit: usize, replacement: impl Fn(char) -> Option<&'static str>) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut length = 0;
    // The text may end here if there turns out to be no room for all of it.
    let mut fitting = 0;
    for character in text.chars() {
        let replaced = replacement(character);
        length += replaced.map_or(1, |replaced| replaced.chars().count());
        if length > limit {
            escaped.truncate(fitting);
            escaped.push(ELLIPSIS);
            return escaped;
        }
        match replaced {
            Some(replaced) => escaped.push_str(replaced),
            None => escaped.push(character),
        }
        if length < limit {
            fitting = escaped.len();
        }
    }
    escaped
}

/// The characters that have a meaning in HTML, and in what borrows from it.
pub const fn html_entity(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
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
    fn no_entity_is_cut() {
        let escape = |text, limit| escape(text, limit, html_entity);
        assert_eq!(escape("a<b", 6), "a&lt;b");
        assert_eq!(escape("a<b", 5), "a…");
        assert_eq!(escape("a & b", 9), "a &amp; b");
        assert_eq!(escape("a & b", 8), "a &amp;…");
    }

    proptest! {
        #[test]
        fn an_escaped_text_keeps_the_limit_and_has_no_marks(text in "[a<>&é]{0,40}", limit in 1usize..60) {
            let escaped = escape(&text, limit, html_entity);
            prop_assert!(escaped.chars().count() <= limit);
            prop_assert!(!escaped.contains(['<', '>']));
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
