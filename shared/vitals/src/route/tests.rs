use proptest::prelude::*;

use super::*;
use crate::matcher::Matcher;

const MINUTE: Duration = Duration::from_secs(60);
const CHAT: i32 = 1;
const PAGER: i32 = 2;
const BOSS: i32 = 3;

fn matchers(texts: &[&str]) -> Matchers {
    let parsed: Vec<Matcher> = texts.iter().map(|text| text.parse().unwrap()).collect();
    Matchers::new(&parsed).unwrap()
}

fn channel(minimum_level: Level) -> Channel {
    Channel {
        minimum_level,
        is_failing: false,
    }
}

fn route(texts: &[&str], steps: &[(i32, Duration, i32)]) -> Route {
    Route {
        name: "r".to_owned(),
        matchers: matchers(texts),
        continues: false,
        steps: steps
            .iter()
            .map(|&(step, after, channel_id)| RouteStep {
                step,
                after,
                channel_id,
            })
            .collect(),
        reminder: None,
    }
}

/// One alert and what its channels were told, as the tables have it.
struct Scene {
    routing: Routing,
    labels: Labels,
    level: Level,
    is_over: bool,
    is_quiet: bool,
    acknowledged_at: Option<DateTime<Utc>>,
    told: BTreeMap<i32, Told>,
    now: DateTime<Utc>,
}

impl Scene {
    fn new(routes: Vec<Route>) -> Self {
        let channels = [
            (CHAT, channel(Level::Warning)),
            (PAGER, channel(Level::Critical)),
            (BOSS, channel(Level::Warning)),
        ];
        Self {
            routing: Routing {
                routes,
                channels: channels.into(),
            },
            labels: Labels::from([("target".to_owned(), "shop".to_owned())]),
            level: Level::Critical,
            is_over: false,
            is_quiet: false,
            acknowledged_at: None,
            told: BTreeMap::new(),
            now: DateTime::UNIX_EPOCH,
        }
    }

    fn messages(&self) -> Vec<Message> {
        let standing = Standing {
            labels: &self.labels,
            level: self.level,
            is_over: self.is_over,
            opened_at: DateTime::UNIX_EPOCH,
            acknowledged_at: self.acknowledged_at,
            is_quiet: self.is_quiet,
            told: &self.told,
        };
        self.routing.messages(&standing, self.now)
    }

    /// An evaluation: gives what is told, and remembers it.
    fn evaluate(&mut self) -> Vec<Message> {
        let messages = self.messages();
        for message in &messages {
            let told = Told {
                level: (message.event != Event::Resolved).then_some(self.level),
                at: self.now,
                is_dead: false,
            };
            self.told.insert(message.channel_id, told);
        }
        messages
    }

    #[track_caller]
    fn expect(&mut self, after: Duration, expected: &[(i32, Event)]) {
        self.now += after;
        let told: Vec<_> = self
            .evaluate()
            .iter()
            .map(|message| (message.channel_id, message.event))
            .collect();
        assert_eq!(told, expected, "at {}", self.now);
    }
}

#[test]
fn without_routes_every_channel_hears_from_its_level_on() {
    let mut scene = Scene::new(Vec::new());
    scene.level = Level::Warning;
    scene.expect(MINUTE, &[(CHAT, Event::Firing), (BOSS, Event::Firing)]);
    scene.expect(MINUTE, &[]);
    scene.level = Level::Critical;
    scene.expect(
        MINUTE,
        &[(CHAT, Event::Level), (PAGER, Event::Firing), (BOSS, Event::Level)],
    );
    scene.level = Level::Warning;
    scene.expect(
        MINUTE,
        &[(CHAT, Event::Level), (PAGER, Event::Level), (BOSS, Event::Level)],
    );
    scene.is_over = true;
    scene.expect(
        MINUTE,
        &[
            (CHAT, Event::Resolved),
            (PAGER, Event::Resolved),
            (BOSS, Event::Resolved),
        ],
    );
    scene.expect(MINUTE, &[]);
}

#[test]
fn the_first_route_that_matches_decides_unless_it_goes_on() {
    let to = |texts: &[&str], channel| route(texts, &[(1, Duration::ZERO, channel)]);
    let shop = || to(&["target=shop"], CHAT);
    Scene::new(vec![to(&["target=other"], BOSS), shop(), to(&[], PAGER)])
        .expect(MINUTE, &[(CHAT, Event::Firing)]);
    let going_on = Route {
        continues: true,
        ..shop()
    };
    Scene::new(vec![going_on, to(&[], PAGER)])
        .expect(MINUTE, &[(CHAT, Event::Firing), (PAGER, Event::Firing)]);
    Scene::new(vec![route(&["target=shop"], &[]), to(&[], PAGER)]).expect(MINUTE, &[]);
}

#[test]
fn what_no_route_is_for_is_told_to_all() {
    let mut scene = Scene::new(vec![route(&["target=other"], &[(1, Duration::ZERO, CHAT)])]);
    scene.expect(
        MINUTE,
        &[
            (CHAT, Event::Firing),
            (PAGER, Event::Firing),
            (BOSS, Event::Firing),
        ],
    );
}

fn ladder() -> Route {
    route(
        &[],
        &[
            (1, Duration::ZERO, CHAT),
            (2, 10 * MINUTE, PAGER),
            (3, 30 * MINUTE, BOSS),
        ],
    )
}

#[test]
fn what_nobody_acknowledges_goes_up_the_ladder() {
    let mut scene = Scene::new(vec![ladder()]);
    scene.expect(MINUTE, &[(CHAT, Event::Firing)]);
    scene.expect(8 * MINUTE, &[]);
    scene.expect(MINUTE, &[(PAGER, Event::Escalated)]);
    scene.acknowledged_at = Some(scene.now);
    scene.expect(60 * MINUTE, &[]);
    scene.is_over = true;
    scene.expect(MINUTE, &[(CHAT, Event::Resolved), (PAGER, Event::Resolved)]);
}

#[test]
fn when_the_first_channel_fails_the_next_is_told_at_once() {
    let mut scene = Scene::new(vec![ladder()]);
    scene.expect(MINUTE, &[(CHAT, Event::Firing)]);
    scene.routing.channels.get_mut(&CHAT).unwrap().is_failing = true;
    scene.expect(Duration::ZERO, &[(PAGER, Event::Escalated)]);
    scene.routing.channels.get_mut(&PAGER).unwrap().is_failing = true;
    scene.expect(Duration::ZERO, &[(BOSS, Event::Escalated)]);

    let mut scene = Scene::new(vec![ladder()]);
    scene.expect(MINUTE, &[(CHAT, Event::Firing)]);
    scene.told.get_mut(&CHAT).unwrap().is_dead = true;
    scene.expect(Duration::ZERO, &[(PAGER, Event::Escalated)]);

    let mut scene = Scene::new(vec![ladder()]);
    scene.routing.channels.remove(&CHAT);
    scene.expect(MINUTE, &[(PAGER, Event::Escalated)]);

    let mut scene = Scene::new(vec![ladder()]);
    scene.level = Level::Warning;
    scene.routing.channels.get_mut(&CHAT).unwrap().is_failing = true;
    scene.expect(MINUTE, &[(CHAT, Event::Firing)]);
}

#[test]
fn what_was_quiet_is_told_when_it_is_not_any_more() {
    let mut scene = Scene::new(Vec::new());
    scene.is_quiet = true;
    scene.level = Level::Warning;
    scene.expect(MINUTE, &[]);
    scene.is_quiet = false;
    scene.expect(MINUTE, &[(CHAT, Event::Firing), (BOSS, Event::Firing)]);
    scene.is_quiet = true;
    scene.level = Level::Emergency;
    scene.expect(MINUTE, &[]);
    scene.is_quiet = false;
    let told = scene.evaluate();
    assert_eq!(told[0].previous_level, Some(Level::Warning));
    assert_eq!(told.len(), 3);
    // Its end is told in any case: whoever waits for it must not wait forever.
    scene.is_quiet = true;
    scene.is_over = true;
    assert_eq!(scene.evaluate().len(), 3);
}

#[test]
fn reminders_come_until_somebody_acknowledges() {
    let mut scene = Scene::new(vec![Route {
        reminder: Some(30 * MINUTE),
        ..route(&[], &[(1, Duration::ZERO, CHAT)])
    }]);
    scene.expect(MINUTE, &[(CHAT, Event::Firing)]);
    scene.expect(29 * MINUTE, &[]);
    scene.expect(MINUTE, &[(CHAT, Event::Reminder)]);
    scene.expect(MINUTE, &[]);
    scene.acknowledged_at = Some(scene.now);
    scene.expect(60 * MINUTE, &[]);
}

/// Something that happens between two evaluations.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Level(Level),
    Quiet(bool),
    Acknowledge,
    Switch(i32),
    Fail(i32),
    Time(i64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let level = prop::sample::select(Level::ALL.to_vec());
    prop_oneof![
        4 => level.prop_map(Happening::Level),
        2 => any::<bool>().prop_map(Happening::Quiet),
        1 => Just(Happening::Acknowledge),
        1 => (CHAT..=BOSS).prop_map(Happening::Switch),
        2 => (CHAT..=BOSS).prop_map(Happening::Fail),
        4 => (-5i64..900).prop_map(Happening::Time),
    ]
}

fn happen(scene: &mut Scene, happening: Happening) {
    match happening {
        Happening::Level(level) => scene.level = level,
        Happening::Quiet(quiet) => scene.is_quiet = quiet,
        Happening::Acknowledge => scene.acknowledged_at = Some(scene.now),
        Happening::Switch(id) => {
            if scene.routing.channels.remove(&id).is_none() {
                scene.routing.channels.insert(id, channel(Level::Warning));
            }
        }
        Happening::Fail(id) => {
            if let Some(channel) = scene.routing.channels.get_mut(&id) {
                channel.is_failing ^= true;
            }
        }
        Happening::Time(seconds) => scene.now += TimeDelta::seconds(seconds),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever happens: who can be told knows what is, nobody is told twice, and the end goes to those who know.
    #[test]
    fn everybody_knows_what_they_should(
        routed in 0..3,
        happenings in prop::collection::vec(happening(), 1..60),
    ) {
        let reminding = Route { reminder: Some(20 * MINUTE), ..ladder() };
        let mut scene = Scene::new(match routed {
            0 => vec![],
            1 => vec![ladder()],
            _ => vec![reminding],
        });
        let mut known: BTreeMap<i32, Level> = BTreeMap::new();
        for happening in happenings {
            happen(&mut scene, happening);
            for message in scene.evaluate() {
                prop_assert!(!scene.is_quiet);
                let before = known.insert(message.channel_id, scene.level);
                match message.event {
                    Event::Firing | Event::Escalated => prop_assert_eq!(before, None),
                    Event::Level => prop_assert!(before.is_some_and(|before| before != scene.level)),
                    Event::Reminder => {
                        prop_assert_eq!(before, Some(scene.level));
                        prop_assert!(scene.acknowledged_at.is_none());
                    }
                    other => prop_assert!(false, "{} while it fires", other),
                }
                prop_assert_eq!(message.previous_level.is_some(), message.event == Event::Level);
            }
            prop_assert_eq!(scene.messages(), vec![], "the same is not told twice");
            if !scene.is_quiet {
                for id in scene.routing.channels.keys() {
                    prop_assert!(known.get(id).is_none_or(|level| *level == scene.level));
                }
                if !scene.routing.channels.is_empty() && scene.level >= Level::Critical && scene.acknowledged_at.is_none() {
                    let reachable = scene.routing.channels.values().any(|channel| !channel.is_failing);
                    let heard = scene.routing.channels.iter().any(|(id, channel)| !channel.is_failing && known.contains_key(id));
                    prop_assert!(heard || !reachable, "somebody could be told and nobody was");
                }
            }
        }
        scene.is_over = true;
        let ended: Vec<i32> = scene.evaluate().iter().map(|message| message.channel_id).collect();
        let expected: Vec<i32> = known.keys().copied().filter(|id| scene.routing.channels.contains_key(id)).collect();
        prop_assert_eq!(ended, expected);
        prop_assert_eq!(scene.messages(), vec![]);
    }
}
