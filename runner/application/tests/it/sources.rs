//! Where the values of variables come from.

use application::{Dotenv, Options};

use crate::folder::{Folder, HEAD, shown};

fn options(variables: &[(&str, &str)], environment: &[(&str, &str)]) -> Options {
    Options {
        variables: variables
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        environment: environment
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        dotenv: Dotenv::BesideManifest,
    }
}

/// A manifest with one variable, which its component has under the same name.
const ONE_VARIABLE: &str = "[variables]\nx = { default = \"default\", secret = true }\n\
                            [component.b]\nsource = \"a.wasm\"\nvariables = { x = \"{{ x }}\" }\n";

fn one_variable() -> Folder {
    Folder::new(&format!("{HEAD}{ONE_VARIABLE}"))
}

#[track_caller]
fn check_value(folder: &Folder, options: &Options, expected: &str) {
    let application = folder.load(options).unwrap();
    assert_eq!(application.components["b"].variables["x"].expose(), expected);
}

#[test]
fn values_come_from_the_command_line_the_environment_the_file_and_the_default() {
    let folder = one_variable();
    check_value(&folder, &options(&[], &[]), "default");
    let file = folder.file(".env", "SPIN_VARIABLE_X=file\n");
    check_value(&folder, &options(&[], &[]), "file");
    check_value(
        &folder,
        &options(&[], &[("SPIN_VARIABLE_X", "environment")]),
        "environment",
    );
    check_value(
        &folder,
        &options(&[("x", "line")], &[("SPIN_VARIABLE_X", "environment")]),
        "line",
    );
    check_value(
        &folder,
        &Options {
            dotenv: Dotenv::None,
            ..Options::default()
        },
        "default",
    );
    check_value(
        &one_variable(),
        &Options {
            dotenv: Dotenv::File(file),
            ..Options::default()
        },
        "file",
    );
}

#[track_caller]
fn check_value_error(folder: &Folder, options: &Options, message: &str, hint: &str) {
    let error = folder.load(options).unwrap_err();
    let (found, found_hint) = shown(folder, &error);
    assert_eq!(found, message);
    assert!(
        found_hint.contains(hint),
        "hint {found_hint:?} should say {hint:?}"
    );
    assert!(!format!("{error:?} {options:?}").contains("hunter2"));
}

#[test]
fn sources_that_cannot_be_read_are_named_without_their_values() {
    let folder = one_variable();
    check_value_error(
        &folder,
        &options(&[("y", "hunter2")], &[]),
        "spin.toml:7: variables: value given for \"y\", which is not a variable of the application",
        "(declared: x)",
    );
    let missing = Options {
        dotenv: Dotenv::File(folder.path("none.env")),
        ..Options::default()
    };
    let error = folder.load(&missing).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("none.env: cannot read the dotenv file")
    );
    folder.file(".env", "A=1\nSPIN_VARIABLE_X='hunter2\n");
    check_value_error(
        &folder,
        &options(&[], &[]),
        ".env:2: line of the dotenv file is not NAME=value",
        "quotes",
    );
}

#[cfg(unix)]
#[test]
fn an_environment_variable_that_is_not_text_is_named() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let mut options = Options::default();
    options.environment.insert(
        "SPIN_VARIABLE_X".into(),
        OsStr::from_bytes(b"hunter2\xff").to_owned(),
    );
    check_value_error(
        &one_variable(),
        &options,
        "spin.toml:7: variables: environment variable SPIN_VARIABLE_X is not valid UTF-8",
        "set it to text",
    );
}
