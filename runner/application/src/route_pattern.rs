//! The pattern of one route: what paths it matches, and which of two patterns is tried first.
//!
//! Spin routes with the `routefinder` crate. This follows it, oddities included; the property tests at the end
//! compare the two.

use std::cmp::Ordering;

/// A pattern such as `/targets/:name/*`, in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoutePattern {
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Slash,
    Dot,
    Exactly(String),
    Parameter(String),
    /// The rest of the path. Always the last segment.
    Rest,
}

/// What a path put in the places of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Captures<'a> {
    pub(crate) parameters: Vec<(&'a str, &'a str)>,
    pub(crate) rest: Option<&'a str>,
}

/// Why a pattern cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternFault {
    #[error("a parameter has no name")]
    Unnamed,
    #[error("a wildcard has a name")]
    NamedWildcard,
    #[error("a wildcard is followed by something")]
    WildcardNotLast,
}

impl RoutePattern {
    /// Reads a pattern in which `*` stands for the rest of the path.
    pub(crate) fn parse(pattern: &str) -> Result<Self, PatternFault> {
        let mut segments = Vec::new();
        let mut delimiter = None;
        let mut rest = pattern.trim_matches('/');
        loop {
            let end = rest.find(['.', '/']);
            let section = &rest[..end.unwrap_or(rest.len())];
            push_section(&mut segments, delimiter, section)?;
            let Some(end) = end else { break };
            delimiter = Some(rest.as_bytes()[end]);
            rest = &rest[end + 1..];
        }
        match segments.iter().position(|segment| *segment == Segment::Rest) {
            Some(index) if index + 1 < segments.len() => Err(PatternFault::WildcardNotLast),
            _ => Ok(Self { segments }),
        }
    }

    /// Matches a path; slashes at its ends do not count.
    pub(crate) fn matches<'a>(&'a self, path: &'a str) -> Option<Captures<'a>> {
        let mut captures = Captures::default();
        let mut path = path.trim_matches('/');
        let mut segments = self.segments.iter().peekable();
        while let Some(segment) = segments.next() {
            path = match segment {
                Segment::Exactly(text) => path.strip_prefix(text.as_str())?,
                Segment::Dot => path.strip_prefix('.')?,
                Segment::Slash => match (path.strip_prefix('/'), segments.peek()) {
                    (Some(after), _) => after,
                    (None, Some(Segment::Rest)) if path.is_empty() => path,
                    (None, _) => return None,
                },
                Segment::Parameter(name) => {
                    let (value, after) = split_parameter(path, segments.peek() == Some(&&Segment::Dot))?;
                    captures.parameters.push((name.as_str(), value));
                    after
                }
                Segment::Rest => {
                    captures.rest = Some(path);
                    ""
                }
            };
        }
        matches!(path, "" | "/").then_some(captures)
    }

    /// Whether this pattern, coming later, is tried before one that is already there.
    ///
    /// Not an ordering: of two patterns of the same shape the one that came first is tried first, and of two of
    /// which one begins with a dot the one that came last.
    pub(crate) fn overtakes(&self, known: &Self) -> bool {
        self.segments
            .iter()
            .zip(&known.segments)
            .map(|(mine, theirs)| mine.overtakes(theirs))
            .chain([
                self.dots().cmp(&known.dots()),
                known.segments.len().cmp(&self.segments.len()),
            ])
            .find(|ordering| ordering.is_ne())
            .is_some_and(Ordering::is_gt)
    }

    /// Whether both match the same paths, whatever their parameters are called.
    pub(crate) fn has_shape_of(&self, other: &Self) -> bool {
        self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(|(mine, theirs)| {
                matches!((mine, theirs), (Segment::Parameter(_), Segment::Parameter(_))) || mine == theirs
            })
    }

    fn dots(&self) -> usize {
        self.segments
            .iter()
            .filter(|segment| **segment == Segment::Dot)
            .count()
    }
}

impl Segment {
    /// `Greater` when a pattern with this segment is tried before one that is already there and has `known` in its
    /// place: the more a segment says, the earlier.
    fn overtakes(&self, known: &Self) -> Ordering {
        match (self, known) {
            (Self::Exactly(_), Self::Exactly(_))
            | (Self::Parameter(_), Self::Parameter(_))
            | (Self::Rest, Self::Rest)
            | (Self::Slash | Self::Dot, Self::Slash | Self::Dot) => Ordering::Equal,
            (Self::Exactly(_) | Self::Dot, _) => Ordering::Greater,
            (Self::Slash, _) | (Self::Parameter(_) | Self::Rest, Self::Exactly(_)) => Ordering::Less,
            (Self::Rest, Self::Parameter(_)) => Ordering::Less,
            (Self::Parameter(_) | Self::Rest, _) => Ordering::Greater,
        }
    }
}

fn push_section(
    segments: &mut Vec<Segment>,
    delimiter: Option<u8>,
    section: &str,
) -> Result<(), PatternFault> {
    let segment = match section.as_bytes() {
        [] => None,
        [b'*'] => Some(Segment::Rest),
        [b'*', ..] => return Err(PatternFault::NamedWildcard),
        [b':'] => return Err(PatternFault::Unnamed),
        [b':', ..] => Some(Segment::Parameter(section[1..].to_owned())),
        _ => Some(Segment::Exactly(section.to_owned())),
    };
    if delimiter == Some(b'.') {
        match segments.last_mut() {
            Some(Segment::Exactly(text)) => text.push('.'),
            _ => segments.push(Segment::Dot),
        }
    }
    if let Some(segment) = segment {
        if delimiter == Some(b'/') {
            segments.push(Segment::Slash);
        }
        segments.push(segment);
    }
    Ok(())
}

/// The value of a parameter and what comes after it. A parameter before a dot ends at the first dot, and there must
/// be one before the next slash.
fn split_parameter(path: &str, before_dot: bool) -> Option<(&str, &str)> {
    if path.is_empty() {
        return None;
    }
    let end = if before_dot {
        path.find(['.', '/'])
            .filter(|end| path.as_bytes()[*end] == b'.')?
    } else {
        path.find('/').unwrap_or(path.len())
    };
    Some(path.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Patterns out of the pieces that matter, with doubled slashes, dots and clashing texts.
    fn pattern() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop::sample::select(vec![
                "/", "/", ".", "a", "b", "ab", ":x", ":y", "/:x/", "/:y.", "/a/",
            ]),
            0..8,
        )
        .prop_flat_map(|pieces| {
            let text = format!("/{}", pieces.concat());
            prop_oneof![
                Just(text.clone()),
                Just(format!("{}/*", text.trim_end_matches('/')))
            ]
        })
    }

    fn path() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop::sample::select(vec!["/", "/", ".", "a", "b", "ab", "c"]),
            0..10,
        )
        .prop_map(|pieces| format!("/{}", pieces.concat()))
    }

    fn captures<'a>(parameters: &[(&'a str, &'a str)], rest: Option<&'a str>) -> Captures<'a> {
        Captures {
            parameters: parameters.to_vec(),
            rest,
        }
    }

    #[track_caller]
    fn check(pattern: &str, path: &str, expected: Option<Captures<'_>>) {
        let pattern = RoutePattern::parse(pattern).unwrap();
        assert_eq!(pattern.matches(path), expected, "{pattern:?} on {path:?}");
    }

    #[test]
    fn patterns_match_paths() {
        check("/", "/", Some(captures(&[], None)));
        check("/", "/a", None);
        check("/a", "/a", Some(captures(&[], None)));
        check("/a", "/a/", Some(captures(&[], None)));
        check("/a", "/ab", None);
        check("/a/b", "/ab", None);
        check("/:x", "/a", Some(captures(&[("x", "a")], None)));
        check("/:x", "/", None);
        check("/:x", "/a/b", None);
        check("/:x.json", "/a.json", Some(captures(&[("x", "a")], None)));
        check("/:x.json", "/a.b.json", None);
        check("/a/*", "/a", Some(captures(&[], Some(""))));
        check("/a/*", "/ab", None);
        check("/a/*", "/a/b/c/", Some(captures(&[], Some("b/c"))));
        check("/:x/*", "/ü/é", Some(captures(&[("x", "ü")], Some("é"))));
    }

    #[test]
    fn a_wildcard_stands_last_and_has_no_name() {
        assert_eq!(RoutePattern::parse("/*/a"), Err(PatternFault::WildcardNotLast));
        assert_eq!(RoutePattern::parse("/*.json"), Err(PatternFault::WildcardNotLast));
        assert_eq!(RoutePattern::parse("/*rest"), Err(PatternFault::NamedWildcard));
        assert_eq!(RoutePattern::parse("/a/:/b"), Err(PatternFault::Unnamed));
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_it_matches_on_spin(pattern in pattern(), path in path()) {
            let theirs = pattern.parse::<routefinder::RouteSpec>();
            match (RoutePattern::parse(&pattern), theirs) {
                (Ok(ours), Ok(theirs)) => {
                    let values = ours.matches(&path).map(|captures| {
                        let parameters = captures.parameters.into_iter().map(|(_, value)| value);
                        parameters.chain(captures.rest).collect::<Vec<_>>()
                    });
                    prop_assert_eq!(values, theirs.matches(&path));
                }
                (ours, theirs) => prop_assert_eq!(ours.is_err(), theirs.is_err()),
            }
        }

        #[test]
        fn any_text_is_a_pattern_or_refused(pattern in "\\PC{0,20}", path in "\\PC{0,20}") {
            if let Ok(pattern) = RoutePattern::parse(&pattern) {
                pattern.matches(&path);
            }
        }
    }
}
