//! A real Alertmanager takes an alert, shows it, is kept from forgetting it, and sees it resolved.

use chrono::{DateTime, Utc};
use integration_tests::Alertmanager;
use serde_json::Value;
use store::channels::Address;
use vitals::level::Level;

use crate::Room;

/// The levels of the alerts that fire there, and until when they do.
async fn firing(alertmanager: &Alertmanager) -> Vec<(String, DateTime<Utc>)> {
    let alerts = alertmanager.alerts().await.unwrap();
    let of_ours = |alert: &&Value| alert["labels"]["alertname"] == "target_down";
    alerts
        .iter()
        .filter(of_ours)
        .map(|alert| {
            assert_eq!(alert["status"]["state"], "active", "{alert}");
            assert!(alert["annotations"]["summary"].as_str().is_some(), "{alert}");
            let level = alert["labels"]["severity"].as_str().unwrap();
            (
                level.to_owned(),
                alert["endsAt"].as_str().unwrap().parse().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn an_alertmanager_shows_an_alert_while_it_fires() {
    let room = Room::new("alertmanager").await;
    let alertmanager = Alertmanager::start().await.unwrap();
    let admin = room.monitored.admin().await.unwrap();
    let address = Address::Url(alertmanager.url());
    store::channels::add(&admin, "prometheus", "alertmanager", &address, Level::Warning)
        .await
        .unwrap();

    room.down(60).await;
    assert_eq!(room.deliver().await["delivered"], 1);
    let first = firing(&alertmanager).await;
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0].0, "critical");

    // A minute later it is told that the alert still fires.
    room.monitored
        .run("update monitoring.outbox set refresh_at = now() where refresh_at is not null")
        .await
        .unwrap();
    assert_eq!(room.deliver().await["kept_alive"], 1);
    let kept = firing(&alertmanager).await;
    assert!(kept.len() == 1 && kept[0].1 > first[0].1, "{first:?} {kept:?}");

    // It gets worse: the alert of the level before is over.
    room.down(3_600).await;
    assert_eq!(room.deliver().await["delivered"], 1);
    let worse = firing(&alertmanager).await;
    assert_eq!(
        worse.iter().map(|(level, _)| level.as_str()).collect::<Vec<_>>(),
        ["emergency"]
    );

    room.up().await;
    assert_eq!(room.deliver().await["delivered"], 1);
    assert_eq!(firing(&alertmanager).await, []);
    let kept = "select count(*) from monitoring.outbox where refresh_at is not null";
    assert_eq!(room.monitored.number(kept).await.unwrap(), 0);
}
