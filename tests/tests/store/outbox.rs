//! Messages on their way out.

use std::time::Duration;

use store::channels::{self, Address};
use store::channels::{Attempt, AttemptOutcome, NewChannel};
use store::outbox::{self, Claim, Delivery, LetterState, Parcel};
use vitals::level::Level;

use crate::Monitoring;

const LEASE: Duration = Duration::from_secs(60);

/// Messages of the transitions 1 to `transitions` of so many alerts, to one channel.
async fn messages(room: &Monitoring, alerts: i64, transitions: i64) {
    let target = room.target("t").await;
    let address = Address::Secret("hook".to_owned());
    channels::add(&room.store, "c", "slack", &address, Level::Warning)
        .await
        .unwrap();
    room.run(&format!(
        "insert into monitoring.alerts (rule_id, target_id, subject, subject_label, state, level, value, threshold, opened_at)
         select 'cache_hit', {target}, n::text, '', 'firing', 'warning', 1, 1, now() from generate_series(1, {alerts}) as n"
    ))
    .await;
    room.run(&format!(
        "insert into monitoring.outbox (alert_id, sequence, channel_id, event, payload)
         select alert_id, n, channel_id, 'firing', '{{\"n\": 1}}'
         from monitoring.alerts, monitoring.channels, generate_series(1, {transitions}) as n"
    ))
    .await;
}

/// What a run claims of one channel at once, of kinds that people read.
const CLAIM: Claim<'_> = Claim {
    of_each_channel: 100,
    parcels: 100,
    lease: LEASE,
    grouped_kinds: &[],
};

const DELIVERED: Delivery = Delivery::Delivered {
    reference: None,
    refresh: None,
};

async fn claim(room: &Monitoring) -> Vec<Parcel> {
    outbox::claim_due(&room.store, &CLAIM).await.unwrap()
}

async fn complete(room: &Monitoring, parcel: &Parcel, delivery: Delivery) -> i64 {
    outbox::complete(&room.store, &[(parcel.clone(), delivery)])
        .await
        .unwrap()
}

fn dead(error: &str) -> Delivery {
    Delivery::Dead {
        error: error.to_owned(),
    }
}

fn retry(seconds: u64) -> Delivery {
    Delivery::Retry {
        delay: Duration::from_secs(seconds),
        error: "status 503".to_owned(),
    }
}

#[tokio::test]
async fn messages_of_an_alert_leave_in_order_one_at_a_time() {
    let room = Monitoring::new("outbox_order").await;
    messages(&room, 2, 3).await;
    for sequence in 1..=3 {
        let claimed = claim(&room).await;
        assert_eq!(
            claimed
                .iter()
                .map(|parcel| parcel.messages[0].sequence)
                .collect::<Vec<_>>(),
            [sequence, sequence]
        );
        assert_eq!(claim(&room).await, [], "the next waits for this one");
        let done: Vec<_> = claimed.into_iter().map(|parcel| (parcel, DELIVERED)).collect();
        assert_eq!(outbox::complete(&room.store, &done).await.unwrap(), 2);
    }
    let counts = outbox::counts(&room.store).await.unwrap();
    assert_eq!((counts.waiting, counts.delivered, counts.dead), (0, 6, 0));
}

#[tokio::test]
async fn a_message_that_failed_comes_again_and_holds_the_later_ones_back() {
    let room = Monitoring::new("outbox_retry").await;
    messages(&room, 1, 2).await;
    let first = claim(&room).await.remove(0);
    assert_eq!((first.attempts(), first.recipient.kind.as_str()), (1, "slack"));
    assert_eq!(first.recipient.address, Address::Secret("hook".to_owned()));
    assert_eq!(complete(&room, &first, retry(3600)).await, 1);
    assert_eq!(claim(&room).await, []);
    assert_eq!(outbox::counts(&room.store).await.unwrap().retrying, 1);

    room.run("update monitoring.outbox set next_attempt_at = now()")
        .await;
    let again = claim(&room).await.remove(0);
    assert_eq!((&again.key, again.attempts()), (&first.key, 2));
    assert_eq!(complete(&room, &again, dead("status 404")).await, 1);
    assert_eq!(
        claim(&room).await[0].messages[0].sequence,
        2,
        "a dead letter holds nothing back"
    );
}

#[tokio::test]
async fn who_lost_the_lease_cannot_complete() {
    let room = Monitoring::new("outbox_lease").await;
    messages(&room, 1, 1).await;
    let slow = claim(&room).await.remove(0);
    room.run("update monitoring.outbox set lease_until = now() - interval '1 second'")
        .await;
    let next = claim(&room).await.remove(0);
    assert_eq!(complete(&room, &slow, dead("late")).await, 0);
    assert_eq!(complete(&room, &next, DELIVERED).await, 1);
    assert_eq!(complete(&room, &next, DELIVERED).await, 0, "once is enough");
}

#[tokio::test]
async fn claims_at_the_same_time_share_the_messages_out() {
    let room = Monitoring::new("outbox_share").await;
    messages(&room, 60, 1).await;
    let others = [room.another().await, room.another().await, room.another().await];
    let share = Claim { parcels: 20, ..CLAIM };
    let (a, b, c, d) = tokio::join!(
        outbox::claim_due(&room.store, &share),
        outbox::claim_due(&others[0], &share),
        outbox::claim_due(&others[1], &share),
        outbox::claim_due(&others[2], &share),
    );
    let mut claimed: Vec<String> = [a, b, c, d]
        .into_iter()
        .flat_map(Result::unwrap)
        .map(|parcel| parcel.key)
        .collect();
    let total = claimed.len();
    claimed.sort();
    claimed.dedup();
    assert_eq!(total, claimed.len(), "a message was claimed twice");
    assert_eq!(total + claim(&room).await.len(), 60);
}

#[tokio::test]
async fn a_channel_that_is_switched_off_keeps_its_messages() {
    let room = Monitoring::new("outbox_disabled").await;
    messages(&room, 1, 1).await;
    channels::set_enabled(&room.store, "c", false).await.unwrap();
    assert_eq!(claim(&room).await, []);
    channels::set_enabled(&room.store, "c", true).await.unwrap();
    assert_eq!(claim(&room).await.len(), 1);
    let listed = channels::list(&room.store).await.unwrap();
    assert_eq!(
        (listed[0].minimum_level, listed[0].enabled),
        (Level::Warning, true)
    );
    assert!(channels::remove(&room.store, "c").await.unwrap());
    assert_eq!(outbox::counts(&room.store).await.unwrap().waiting, 0);
}

/// A run that takes storms of Slack messages as one.
const GROUPING: Claim<'_> = Claim {
    grouped_kinds: &["slack"],
    ..CLAIM
};

#[tokio::test]
async fn a_storm_leaves_as_one_message_and_every_attempt_sends_the_same() {
    let room = Monitoring::new("outbox_storm").await;
    messages(&room, 250, 2).await;
    let claim = async || outbox::claim_due(&room.store, &GROUPING).await.unwrap();
    let first = claim().await;
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].messages.len(), 100);
    let second = claim().await;
    assert_eq!(second[0].messages.len(), 100, "the rest comes in further parcels");
    assert_ne!(first[0].key, second[0].key);

    assert_eq!(complete(&room, &first[0], retry(0)).await, 100);
    // Single messages of the batch cannot leave without the others.
    let again = claim().await;
    let same = again.iter().find(|parcel| parcel.key == first[0].key).unwrap();
    let ids = |parcel: &Parcel| {
        let mut ids: Vec<String> = parcel
            .messages
            .iter()
            .map(|message| message.message_id.clone())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!((ids(same), same.attempts()), (ids(&first[0]), 2));
    assert_eq!(complete(&room, same, DELIVERED).await, 100);
    assert_eq!(complete(&room, &second[0], DELIVERED).await, 100);
    // What follows of the alerts that were told is a storm of its own.
    let next = claim().await;
    assert!(
        next.iter()
            .all(|parcel| parcel.messages.iter().all(|message| message.sequence == 2))
    );
}

#[tokio::test]
async fn a_few_messages_leave_by_themselves_and_a_storm_to_a_program_too() {
    let room = Monitoring::new("outbox_no_storm").await;
    messages(&room, 5, 1).await;
    let few = outbox::claim_due(&room.store, &GROUPING).await.unwrap();
    assert_eq!(few.len(), 5);
    assert!(
        few.iter()
            .all(|parcel| parcel.key == parcel.messages[0].message_id)
    );
    room.run("update monitoring.channels set kind = 'webhook'").await;
    room.run(
        "insert into monitoring.outbox (sequence, channel_id, event, payload)
         select n, channel_id, 'firing', '{}' from monitoring.channels, generate_series(1, 20) as n",
    )
    .await;
    assert_eq!(outbox::claim_due(&room.store, &GROUPING).await.unwrap().len(), 20);
}

async fn record(room: &Monitoring, outcome: AttemptOutcome) -> channels::Health {
    let channel_id = channels::list(&room.store).await.unwrap()[0].channel_id;
    let attempt = Attempt { channel_id, outcome };
    channels::record(&room.store, &[attempt]).await.unwrap();
    channels::list(&room.store).await.unwrap().remove(0).health
}

#[tokio::test]
async fn a_receiver_that_keeps_failing_is_left_alone_and_then_tried_with_one_message() {
    let room = Monitoring::new("outbox_circuit").await;
    messages(&room, 20, 1).await;
    let failed = |rest| AttemptOutcome::Failed {
        rest,
        error: "status 503".to_owned(),
    };
    for failures in 1..=4 {
        let health = record(&room, failed(None)).await;
        assert_eq!((health.consecutive_failures, health.open_until), (failures, None));
    }
    let health = record(&room, failed(None)).await;
    assert!(health.open_until.is_some(), "{health:?}");
    assert_eq!(health.last_error.as_deref(), Some("status 503"));
    assert_eq!(claim(&room).await, []);
    room.run("update monitoring.channels set open_until = now() - interval '1 second'")
        .await;
    let probe = claim(&room).await;
    assert_eq!(probe.len(), 1);
    assert_eq!(claim(&room).await, [], "not before the probe is answered");
    // It fails again: the pause is longer.
    let longer = record(&room, failed(None)).await;
    let pause = "select extract(epoch from open_until - now())::int8 from monitoring.channels";
    assert!((50..=60).contains(&room.number(pause).await), "{longer:?}");
    complete(&room, &probe[0], retry(0)).await;
    room.run("update monitoring.channels set open_until = null").await;
    let probe = claim(&room).await;
    complete(&room, &probe[0], DELIVERED).await;
    let health = record(&room, AttemptOutcome::Delivered).await;
    assert_eq!((health.consecutive_failures, health.open_until), (0, None));
    assert!(health.last_success_at.is_some());
    assert_eq!(claim(&room).await.len(), 19);
}

#[tokio::test]
async fn a_receiver_that_asks_for_it_is_left_alone_and_one_that_is_gone_is_switched_off() {
    let room = Monitoring::new("outbox_rest").await;
    messages(&room, 2, 1).await;
    let rest = Some(Duration::from_secs(90));
    let error = "status 429".to_owned();
    record(&room, AttemptOutcome::Failed { rest, error }).await;
    let pause = "select extract(epoch from open_until - now())::int8 from monitoring.channels";
    assert!((80..=90).contains(&room.number(pause).await));
    assert_eq!(claim(&room).await, []);
    let refused = AttemptOutcome::Refused {
        error: "status 400".to_owned(),
    };
    assert_eq!(
        record(&room, refused).await.consecutive_failures,
        1,
        "it says nothing about the receiver"
    );
    channels::set_enabled(&room.store, "c", true).await.unwrap();
    assert_eq!(
        claim(&room).await.len(),
        2,
        "whoever switches it on wants it asked at once"
    );
    record(
        &room,
        AttemptOutcome::Gone {
            error: "status 410".to_owned(),
        },
    )
    .await;
    assert!(!channels::list(&room.store).await.unwrap()[0].enabled);
}

#[tokio::test]
async fn what_was_given_up_can_be_tried_again_unless_it_is_not_true_any_more() {
    let room = Monitoring::new("outbox_letters").await;
    messages(&room, 2, 2).await;
    for parcel in claim(&room).await {
        complete(&room, &parcel, dead("status 404")).await;
    }
    // Of one of the two alerts the next message arrives.
    let next = claim(&room).await;
    complete(&room, &next[0], DELIVERED).await;
    complete(&room, &next[1], dead("status 404")).await;
    let letters = outbox::list(&room.store, LetterState::Dead, Some("c"), 10)
        .await
        .unwrap();
    assert_eq!(letters.len(), 3);
    assert_eq!(letters[0].last_error.as_deref(), Some("status 404"));
    assert_eq!(
        outbox::list(&room.store, LetterState::Dead, Some("other"), 10)
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        outbox::list(&room.store, LetterState::Delivered, None, 10)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(outbox::retry(&room.store, &[], Some("other")).await.unwrap(), 0);
    assert_eq!(outbox::retry(&room.store, &[], Some("c")).await.unwrap(), 2);
    let again = claim(&room).await;
    assert_eq!(
        (again.len(), again[0].attempts()),
        (1, 1),
        "the earlier first, with all its attempts"
    );
    let overtaken = next[0].messages[0].alert_id;
    assert_ne!(again[0].messages[0].alert_id, overtaken);
    let one = letters
        .iter()
        .find(|letter| letter.alert_id == overtaken)
        .unwrap();
    assert_eq!(
        outbox::retry(&room.store, std::slice::from_ref(&one.message_id), None)
            .await
            .unwrap(),
        0
    );
}

#[tokio::test]
async fn what_a_receiver_made_is_known_to_the_messages_that_follow() {
    let room = Monitoring::new("outbox_reference").await;
    messages(&room, 1, 3).await;
    for expected in [None, Some("12"), Some("12")] {
        let parcel = claim(&room).await.remove(0);
        assert_eq!(parcel.messages[0].reference.as_deref(), expected);
        let delivered = Delivery::Delivered {
            reference: expected.is_none().then(|| "12".to_owned()),
            refresh: None,
        };
        complete(&room, &parcel, delivered).await;
    }
}

#[tokio::test]
async fn an_alert_is_kept_alive_until_something_later_is_told_or_it_is_over() {
    let room = Monitoring::new("outbox_refresh").await;
    messages(&room, 2, 2).await;
    let kept = |seconds| Delivery::Delivered {
        reference: None,
        refresh: Some(Duration::from_secs(seconds)),
    };
    let refreshes = async || {
        let parcels = outbox::claim_refreshes(&room.store, 100, Duration::from_secs(60))
            .await
            .unwrap();
        parcels
            .iter()
            .map(|parcel| parcel.messages.len())
            .collect::<Vec<_>>()
    };
    for parcel in claim(&room).await {
        complete(&room, &parcel, kept(0)).await;
    }
    assert_eq!(refreshes().await, [2], "both in one request");
    assert_eq!(refreshes().await, [0; 0], "not before the next minute");
    // One alert goes on, the other is over.
    let next = claim(&room).await;
    complete(&room, &next[0], kept(0)).await;
    room.run("update monitoring.outbox set refresh_at = now() where refresh_at is not null")
        .await;
    assert_eq!(refreshes().await, [2]);
    room.run("update monitoring.alerts set state = 'resolved', resolved_at = now()")
        .await;
    room.run("update monitoring.outbox set refresh_at = now() where refresh_at is not null")
        .await;
    assert_eq!(refreshes().await, [0; 0]);
    assert_eq!(
        room.number("select count(*) from monitoring.outbox where refresh_at is not null")
            .await,
        0
    );
}

#[tokio::test]
async fn a_channel_is_refused_without_what_its_kind_needs() {
    let room = Monitoring::new("channel_constraints").await;
    let channel = NewChannel {
        name: "pager".to_owned(),
        kind: "pagerduty".to_owned(),
        address: Address::Usual,
        key: Some("pager".to_owned()),
        settings: serde_json::json!({"region": "eu"}),
        minimum_level: Level::Critical,
        timeout: Duration::from_secs(20),
    };
    channels::set_up(&room.store, &channel).await.unwrap();
    let listed = channels::list(&room.store).await.unwrap().remove(0);
    assert_eq!(
        (listed.address, listed.key.as_deref()),
        (Address::Usual, Some("pager"))
    );
    assert_eq!(
        (listed.timeout, listed.settings),
        (channel.timeout, channel.settings.clone())
    );
    for (wrong, constraint) in [
        (
            NewChannel {
                kind: "webhook".to_owned(),
                ..channel.clone()
            },
            "channels_without_usual_address_have_one",
        ),
        (
            NewChannel {
                kind: "pigeon".to_owned(),
                ..channel.clone()
            },
            "channels_kind_is_known",
        ),
        (
            NewChannel {
                key: Some("a b".to_owned()),
                ..channel.clone()
            },
            "channels_key_is_a_name",
        ),
        (
            NewChannel {
                timeout: Duration::from_secs(60),
                ..channel.clone()
            },
            "channels_timeout_is_short",
        ),
        (
            NewChannel {
                settings: serde_json::json!([]),
                ..channel.clone()
            },
            "channels_settings_are_an_object",
        ),
    ] {
        let error = channels::set_up(&room.store, &wrong).await.unwrap_err();
        assert!(format!("{error:?}").contains(constraint), "{error:?}");
    }
}
