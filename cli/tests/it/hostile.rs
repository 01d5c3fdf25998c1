//! Every command, run by an administrator in a database of somebody who means harm.

use integration_tests::{HostileDatabase, test_versions};

use crate::support::{Project, admission};

#[tokio::test]
async fn no_command_runs_code_of_the_owner_of_a_database() {
    for version in test_versions() {
        let database = HostileDatabase::on(version).await.unwrap();
        database.lay_traps().await.unwrap();
        let mark = database.mark();
        let mut project = Project::new();
        project.set("DATABASE_URL", &database.url());
        let password = "collector-of-the-test";
        let collector = database.url_as("pgvitals_collector", password);
        project.monitoring(&collector);
        let url = database.url();
        let commands: [&[&str]; 21] = [
            &["migrate"],
            &["targets", "add", "shop", &collector],
            &["targets", "list"],
            &["doctor"],
            &["status"],
            &["rules", "list"],
            &["rules", "metrics"],
            &["rules", "test", "cache_hit", "--warning", "97"],
            &["rules", "suggest"],
            &["channels", "list"],
            &["notifications", "list"],
            &["alerts", "list"],
            &["routes", "list"],
            &["silences", "list"],
            &["windows", "list"],
            &["responses", "list"],
            &["show", "slow_statements"],
            &["show", "growth"],
            &["migrate"],
            &["seed", "--database", &url],
            &["rls", "--database", &url],
        ];
        for arguments in commands {
            let answer = project.run(arguments);
            let sprung = database.sprung_since(mark);
            assert!(
                sprung.is_empty(),
                "{arguments:?}: {:#?}\n{answer}",
                &sprung[..sprung.len().min(20)]
            );
            if arguments == ["migrate"] {
                assert!(answer.starts_with("exit code: 0"), "{answer}");
                let admin = integration_tests::database::connect(&database.server().url("postgres"))
                    .await
                    .unwrap();
                admin.batch_execute(&admission(password)).await.unwrap();
            }
        }
    }
}
