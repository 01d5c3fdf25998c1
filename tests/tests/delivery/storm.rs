//! Many alerts at once: people get one message, programs get each.

use integration_tests::Answer;

use crate::Room;

impl Room {
    /// Watches so many more targets, none of which answers.
    async fn more_targets(&self, count: usize) {
        self.monitored
            .run(&format!(
                "insert into monitoring.targets (name, address, enabled) \
                 select 'replica-' || n, 'postgres://nobody@192.0.2.1/none', true from generate_series(1, {count}) as n"
            ))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_storm_reaches_people_as_one_message_and_programs_one_by_one() {
    let room = Room::new("storm").await;
    room.more_targets(11).await;
    let channels = [("chat", "slack", "/chat"), ("hook", "webhook", "/hook")];
    for (name, kind, path) in channels {
        room.monitored
            .tell(name, kind, &room.receiver, path)
            .await
            .unwrap();
    }
    room.down(60).await;
    let report = room.deliver().await;
    let received = room.receiver.received();
    let chat: Vec<_> = received
        .iter()
        .filter(|request| request.path == "/chat")
        .collect();
    let count = room.came("/hook").len();
    assert_eq!(report["delivered"], count * 2);
    assert_eq!(chat.len(), 1, "people are told once");
    let text = chat[0].json().unwrap()["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with(&format!("`[{count} ALERTS]")), "{text}");
    assert!(count >= 11 && text.contains("replica-1"), "{text}");
}

#[tokio::test]
async fn a_storm_that_was_not_taken_comes_again_as_it_was() {
    let room = Room::new("storm_again").await;
    room.more_targets(7).await;
    room.monitored
        .tell("chat", "slack", &room.receiver, "/chat")
        .await
        .unwrap();
    room.receiver.answer_next(Answer::status(503));
    room.down(60).await;
    room.deliver().await;
    // What is news meanwhile is not mixed into what may have arrived.
    room.more_targets_later().await;
    room.hurry().await;
    room.deliver().await;
    let received = room.receiver.received();
    let (first, later) = received.split_first().unwrap();
    let again = later.iter().filter(|request| request.body == first.body).count();
    assert_eq!(
        (again, later.len()),
        (1, 2),
        "the storm once more, and the news by itself: {received:?}"
    );
}

impl Room {
    /// One target more, which does not answer either.
    async fn more_targets_later(&self) {
        self.monitored
            .run(
                "insert into monitoring.targets (name, address, enabled) \
                 values ('later', 'postgres://nobody@192.0.2.1/none', true)",
            )
            .await
            .unwrap();
        self.down(60).await;
    }
}
