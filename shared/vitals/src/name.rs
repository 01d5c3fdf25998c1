//! Closed sets of names: enumerations that live as text in tables, JSON and messages.

/// A text that is none of the names of a closed set, such as `fatal` where a level is wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} {name:?}, expected one of {expected}")]
pub struct UnknownName {
    /// What kind of name was wanted, such as `level`.
    pub kind: &'static str,
    /// The text that was found.
    pub name: String,
    /// The names there are, separated by commas.
    pub expected: String,
}

/// Defines an enumeration whose variants have one spelling each, used alike by `Display`, `FromStr` and serde.
///
/// Having the spelling in one place is what keeps the tables, the JSON and the messages in agreement.
macro_rules! names {
    (
        $(#[$meta:meta])*
        $kind:literal $vis:vis enum $type:ident { $( $(#[$variant_meta:meta])* $variant:ident = $name:literal ),+ $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $type { $( $(#[$variant_meta])* $variant ),+ }

        impl $type {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),+ ];

            /// The name as it stands in tables and JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $name ),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|known| known.as_str() == name).ok_or_else(|| $crate::UnknownName {
                    kind: $kind,
                    name: name.to_owned(),
                    expected: [ $( $name ),+ ].join(", "),
                })
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                name.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use names;

#[cfg(test)]
mod tests {
    use crate::level::Level;

    #[test]
    fn an_unknown_name_is_told_with_the_known_ones() {
        let error = "fatal".parse::<Level>().unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"unknown level "fatal", expected one of warning, critical, emergency"#
        );
    }

    #[test]
    fn names_are_the_same_in_text_and_json() {
        for level in Level::ALL {
            assert_eq!(level.to_string().parse::<Level>(), Ok(*level));
            assert_eq!(serde_json::to_string(level).unwrap(), format!("\"{level}\""));
            assert_eq!(
                serde_json::from_str::<Level>(&format!("\"{level}\"")).unwrap(),
                *level
            );
        }
    }
}
