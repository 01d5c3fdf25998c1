//! What comes out of good manifests.

use application::{Application, Options};

use crate::folder::{Folder, HEAD};

fn load(rest: &str) -> Application {
    Folder::new(&format!("{HEAD}{rest}"))
        .load(&Options::default())
        .unwrap()
}

#[test]
fn an_application_comes_out_whole() {
    let folder = Folder::new(
        r#"
        spin_manifest_version = 2

        [application]
        name = "watch"
        version = "1.2.3"
        description = "watches"
        authors = ["someone"]

        [application.trigger.http]
        base = "/"

        [variables]
        url = { required = true, secret = true }
        host = { default = "localhost", description = "where" }

        [[trigger.http]]
        route = "/health/..."
        component = "health"
        executor = { type = "http" }

        [[trigger.http]]
        id = "own"
        route = { private = true }
        component = { source = "a.wasm" }

        [[trigger.cron]]
        component = "health"
        cron_expression = "*/15 * * * * *"

        [component.health]
        source = "a.wasm"
        description = "says how it is"
        allowed_outbound_hosts = ["postgres://{{ host }}:5433"]
        key_value_stores = ["default"]
        environment = { LEVEL = "{{ not a template }}" }
        variables = { url = "{{ url }}", plain = "at {{host}}" }

        [component.health.build]
        command = ["cargo build"]
        workdir = "."
        watch = ["src"]

        [component.health.tool.editor]
        anything = true
        "#,
    );
    folder.file(".env", "SPIN_VARIABLE_URL=postgres://u:hunter2@localhost/db\n");
    let application = folder.load(&Options::default()).unwrap();

    assert_eq!((&*application.name, &*application.version), ("watch", "1.2.3"));
    assert_eq!(
        (&*application.description, &*application.authors),
        ("watches", &["someone".to_owned()][..])
    );
    let health = &application.components["health"];
    assert_eq!(health.source, folder.path("a.wasm"));
    assert_eq!(
        health.variables["url"].expose(),
        "postgres://u:hunter2@localhost/db"
    );
    assert_eq!(health.variables["plain"].expose(), "at localhost");
    assert_eq!(health.environment["LEVEL"], "{{ not a template }}");
    assert!(health.allowed_hosts.allows("postgres", "localhost", Some(5433)));
    assert_eq!(
        application.router.find("/health/ready").unwrap().component(),
        "health"
    );
    let http: Vec<_> = application
        .http_triggers
        .iter()
        .map(|trigger| (&*trigger.id, &*trigger.component))
        .collect();
    assert_eq!(
        http,
        [("health-http-trigger", "health"), ("own", "own-component")]
    );
    assert_eq!(application.http_triggers[1].route, None);
    assert_eq!(
        application.cron_triggers[0].schedule.expression(),
        "*/15 * * * * *"
    );
    assert_eq!(application.warnings, []);
    assert!(!format!("{application:?}").contains("hunter2"));
}

#[test]
fn a_folder_stands_for_the_spin_toml_in_it() {
    let folder = Folder::new(HEAD);
    let application = Application::load(folder.directory.path(), &Options::default()).unwrap();
    assert_eq!(application.manifest, folder.path("spin.toml"));
}

#[test]
fn triggers_without_an_id_get_the_one_spin_would_give() {
    let trigger = |route| format!("[[trigger.http]]\nroute = \"{route}\"\ncomponent = \"a\"\n");
    let inline = "[[trigger.cron]]\ncron_expression = \"@daily\"\ncomponent = { source = \"a.wasm\" }\n";
    let application = load(&[trigger("/1"), trigger("/2"), inline.to_owned()].concat());
    let ids: Vec<_> = application
        .http_triggers
        .iter()
        .map(|trigger| &*trigger.id)
        .collect();
    assert_eq!(ids, ["a-http-trigger", "http-trigger1"]);
    assert_eq!(application.cron_triggers[0].id, "cron-trigger1");
    assert_eq!(application.cron_triggers[0].component, "cron-trigger1-component");
}

#[test]
fn what_is_hardly_meant_is_warned_of() {
    let trigger = |route| format!("[[trigger.http]]\nroute = \"{route}\"\ncomponent = \"a\"\n");
    let unused = "[component.b]\nsource = \"a.wasm\"\n".to_owned();
    let application = load(
        &[
            trigger("/x"),
            trigger("/x"),
            trigger("/.well-known/spin/y"),
            unused,
        ]
        .concat(),
    );
    let warnings: Vec<_> = application.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "route \"/x\" of component a is never reached: \"/x\" of component a takes its paths",
            "route \"/.well-known/spin/y\" is below /.well-known/spin/, which is reserved on Spin",
            "component b is not named by any trigger",
        ]
    );
}
