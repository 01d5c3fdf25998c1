//! What is said of bad manifests: the place, the reason, the mend.

use std::error::Error;
use std::path::Path;

use application::{Application, Options};

use crate::folder::{Folder, HEAD, shown};

/// Checks the error of a manifest that begins with the 6 lines of `HEAD`.
#[track_caller]
fn check_error(rest: &str, message: &str, hint: &str) {
    check_whole_error(&format!("{HEAD}{rest}"), message, hint);
}

#[track_caller]
fn check_whole_error(manifest: &str, message: &str, hint: &str) {
    let folder = Folder::new(manifest);
    let error = folder.load(&Options::default()).unwrap_err();
    let (found, found_hint) = shown(&folder, &error);
    assert_eq!(found, message);
    assert!(
        found_hint.contains(hint),
        "hint {found_hint:?} should say {hint:?}"
    );
}

#[test]
fn a_manifest_that_is_not_toml_is_refused() {
    let hint = "the file is TOML";
    check_error("a = [1,", "spin.toml:7: unclosed array, expected `]`", hint);
    check_error("[trigger]", "spin.toml:7: duplicate key", hint);
}

#[test]
fn what_only_a_later_toml_allows_is_refused() {
    for manifest in [
        "[variables]\nx = {\n  default = \"\" }",
        "[variables]\nx = { default = \"\", }",
        "[variables]\nx = { default = \"\\e\" }",
    ] {
        let folder = Folder::new(&format!("{HEAD}{manifest}"));
        let error = folder.load(&Options::default()).unwrap_err();
        let (found, hint) = shown(&folder, &error);
        assert!(found.contains(":8: Spin reads TOML 1.0 only: "), "{found}");
        assert!(hint.contains("the file is TOML"), "{hint}");
    }
}

#[test]
fn a_manifest_of_another_version_is_refused() {
    let hint = "spin_manifest_version = 2";
    let message = "spin.toml:1: spin_manifest_version: manifest is of version 1, not 2";
    check_whole_error("spin_manifest_version = 1\n", message, hint);
    check_whole_error("spin_manifest_version = \"1\"\nname = \"old\"\n", message, hint);
    check_whole_error(
        "spin_version = \"1\"\nname = \"old\"\n",
        "spin.toml:1: spin_version: manifest is of version 1, not 2",
        hint,
    );
    check_whole_error(
        "",
        "spin.toml: missing field `spin_manifest_version`",
        "add the key",
    );
}

#[test]
fn keys_that_spin_does_not_know_are_refused_where_they_stand() {
    let hint = "remove the key, or correct its name";
    check_error(
        "[extra]",
        "spin.toml:7: extra: unknown field `extra`, expected one of \
         `spin_manifest_version`, `application`, `variables`, `trigger`, `component`",
        hint,
    );
    check_error(
        "[[trigger.http]]\ncomponent = \"a\"\nrout = \"/\"",
        "spin.toml:9: trigger.http[1].rout: unknown field `rout`, expected one of \
         `id`, `component`, `route`, `executor`",
        hint,
    );
    check_error(
        "[[trigger.cron]]\ncomponent = \"a\"\ncron_expression = \"@daily\"\ntimeout = 1",
        "spin.toml:10: trigger.cron[1].timeout: unknown field `timeout`, expected one of \
         `id`, `component`, `cron_expression`",
        hint,
    );
    check_error(
        "[variables.x]\ndefault = \"\"\nsecrte = true",
        "spin.toml:9: variables.x.secrte: unknown field `secrte`, expected one of \
         `description`, `required`, `default`, `secret`",
        hint,
    );
    check_error(
        "[component.b]\nsource = \"a.wasm\"\n[component.b.build]\ncomand = \"x\"",
        "spin.toml:10: component.b.build.comand: unknown field `comand`, expected one of \
         `command`, `workdir`, `watch`",
        hint,
    );
}

#[test]
fn tables_are_read_as_strictly_as_on_spin() {
    let http = "[[trigger.http]]\ncomponent = \"a\"\nroute = \"/\"\n";
    check_error(
        &format!("{http}executor = {{ type = \"http\", timeout = 1 }}"),
        "spin.toml:10: trigger.http[1].executor.timeout: unknown field `timeout`, expected `type`",
        "remove the key",
    );
    check_error(
        "[application.trigger.http]\nlisten = \"x\"",
        "spin.toml:8: application.trigger.http.listen: unknown field `listen`, expected `base`",
        "remove the key",
    );
    check_error(
        "[application.trigger.http]\nbase = \"/below\"",
        "spin.toml:8: application.trigger.http.base: a base before the routes is not supported",
        "before every route",
    );
    check_error(
        "[application.tool]\neditor = 1",
        "spin.toml:8: application.tool.editor: invalid type: integer `1`, expected a map",
        "write what is expected",
    );
    check_error(
        "[component.b]\nsource = \"a.wasm\"\n[component.b.profile.debug]\nsorce = \"b.wasm\"",
        "spin.toml:10: component.b.profile.debug.sorce: unknown field `sorce`, expected one of \
         `source`, `environment`, `dependencies`, `build`",
        "remove the key",
    );
    check_error(
        "[component.b]\nsource = \"a.wasm\"\nbuild = { command = 1 }",
        "spin.toml:9: component.b.build.command: a command, or a list of commands",
        "",
    );
    check_error(
        "[component.b-1]\nsource = \"a.wasm\"",
        "spin.toml:7: component.b-1: \"b-1\" is not a component name: every word must start with a letter",
        "collect-stats",
    );
    check_error(
        "[variables]\nurl_2 = { default = \"\" }",
        "spin.toml:8: variables.url_2: \"url_2\" is not a variable name: every word must start with a letter",
        "monitoring_url",
    );
}

#[test]
fn keys_that_are_missing_are_named_with_their_table() {
    check_error(
        "[[trigger.http]]\ncomponent = \"a\"",
        "spin.toml:7: trigger.http[1]: missing field `route`",
        "add",
    );
    check_error(
        "[[trigger.cron]]\ncomponent = \"a\"",
        "spin.toml:7: trigger.cron[1]: missing field `cron_expression`",
        "add",
    );
    check_error(
        "[component.b]",
        "spin.toml:7: component.b: missing field `source`",
        "add",
    );
    check_whole_error(
        "spin_manifest_version = 2\n[application]\nname = \"test\"\n",
        "spin.toml: missing field `trigger`",
        "add",
    );
}

#[test]
fn values_of_another_type_are_refused() {
    let hint = "write what is expected";
    check_error(
        "[variables]\nx = \"text\"",
        "spin.toml:8: variables.x: invalid type: string \"text\", expected \
         a table such as { default = \"value\" } or { required = true }",
        hint,
    );
    check_error(
        "[component.b]\nsource = 1",
        "spin.toml:8: component.b.source: invalid type: integer `1`, expected the path of a .wasm file",
        hint,
    );
    check_error(
        "[[trigger.http]]\ncomponent = \"a\"\nroute = 1",
        "spin.toml:9: trigger.http[1].route: invalid type: integer `1`, expected \
         a path such as \"/metrics\", or { private = true }",
        hint,
    );
    check_error(
        "[trigger.http]\nroute = \"/\"",
        "spin.toml:7: trigger.http: invalid type: map, expected a sequence",
        "[[trigger.http]]",
    );
}

#[test]
fn variables_that_cannot_be_are_refused() {
    check_error(
        "[variables]\nbad-name = { default = \"\" }",
        "spin.toml:8: variables.bad-name: \"bad-name\" is not a variable name: \
         only lower-case letters, digits and underscores are allowed",
        "monitoring_url",
    );
    check_error(
        "[variables]\nx = { required = true, default = \"\" }",
        "spin.toml:8: variables.x: variable must be required or have a default, not both",
        "either",
    );
    check_error(
        "[variables]\nx = { secret = true }",
        "spin.toml:8: variables.x: variable must be required or have a default, and is neither",
        "either",
    );
}

#[test]
fn triggers_that_cannot_be_are_refused() {
    check_error(
        "[[trigger.redis]]\nchannel = \"a\"",
        "spin.toml:7: trigger.redis: \"redis\" triggers are not served, only http and cron are",
        "run the application on Spin",
    );
    check_error(
        "[[trigger.http]]\nroute = \"/\"\ncomponent = \"b\"",
        "spin.toml:9: trigger.http[1].component: trigger names the component \"b\", which is not declared",
        "add a table [component.b], or correct the name (declared: a)",
    );
    check_error(
        "[[trigger.http]]\ncomponent = \"a\"\nroute = { private = false }",
        "spin.toml:9: trigger.http[1].route: route is neither a path nor private",
        "{ private = true }",
    );
    check_error(
        "[[trigger.http]]\ncomponent = \"a\"\nroute = \"/*/a\"",
        "spin.toml:9: trigger.http[1].route: cannot read the route \"/*/a\": a wildcard is followed by something",
        "/health/...",
    );
    check_error(
        "[[trigger.http]]\ncomponent = \"a\"\nroute = \"/\"\nexecutor = { type = \"wagi\" }",
        "spin.toml:10: trigger.http[1].executor: executors other than http are not supported",
        "remove it",
    );
    check_error(
        "[[trigger.cron]]\ncomponent = \"a\"\ncron_expression = \"*/5 * * * *\"",
        "spin.toml:9: trigger.cron[1].cron_expression: cannot read the cron expression \"*/5 * * * *\": \
         Invalid pattern: Pattern must consist of six fields, seconds can not be omitted.",
        "\"0 */5 * * * *\"",
    );
}

#[test]
fn components_that_cannot_be_are_refused() {
    check_error(
        "[component.b_c]\nsource = \"a.wasm\"",
        "spin.toml:7: component.b_c: \"b_c\" is not a component name: words must be joined by '-', not '_'",
        "collect-stats",
    );
    check_error(
        "[component.b]\nsource = \"b.wasm\"",
        "spin.toml:8: component.b.source: component file b.wasm is not there",
        "build the components",
    );
    check_error(
        "[component.b]\nsource = { url = \"https://example.com/b.wasm\", digest = \"sha256:1\" }",
        "spin.toml:8: component.b.source: components from a URL or a registry are not supported",
        "run the application on Spin",
    );
    check_error(
        "[component.b]\nsource = \"a.wasm\"\nkey_value_stores = [\"default\", \"cache\"]",
        "spin.toml:9: component.b.key_value_stores[2]: \
         unknown key_value_stores label \"cache\" for component \"b\"",
        "name the store \"default\"",
    );
    check_error(
        "[[trigger.http]]\nroute = \"/\"\ncomponent = { source = \"b.wasm\" }",
        "spin.toml:9: trigger.http[1].component.source: component file b.wasm is not there",
        "build the components",
    );
    check_error(
        "[component.b]\nsource = \"a.wasm\"\nallowed_outbound_hosts = [\n\"http://a\",\n\"b\"]",
        "spin.toml:11: component.b.allowed_outbound_hosts[2]: \
         cannot read the allowed outbound host \"b\": it has no scheme",
        "https://b",
    );
}

#[test]
fn templates_that_cannot_be_are_refused_before_values_are_looked_for() {
    let required = "[variables]\nx = { required = true }\n[component.b]\nsource = \"a.wasm\"\n";
    check_error(
        &format!("{required}variables = {{ y = \"{{{{ x\" }}"),
        "spin.toml:11: component.b.variables.y: template has a '{{' without a '}}' after it",
        "{{ name }}",
    );
    check_error(
        &format!("{required}allowed_outbound_hosts = [\"http://{{{{ y }}}}\"]"),
        "spin.toml:11: component.b.allowed_outbound_hosts[1]: template names the unknown variable \"y\"",
        "declare it under [variables], or correct its name (declared: x)",
    );
    check_error(
        &format!("{required}variables = {{ Y = \"\" }}"),
        "spin.toml:11: component.b.variables.Y: \"Y\" is not a variable name: \
         only lower-case letters, digits and underscores are allowed",
        "monitoring_url",
    );
}

#[test]
fn missing_variables_are_listed_with_how_to_give_them() {
    check_error(
        "[variables]\nurl = { required = true }\nopen = { default = \"true\" }\ntoken = { required = true }",
        "spin.toml:7: variables: required variables token, url have no value",
        "SPIN_VARIABLE_TOKEN=… SPIN_VARIABLE_URL=…",
    );
}

#[test]
fn a_manifest_that_is_not_there_is_refused() {
    let error = Application::load(Path::new("nowhere.toml"), &Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "nowhere.toml: cannot read the manifest");
    assert_eq!(error.hint(), "name a spin.toml, or start where one is");
    assert!(error.source().is_some());
}
