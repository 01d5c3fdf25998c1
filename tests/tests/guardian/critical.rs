//! The critical queries: each file says what it is, runs as the role it names, answers right and by an index.

use std::collections::BTreeSet;
use std::fs;

use integration_tests::project_root;

use crate::clinic::Clinic;

/// Every query, with the classes of the thresholds in which they stand.
const QUERIES: [(&str, &str); 14] = [
    ("bulk_toggle", "bulk"),
    ("dashboard_read", "cache"),
    ("dashboard_refresh", "cache"),
    ("document_search", "search"),
    ("document_search_panel", "search"),
    ("job_claim", "job"),
    ("job_complete", "job"),
    ("policy_check", "rls"),
    ("provider_patients", "rls"),
    ("provider_reads_patient", "rls"),
    ("relationship_scan", "relationship"),
    ("timeline_deep_page", "timeline"),
    ("timeline_filtered", "timeline"),
    ("timeline_first_page", "timeline"),
];

/// A patient with a long timeline, among others, and a provider who may read it.
const PEOPLE: &str = "
    select made.patient('ada'), made.patient('ben'), made.provider('dee');
    select made.access('ada', 'dee', 'read');
    select made.records('ada'), made.records('ben');
    select made.timeline('ada', 5000), made.timeline('ben', 5000);
    insert into guardian.record_relationships (relationship_type, patient_id, source_id, target_id)
    values ('medication_treats_condition', made.id('patient ada'), made.id('medications ada'), made.id('conditions ada'));
    select guardian.process_invalidations();
    analyze";

/// A file of `sql/guardian/critical`.
fn text(query: &str) -> String {
    let path = project_root().join(format!("sql/guardian/critical/{query}.sql"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A value of its header.
fn header(query: &str, field: &str) -> String {
    let text = text(query);
    let prefix = format!("-- {field}: ");
    let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
    line.unwrap_or_else(|| panic!("{query} says no {field}"))
        .to_owned()
}

/// Its statement, with a value for each parameter.
fn statement(query: &str, values: &[(&str, &str)]) -> String {
    let lines = text(query);
    let mut statement: String = lines
        .lines()
        .filter(|line| !line.starts_with("--"))
        .fold(String::new(), |all, line| all + line + "\n");
    for (parameter, value) in values {
        let placeholder = format!(":{parameter}::");
        assert!(statement.contains(&placeholder), "{query} takes no {parameter}");
        statement = statement.replace(&placeholder, &format!("'{value}'::"));
    }
    statement
}

async fn clinics(test: &str) -> Vec<Clinic> {
    let clinics = Clinic::on_each_version(&format!("critical::{test}")).await;
    for clinic in &clinics {
        clinic.run(PEOPLE).await;
    }
    clinics
}

impl Clinic {
    async fn id(&self, name: &str) -> String {
        self.value(&format!("select made.id('{name}')")).await
    }
}

#[test]
fn every_file_says_its_threshold_its_role_and_the_parameters_that_it_takes() {
    let folder = fs::read_dir(project_root().join("sql/guardian/critical")).unwrap();
    let files: BTreeSet<String> = folder
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = QUERIES.map(|(query, _)| format!("{query}.sql"));
    assert_eq!(files, BTreeSet::from(expected));
    for (query, class) in QUERIES {
        assert_eq!(header(query, "name"), query);
        assert_eq!(header(query, "threshold class"), class, "{query}");
        assert!(
            header(query, "threshold ms").parse::<u32>().unwrap() > 0,
            "{query}"
        );
        let role = header(query, "role");
        assert!(
            ["patient", "provider", "owner"].contains(&role.as_str()),
            "{query}: {role}"
        );
        let header = header(query, "parameters");
        let said: BTreeSet<&str> = header.split(", ").collect();
        let statement = statement(query, &[]);
        let taken = statement.split(':').zip(statement.split(':').skip(1));
        let taken: BTreeSet<&str> = taken
            .filter(|(before, name)| {
                !before.is_empty() && name.starts_with(|first: char| first.is_ascii_lowercase())
            })
            .filter(|(before, _)| {
                !before.ends_with(|last: char| last.is_alphanumeric() || last == ')' || last == '_')
            })
            .map(|(_, name)| {
                name.split(|end: char| !end.is_alphanumeric() && end != '_')
                    .next()
                    .unwrap()
            })
            .collect();
        assert_eq!(taken, said, "{query}");
    }
}

#[tokio::test]
async fn pages_of_a_timeline_follow_each_other_without_a_gap() {
    for clinic in clinics("pages").await {
        let ada = clinic.id("patient ada").await;
        let mut page = clinic
            .seen("ada", &statement("timeline_first_page", &[("patient_id", &ada)]))
            .await;
        let mut turned = Vec::new();
        // Ten pages: the events come in twos at the same moment, so that an end of a page falls between two.
        for _ in 0..10 {
            assert_eq!(page.len(), 20);
            turned.extend(page.iter().map(|row| row.split('|').next().unwrap().to_owned()));
            let last: Vec<&str> = page[19].split('|').collect();
            let values = [
                ("patient_id", ada.as_str()),
                ("before_at", last[1]),
                ("before_id", last[0]),
            ];
            page = clinic
                .seen("ada", &statement("timeline_deep_page", &values))
                .await;
        }
        let whole = format!(
            "select timeline_event_id from guardian.timeline_events where patient_id = '{ada}'
             order by occurred_at desc, timeline_event_id desc limit 200"
        );
        assert_eq!(turned, clinic.rows(&whole).await);
    }
}

#[tokio::test]
async fn a_filtered_timeline_has_one_kind_and_archived_events_are_gone() {
    for clinic in clinics("filtered").await {
        let ada = clinic.id("patient ada").await;
        let values = [
            ("patient_id", ada.as_str()),
            ("kind", "laboratory"),
            ("since", "2020-01-01"),
        ];
        let filtered = statement("timeline_filtered", &values);
        let found = clinic.seen("dee", &filtered).await;
        assert_eq!(found.len(), 20);
        assert!(
            found
                .iter()
                .all(|row| row.split('|').nth(2) == Some("laboratory")),
            "{found:?}"
        );
        clinic
            .run("update guardian.timeline_events set archived_at = now() where kind = 'laboratory'")
            .await;
        assert_eq!(clinic.seen("dee", &filtered).await, [""; 0]);
    }
}

#[tokio::test]
async fn timelines_are_read_by_their_index_under_the_policy() {
    for clinic in clinics("plans").await {
        let ada = clinic.id("patient ada").await;
        let patient = ("patient_id", ada.as_str());
        let id = clinic.id("event ada4000").await;
        let moment = clinic.value("select now() - interval '1 day'").await;
        for (query, values, index) in [
            ("timeline_first_page", vec![patient], "timeline_events_page"),
            (
                "timeline_deep_page",
                vec![patient, ("before_at", &moment), ("before_id", &id)],
                "timeline_events_page",
            ),
            (
                "timeline_filtered",
                vec![patient, ("kind", "visit"), ("since", "2020-01-01")],
                "timeline_events_kind_page",
            ),
        ] {
            let plan = clinic
                .seen("ada", &format!("explain {}", statement(query, &values)))
                .await
                .join("\n");
            assert!(
                plan.contains(&format!("Index Scan Backward using {index} ")),
                "{query}: {plan}"
            );
            assert!(!plan.contains("Sort"), "{query}: {plan}");
        }
    }
}

#[tokio::test]
async fn a_provider_finds_the_own_patients_and_reads_them_and_no_other() {
    for clinic in clinics("provider").await {
        let (ada, ben, dee) = (
            clinic.id("patient ada").await,
            clinic.id("patient ben").await,
            clinic.id("provider dee").await,
        );
        let list = clinic
            .seen("dee", &statement("provider_patients", &[("provider_id", &dee)]))
            .await;
        assert_eq!(list.len(), 1, "{list:?}");
        assert!(
            list[0].starts_with(&format!("{ada}|Ada|1970-01-01|Ghent|read|")),
            "{list:?}"
        );
        assert_eq!(
            clinic
                .seen("ben", &statement("provider_patients", &[("provider_id", &dee)]))
                .await,
            [""; 0]
        );

        let chart = clinic
            .seen(
                "dee",
                &statement("provider_reads_patient", &[("patient_id", &ada)]),
            )
            .await;
        for part in ["metformin", "type 2 diabetes", "penicillin", "HbA1c"] {
            assert!(chart[0].contains(part), "{chart:?}");
        }
        assert_eq!(
            clinic
                .seen(
                    "dee",
                    &statement("provider_reads_patient", &[("patient_id", &ben)])
                )
                .await,
            [""; 0]
        );
        for (patient, visible) in [(&ada, "t"), (&ben, "f")] {
            assert_eq!(
                clinic
                    .seen("dee", &statement("policy_check", &[("patient_id", patient)]))
                    .await,
                [visible]
            );
        }
    }
}

#[tokio::test]
async fn dashboards_relationships_jobs_and_bulk_mode_answer() {
    for clinic in clinics("others").await {
        let ada = clinic.id("patient ada").await;
        let patient = [("patient_id", ada.as_str())];
        assert_eq!(
            clinic.rows(&statement("dashboard_refresh", &patient)).await,
            ["t"]
        );
        let board = clinic.seen("ada", &statement("dashboard_read", &patient)).await;
        assert!(board[0].contains("\"timeline\": {\"events\": 5001"), "{board:?}");
        let relationships = clinic
            .seen("ada", &statement("relationship_scan", &patient))
            .await;
        assert_eq!(relationships.len(), 1);
        assert!(
            relationships[0].contains("|medication_treats_condition|medications|"),
            "{relationships:?}"
        );

        let claim = statement("job_claim", &[("worker", "w1")]);
        assert_eq!(clinic.rows(&claim).await, [""; 0]);
        let job = clinic
            .value("select guardian.enqueue_job('letter', '{\"n\": 1}')")
            .await;
        assert_eq!(
            clinic.rows(&claim).await,
            [format!("{job}|letter|{{\"n\": 1}}|1")]
        );
        let complete = statement("job_complete", &[("job_id", &job), ("worker", "w1")]);
        assert_eq!(clinic.rows(&complete).await, ["t"]);
        assert_eq!(clinic.rows(&complete).await, ["f"], "it is done");

        let toggled = clinic
            .rows(&statement("bulk_toggle", &[("reason", "a test")]))
            .await;
        assert!(toggled[0].starts_with("1|0|0|"), "{toggled:?}");
        assert_eq!(clinic.value("select guardian.in_bulk_mode()").await, "f");
    }
}
