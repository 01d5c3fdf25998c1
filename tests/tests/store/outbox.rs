//! Messages on their way out.

use std::time::Duration;

use store::channels::{self, Address};
use store::outbox::{self, Delivery, Message};
use vitals::level::Level;

use crate::Monitoring;

const LEASE: Duration = Duration::from_secs(60);

/// Messages of the transitions 1 to `transitions` of so many alerts, to one channel.
async fn messages(room: &Monitoring, alerts: i64, transitions: i64) {
    let target = room.target("t").await;
    let address = Address::Secret("hook".to_owned());
    channels::add(&room.collector, "c", "slack", &address, Level::Warning)
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

async fn claim(room: &Monitoring) -> Vec<Message> {
    outbox::claim_due(&room.collector, 100, LEASE).await.unwrap()
}

async fn complete(room: &Monitoring, message: &Message, delivery: Delivery) -> u64 {
    outbox::complete(&room.collector, &[(message.clone(), delivery)])
        .await
        .unwrap()
}

#[tokio::test]
async fn messages_of_an_alert_leave_in_order_one_at_a_time() {
    let room = Monitoring::new("outbox_order").await;
    messages(&room, 2, 3).await;
    for sequence in 1..=3 {
        let claimed = claim(&room).await;
        assert_eq!(
            claimed.iter().map(|message| message.sequence).collect::<Vec<_>>(),
            [sequence, sequence]
        );
        assert_eq!(claim(&room).await, [], "the next waits for this one");
        let done: Vec<_> = claimed
            .into_iter()
            .map(|message| (message, Delivery::Delivered))
            .collect();
        assert_eq!(outbox::complete(&room.collector, &done).await.unwrap(), 2);
    }
    let counts = outbox::counts(&room.collector).await.unwrap();
    assert_eq!((counts.waiting, counts.delivered, counts.dead), (0, 6, 0));
}

#[tokio::test]
async fn a_message_that_failed_comes_again_and_holds_the_later_ones_back() {
    let room = Monitoring::new("outbox_retry").await;
    messages(&room, 1, 2).await;
    let first = claim(&room).await.remove(0);
    assert_eq!((first.attempts, first.kind.as_str()), (1, "slack"));
    assert_eq!(first.address, Address::Secret("hook".to_owned()));
    let retry = |seconds| Delivery::Retry {
        delay: Duration::from_secs(seconds),
        error: "status 503".to_owned(),
    };
    assert_eq!(complete(&room, &first, retry(3600)).await, 1);
    assert_eq!(claim(&room).await, []);
    assert_eq!(outbox::counts(&room.collector).await.unwrap().retrying, 1);

    room.run("update monitoring.outbox set next_attempt_at = now()")
        .await;
    let again = claim(&room).await.remove(0);
    assert_eq!((&again.message_id, again.attempts), (&first.message_id, 2));
    assert_eq!(
        complete(
            &room,
            &again,
            Delivery::Dead {
                error: "status 410".to_owned()
            }
        )
        .await,
        1
    );
    assert_eq!(
        claim(&room).await[0].sequence,
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
    assert_eq!(
        complete(
            &room,
            &slow,
            Delivery::Dead {
                error: "late".to_owned()
            }
        )
        .await,
        0
    );
    assert_eq!(complete(&room, &next, Delivery::Delivered).await, 1);
    assert_eq!(
        complete(&room, &next, Delivery::Delivered).await,
        0,
        "once is enough"
    );
}

#[tokio::test]
async fn claims_at_the_same_time_share_the_messages_out() {
    let room = Monitoring::new("outbox_share").await;
    messages(&room, 60, 1).await;
    let others = [room.another().await, room.another().await, room.another().await];
    let (a, b, c, d) = tokio::join!(
        outbox::claim_due(&room.collector, 20, LEASE),
        outbox::claim_due(&others[0], 20, LEASE),
        outbox::claim_due(&others[1], 20, LEASE),
        outbox::claim_due(&others[2], 20, LEASE),
    );
    let mut claimed: Vec<String> = [a, b, c, d]
        .into_iter()
        .flat_map(Result::unwrap)
        .map(|message| message.message_id)
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
    channels::set_enabled(&room.collector, "c", false).await.unwrap();
    assert_eq!(claim(&room).await, []);
    channels::set_enabled(&room.collector, "c", true).await.unwrap();
    assert_eq!(claim(&room).await.len(), 1);
    let listed = channels::list(&room.collector).await.unwrap();
    assert_eq!(
        (listed[0].minimum_level, listed[0].enabled),
        (Level::Warning, true)
    );
    assert!(channels::remove(&room.collector, "c").await.unwrap());
    assert_eq!(outbox::counts(&room.collector).await.unwrap().waiting, 0);
}
