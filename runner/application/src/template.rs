//! Templates: text in which `{{ name }}` stands for the value of a variable.

use std::fmt;

/// A piece of text with variables in it, such as `postgres://{{ host }}:5432`.
///
/// As on Spin there is no way to write a literal `{{`, and the name between the braces may have blanks around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Literal(String),
    Variable(String),
}

/// Why a template cannot be read or filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A `{{` has no `}}` after it.
    #[error("template has a '{{{{' without a '}}}}' after it")]
    Unclosed,
    /// The template names a variable that the application does not declare.
    #[error("template names the unknown variable {0:?}")]
    UnknownVariable(String),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// [`TemplateError::Unclosed`] when a `{{` has no `}}` after it.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, opened)) = rest.split_once("{{") {
            let (name, after) = opened.split_once("}}").ok_or(TemplateError::Unclosed)?;
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            parts.push(Part::Variable(name.trim().to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// Whether the text has no variable in it.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.variables().next().is_none()
    }

    /// The names of the variables in the text, in order of appearance.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Variable(name) => Some(name.as_str()),
        })
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }
}

impl fmt::Display for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Literal(literal) => formatter.write_str(literal),
            Part::Variable(name) => write!(formatter, "{{{{ {name} }}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn literal(text: &str) -> Part {
        Part::Literal(text.to_owned())
    }

    fn variable(name: &str) -> Part {
        Part::Variable(name.to_owned())
    }

    #[track_caller]
    fn check(text: &str, expected: Result<Vec<Part>, TemplateError>) {
        assert_eq!(
            Template::parse(text).map(|template| template.parts),
            expected,
            "template {text:?}"
        );
    }

    #[test]
    fn templates_are_read_as_on_spin() {
        check("", Ok(vec![]));
        check("plain", Ok(vec![literal("plain")]));
        check("{{ name }}", Ok(vec![variable("name")]));
        check("{{name}}", Ok(vec![variable("name")]));
        check("{{\t name\n}}", Ok(vec![variable("name")]));
        check(
            "a-{{ b }}-c",
            Ok(vec![literal("a-"), variable("b"), literal("-c")]),
        );
        check("{{ a }}{{ b }}", Ok(vec![variable("a"), variable("b")]));
        check("{ a } }} {", Ok(vec![literal("{ a } }} {")]));
        check("{{}}", Ok(vec![variable("")]));
        check("{{{ a }}}", Ok(vec![variable("{ a"), literal("}")]));
        check("{{ a }} {{ b", Err(TemplateError::Unclosed));
        check("{{", Err(TemplateError::Unclosed));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_prints_back(text in "[{} a-c]{0,24}") {
            if let Ok(template) = Template::parse(&text) {
                let printed = template.to_string();
                prop_assert_eq!(Template::parse(&printed).unwrap(), template);
            } else {
                prop_assert!(text.contains("{{"));
            }
        }

        #[test]
        fn text_without_an_opening_is_one_literal(text in "[^{]{0,40}") {
            prop_assert!(Template::parse(&text).unwrap().is_literal());
        }
    }
}
