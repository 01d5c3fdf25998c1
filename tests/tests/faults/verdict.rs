//! What must be true whatever happened.

use std::collections::{BTreeMap, BTreeSet};

use db::Client;
use serde_json::Value;

use crate::world::{CHANNELS, World};

/// A request as the receiver of a channel saw it.
struct Arrival {
    key: String,
    incident: String,
    alert_id: i64,
    sequence: i64,
    event: String,
    data: Value,
}

fn arrivals(world: &World, channel: usize) -> Vec<Arrival> {
    let received = world.receivers[channel].received();
    let arrival = |request: &integration_tests::receiver::Received| {
        let data = request.json().unwrap()["data"].clone();
        Arrival {
            key: request.header("webhook-id").to_owned(),
            incident: data["incident"].as_str().unwrap().to_owned(),
            alert_id: data["alert_id"].as_i64().unwrap(),
            sequence: data["sequence"].as_i64().unwrap(),
            event: data["event"].as_str().unwrap().to_owned(),
            data,
        }
    };
    received.iter().map(arrival).collect()
}

/// The keys of all messages, each with what is known of it.
async fn queued(world: &World) -> BTreeMap<String, String> {
    let messages = "select message_id::text as key, to_jsonb(m)::text as message from monitoring.outbox as m";
    let rows = world
        .monitored
        .admin()
        .await
        .unwrap()
        .query(messages, &[])
        .await
        .unwrap();
    rows.iter()
        .map(|row| (row.get("key").unwrap(), row.get("message").unwrap()))
        .collect()
}

/// There is never a second open alert.
pub(crate) async fn one_open_alert(world: &World) {
    let doubled = "select count(*) from (
                     select from monitoring.alerts where state <> 'resolved'
                     group by rule_id, target_id, subject having count(*) > 1
                   ) as doubled";
    assert_eq!(
        world.monitored.number(doubled).await.unwrap(),
        0,
        "a second open alert"
    );
}

/// Everything that happened is written down without a gap, was queued, and arrived.
pub(crate) async fn nothing_is_lost(world: &World, was_silent: bool) {
    let broken = "select count(*) from (
                    select from_level, lag(to_level, 1, 'ok') over (partition by alert_id order by sequence) as before
                    from monitoring.alert_transitions
                  ) as chain where from_level <> before";
    assert_eq!(
        world.monitored.number(broken).await.unwrap(),
        0,
        "a transition is missing"
    );
    let differing = "select count(*) from monitoring.alerts as a
                     where coalesce((select tr.to_level from monitoring.alert_transitions as tr
                                     where tr.alert_id = a.alert_id order by tr.sequence desc limit 1), 'ok')
                           <> case a.state when 'resolved' then 'ok' else a.level end";
    assert_eq!(
        world.monitored.number(differing).await.unwrap(),
        0,
        "an alert is not where its transitions lead"
    );
    let waiting = "select count(*) from monitoring.outbox where delivered_at is null";
    assert_eq!(
        world.monitored.number(waiting).await.unwrap(),
        0,
        "a message was not delivered"
    );
    let unaware = "select count(*) from monitoring.alert_channels where told_level <> 'ok'";
    assert_eq!(
        world.monitored.number(unaware).await.unwrap(),
        0,
        "somebody still thinks that it is bad"
    );
    if !was_silent {
        let untold = "select count(*) from monitoring.alert_transitions as tr cross join monitoring.channels as c
                      where not exists (
                        select from monitoring.outbox as m
                        where m.alert_id = tr.alert_id and m.sequence = tr.sequence and m.channel_id = c.channel_id
                      )";
        assert_eq!(
            world.monitored.number(untold).await.unwrap(),
            0,
            "a transition was not told"
        );
    }
    let keys = |channel| arrivals(world, channel).into_iter().map(|arrival| arrival.key);
    let arrived: BTreeSet<String> = (0..CHANNELS.len()).flat_map(keys).collect();
    let queued = queued(world).await;
    let lost: Vec<_> = queued.iter().filter(|(key, _)| !arrived.contains(*key)).collect();
    assert!(lost.is_empty(), "said to be delivered and never heard: {lost:#?}");
    assert_eq!(
        arrived.len(),
        queued.len(),
        "something arrived that was never queued"
    );
}

/// Each channel heard of each incident in order, whatever came twice, and of none after its end.
pub(crate) fn everybody_heard_it_in_order(world: &World) {
    for (channel, name) in CHANNELS.iter().enumerate() {
        let mut last: BTreeMap<String, (i64, i64, String)> = BTreeMap::new();
        let mut said: BTreeMap<String, Value> = BTreeMap::new();
        for arrival in arrivals(world, channel) {
            let (alert_id, sequence) = (arrival.alert_id, arrival.sequence);
            let before = last.insert(
                arrival.incident.clone(),
                (alert_id, sequence, arrival.event.clone()),
            );
            if let Some(before) = before {
                let now = (alert_id, sequence, arrival.event.clone());
                assert!(
                    before.0 < alert_id || (before.0 == alert_id && before.1 <= sequence),
                    "{name}: {now:?} after {before:?}"
                );
                let began_again = before.0 < alert_id;
                assert!(
                    !began_again || before.2 == "resolved",
                    "{name}: {now:?} began before the end of {before:?}"
                );
                assert_eq!(
                    began_again,
                    arrival.event == "firing" && before != now,
                    "{name}: {now:?} after {before:?}"
                );
            } else {
                assert_eq!(arrival.event, "firing", "{name}: it begins with its beginning");
            }
            let again = said.insert(arrival.key.clone(), arrival.data.clone());
            assert!(
                again.is_none_or(|data| data == arrival.data),
                "{name}: one key for two messages"
            );
        }
        let open: Vec<_> = last
            .values()
            .filter(|(_, _, event)| event != "resolved")
            .collect();
        assert!(open.is_empty(), "{name}: {open:?} is the last that was heard");
    }
}
