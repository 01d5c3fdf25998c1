//! Documents: uploaded by a request, processed by a worker, and found.

use crate::clinic::Clinic;

const PEOPLE: &str = "
    select made.patient('ada'), made.patient('ben'), made.provider('dee');
    select made.access('ada', 'dee', 'read')";

fn upload(patient: &str, title: &str, body: &str) -> String {
    format!(
        "insert into guardian.documents (patient_id, kind, title, body, file_size_bytes)
         values (md5('patient {patient}')::uuid, 'letter', '{title}', '{body}', {})",
        body.len()
    )
}

#[tokio::test]
async fn an_upload_becomes_a_job_and_the_job_an_event_on_the_timeline() {
    for clinic in Clinic::on_each_version("documents::way").await {
        clinic.run(PEOPLE).await;
        clinic
            .seen("ada", &upload("ada", "Cardiology", "chest pain on exertion"))
            .await;
        let job = clinic
            .value("select job_id from guardian.claim_job('worker', array['process_document'])")
            .await;
        let process = format!(
            "select guardian.process_document((payload ->> 'document_id')::uuid) from guardian.jobs where job_id = {job}"
        );
        assert_eq!(clinic.value(&process).await, "t");
        assert_eq!(
            clinic.value(&process).await,
            "f",
            "a job that runs twice does nothing more"
        );
        assert_eq!(
            clinic
                .value(&format!("select guardian.complete_job({job}, 'worker')"))
                .await,
            "t"
        );

        assert_eq!(
            clinic.seen("ada", "select status from guardian.documents").await,
            ["processed"]
        );
        let stages = "select string_agg(stage || ' ' || outcome, ', ' order by started_at) from guardian.document_stages";
        let all = "received succeeded, scanned succeeded, extracted succeeded, classified succeeded, indexed succeeded";
        assert_eq!(clinic.seen("dee", stages).await, [all]);
        assert_eq!(
            clinic
                .seen("ben", "select count(*) from guardian.document_stages")
                .await,
            ["0"]
        );
        let event = "select kind, title, document_id is not null from guardian.timeline_events";
        assert_eq!(clinic.seen("ada", event).await, ["document|Cardiology|t"]);
    }
}

#[tokio::test]
async fn the_search_by_index_finds_what_the_policy_lets_see_and_the_best_first() {
    for clinic in Clinic::on_each_version("documents::search").await {
        clinic.run(PEOPLE).await;
        for (patient, title, body) in [
            ("ada", "Chest X-ray", "no finding"),
            ("ada", "Letter", "pain in the chest"),
            ("ada", "Letter", "pain in the knee"),
            ("ben", "Chest X-ray", "chest clear"),
        ] {
            clinic.seen(patient, &upload(patient, title, body)).await;
        }
        let search =
            "select title, patient_id = md5('patient ada')::uuid from guardian.search_documents('chest')";
        let of_ada = ["Chest X-ray|t", "Letter|t"];
        assert_eq!(
            clinic.seen("ada", search).await,
            of_ada,
            "a word of the title counts for more"
        );
        assert_eq!(clinic.seen("dee", search).await, of_ada);
        assert_eq!(clinic.seen("ben", search).await, ["Chest X-ray|f"]);
        assert_eq!(clinic.seen("nobody", search).await, [""; 0]);
        let quoted = "select title from guardian.search_documents('\"pain in the knee\" -chest')";
        assert_eq!(clinic.seen("dee", quoted).await, ["Letter"]);
        let other = "select count(*) from guardian.search_documents('chest', md5('patient ben')::uuid)";
        assert_eq!(clinic.seen("dee", other).await, ["0"]);
        let one = "select count(*) from guardian.search_documents('chest', maximum_rows => 1)";
        assert_eq!(clinic.seen("dee", one).await, ["1"]);
    }
}
