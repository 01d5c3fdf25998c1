//! `spin:variables@3.0.0`: the values that the manifest gives to a component.

use std::sync::Arc;

use application::Component;
use wasmtime::component::{Accessor, HasData, Linker};

mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        inline: "
            package pgvitals:variables-bindings;
            world bindings { import spin:variables/variables@3.0.0; }
        ",
    });
}

use generated::spin::variables::variables::{self, Error};

/// What a call sees of the store: the component whose variables are asked for.
pub(crate) struct VariablesView<'a>(pub(crate) &'a Arc<Component>);

/// Marks the view as the data of the interface.
pub(crate) struct Variables;

impl HasData for Variables {
    type Data<'a> = VariablesView<'a>;
}

impl variables::Host for VariablesView<'_> {}

impl<T> variables::HostWithStore<T> for Variables {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> Result<String, Error> {
        let component = accessor.with(|mut access| Arc::clone(access.get().0));
        lookup(&component, &name)
    }
}

/// Offers the interface to the components of `linker`.
pub(crate) fn add_to_linker<T: Send>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> VariablesView<'_>,
) -> wasmtime::Result<()> {
    variables::add_to_linker::<T, Variables>(linker, view)
}

/// The value, or the error in the words of Spin.
fn lookup(component: &Component, name: &str) -> Result<String, Error> {
    match component.variables.get(name) {
        Some(value) => Ok(value.expose().to_owned()),
        None => match fault_of_name(name) {
            Some(fault) => Err(Error::InvalidName(format!("{name:?}: {fault}"))),
            None => Err(Error::Undefined(format!(
                "no variable for {:?}.{name:?}",
                component.id
            ))),
        },
    }
}

/// Why no variable can have this name; the same rule that the manifest is held to.
fn fault_of_name(name: &str) -> Option<&'static str> {
    let lower = |character: char| character.is_ascii_lowercase();
    let allowed = |character: char| lower(character) || character.is_ascii_digit() || character == '_';
    if name.is_empty() {
        Some("must not be empty")
    } else if !name.starts_with(lower) {
        Some("must start with a lowercase ASCII letter")
    } else if !name.chars().all(allowed) {
        Some("must contain only lowercase ASCII letters, digits and underscores")
    } else if name.ends_with('_') || name.contains("__") {
        Some("must not end with an underscore or contain two in a row")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule_of_the_manifest() {
        for name in ["a", "api_token", "a1_2"] {
            assert_eq!(fault_of_name(name), None, "{name:?}");
        }
        for name in ["", "A", "1a", "_a", "a_", "a__b", "a-b"] {
            assert!(fault_of_name(name).is_some(), "{name:?}");
        }
    }
}
