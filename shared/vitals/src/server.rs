//! Which PostgreSQL this is.

use std::ops::RangeInclusive;

/// The major versions that are supported: those the tests run against.
pub const SUPPORTED_MAJORS: RangeInclusive<i32> = 13..=18;

/// The version of a server, as `server_version_num` tells it: 170010 is 17.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ServerVersion(i32);

/// What is known about running with a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Tested.
    Supported,
    /// Newer than what is tested. Columns are found by looking, so it most likely works.
    Untested,
    /// Views that are needed do not exist there.
    TooOld,
}

/// A version number that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read server version {text:?}, expected a server_version_num such as 170010")]
pub struct VersionError {
    text: String,
}

impl ServerVersion {
    /// The version from the integer form of `server_version_num`.
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// The integer form, as in `server_version_num`.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The major version, such as 17. Before PostgreSQL 10 a major had two parts; those give 9 or less.
    pub const fn major(self) -> i32 {
        self.0 / 10_000
    }

    /// The minor version, such as 10 of 17.10.
    pub const fn minor(self) -> i32 {
        self.0 % 10_000
    }

    /// Whether this version is one that works.
    pub const fn support(self) -> Support {
        if self.major() < *SUPPORTED_MAJORS.start() {
            Support::TooOld
        } else if self.major() > *SUPPORTED_MAJORS.end() {
            Support::Untested
        } else {
            Support::Supported
        }
    }
}

impl std::str::FromStr for ServerVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().parse::<i32>() {
            // Version numbers have had five digits or more since 6.x, and 999 majors are enough.
            Ok(number @ 10_000..10_000_000) => Ok(Self(number)),
            _ => Err(VersionError {
                text: text.to_owned(),
            }),
        }
    }
}

impl std::fmt::Display for ServerVersion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.major() >= 10 {
            write!(formatter, "{}.{}", self.major(), self.minor())
        } else {
            write!(
                formatter,
                "{}.{}.{}",
                self.major(),
                self.minor() / 100,
                self.minor() % 100
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_written() {
        for (number, text) in [
            ("170010", "17.10"),
            ("130023", "13.23"),
            ("90624", "9.6.24"),
            (" 180004 ", "18.4"),
        ] {
            assert_eq!(number.parse::<ServerVersion>().unwrap().to_string(), text);
        }
        for text in ["", "17.10", "-1", "99999999999", "17"] {
            assert!(text.parse::<ServerVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn thirteen_to_eighteen_are_supported() {
        let support = |number| ServerVersion::from_number(number).support();
        assert_eq!(support(120022), Support::TooOld);
        assert_eq!(support(130000), Support::Supported);
        assert_eq!(support(180004), Support::Supported);
        assert_eq!(support(190000), Support::Untested);
    }
}
