//! Random histories of two servers, what they count, and two collectors that watch them.

mod model;

use proptest::prelude::*;

use super::NewRows;
use model::Model;

#[derive(Clone, Debug)]
enum Happening {
    /// A statement runs some times, each of them this long.
    Run {
        server: usize,
        key: u8,
        times: i64,
        each: i64,
        rows: i64,
    },
    /// A statement gets its place before its first execution, and is not shown before its end.
    Begin {
        key: u8,
    },
    /// A statement loses its counters: evicted, or reset alone.
    Evict {
        key: u8,
    },
    /// A row says that it began anew, and goes on.
    Stamp {
        key: u8,
    },
    /// All statements lose theirs. A crash of a session does that without being told of anywhere.
    Reset {
        told: bool,
    },
    Restart {
        keeps_counters: bool,
    },
    /// The address leads to the other server from now on, which counts on its own.
    FailOver,
    /// The clock of the server is set.
    Clock {
        milliseconds: i64,
    },
    /// The extension is updated: `rows` appears first, beginnings are told next.
    Update,
    /// A row is missing from readings, or is there again.
    Hide {
        key: u8,
    },
    /// The monitoring database crashes: the stored snapshot is lost, and the collectors at work their connections.
    Forget,
    /// A collector loads what is stored and reads the server, a little after it has read its clock.
    Read {
        collector: usize,
        early: i64,
    },
    /// The same collector stores what it read, if nobody else did in between.
    Store {
        collector: usize,
    },
}

/// What may happen in a history.
#[derive(Clone, Copy, Debug, Default)]
struct Hazards {
    losses: bool,
    interruptions: bool,
    clock: bool,
    updates: bool,
    hiding: bool,
    stamps: bool,
}

const ALL: Hazards = Hazards {
    losses: true,
    interruptions: true,
    clock: true,
    updates: true,
    hiding: false,
    stamps: false,
};

fn history(hazards: Hazards) -> impl Strategy<Value = Vec<Happening>> {
    let run = (0usize..5, 0u8..3, 1i64..6, 1i64..1000, 0i64..50);
    let run = run.prop_map(|(server, key, times, each, rows)| Happening::Run {
        server: server / 4,
        key,
        times,
        each,
        rows,
    });
    let key = || 0u8..3;
    let mut happenings = vec![
        (20, run.boxed()),
        (2, key().prop_map(|key| Happening::Begin { key }).boxed()),
        (
            6,
            (0usize..2, 0i64..3)
                .prop_map(|(collector, early)| Happening::Read { collector, early })
                .boxed(),
        ),
        (
            6,
            (0usize..2)
                .prop_map(|collector| Happening::Store { collector })
                .boxed(),
        ),
    ];
    if hazards.losses {
        happenings.push((4, key().prop_map(|key| Happening::Evict { key }).boxed()));
        happenings.push((
            1,
            any::<bool>().prop_map(|told| Happening::Reset { told }).boxed(),
        ));
        happenings.push((
            1,
            Just(Happening::Restart {
                keeps_counters: false,
            })
            .boxed(),
        ));
    }
    if hazards.interruptions {
        happenings.push((1, Just(Happening::Restart { keeps_counters: true }).boxed()));
        happenings.push((1, Just(Happening::FailOver).boxed()));
        happenings.push((1, Just(Happening::Forget).boxed()));
    }
    if hazards.clock {
        happenings.push((
            2,
            (-30i64..30)
                .prop_map(|milliseconds| Happening::Clock { milliseconds })
                .boxed(),
        ));
    }
    if hazards.updates {
        happenings.push((1, Just(Happening::Update).boxed()));
    }
    if hazards.hiding {
        happenings.push((4, key().prop_map(|key| Happening::Hide { key }).boxed()));
    }
    if hazards.stamps {
        happenings.push((4, key().prop_map(|key| Happening::Stamp { key }).boxed()));
    }
    let happening = prop::strategy::Union::new_weighted(happenings);
    prop::collection::vec(happening, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Whatever happens, what is stored happened, once, and no mean lies outside of what was executed.
    #[test]
    fn what_is_stored_has_happened(extension in 0u8..3, history in history(ALL)) {
        Model::new(extension, NewRows::Count, false).play(&history)?;
    }

    /// The same where rows may be missing from a reading for no reason that is known.
    #[test]
    fn rows_that_come_and_go_are_not_counted_twice(
        extension in 0u8..3,
        history in history(Hazards { hiding: true, ..ALL }),
    ) {
        Model::new(extension, NewRows::Skip, false).play(&history)?;
    }

    /// Where no counters are lost, everything between two comparable readings is counted: also through restarts that
    /// keep them, fail-overs and back, updates, clocks that are set, missed cycles and collectors in each other's way.
    #[test]
    fn without_losses_everything_is_counted(
        extension in 0u8..3,
        history in history(Hazards { losses: false, ..ALL }),
    ) {
        Model::new(extension, NewRows::Count, true).play(&history)?;
    }

    /// Where beginnings are told, nothing is missing but what no reading ever saw.
    #[test]
    fn with_known_beginnings_everything_that_was_seen_is_counted(
        history in history(Hazards { clock: false, ..ALL }),
    ) {
        Model::new(2, NewRows::Count, true).play(&history)?;
    }

    /// The same of counters that are no executions, and whose beginnings are only stamps.
    #[test]
    fn stamps_count_nothing_twice(
        extension in 0u8..3,
        history in history(Hazards { hiding: true, stamps: true, ..ALL }),
    ) {
        Model::new(extension, NewRows::Skip, false).of_plain_counters().play(&history)?;
    }
}
