//! Who keeps whom waiting, and who is at the root of it.

use std::collections::{BTreeMap, BTreeSet};

/// The end of a chain of sessions that wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// The session that waits for nobody.
    pub session: i64,
    /// How many steps away it is: 1 where it blocks directly.
    pub depth: i64,
}

/// The root of each session that waits, by `blockers`: whom each waits for directly.
///
/// Of several roots it is the nearest, and of several as near the one with the lowest number. A session in a circle, and
/// one that waits for nobody else than such, has none: the server will end that as a deadlock.
///
/// In a queue for one lock everybody waits for everybody before them, so that there are as many ways to the root as
/// subsets of the queue: each session is visited once on the way from another, not once per way.
pub fn roots(blockers: &BTreeMap<i64, Vec<i64>>) -> BTreeMap<i64, Option<Root>> {
    blockers
        .keys()
        .map(|session| (*session, root(*session, blockers)))
        .collect()
}

fn root(session: i64, blockers: &BTreeMap<i64, Vec<i64>>) -> Option<Root> {
    let mut visited = BTreeSet::from([session]);
    let mut level = BTreeSet::from([session]);
    for depth in 1.. {
        let next: BTreeSet<i64> = level
            .iter()
            .filter_map(|session| blockers.get(session))
            .flatten()
            .copied()
            .filter(|blocker| !visited.contains(blocker))
            .collect();
        if next.is_empty() {
            return None;
        }
        if let Some(session) = next.iter().find(|blocker| !blockers.contains_key(blocker)) {
            let session = *session;
            return Some(Root { session, depth });
        }
        visited.extend(&next);
        level = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(blockers: &[(i64, &[i64])], expected: &[(i64, Option<(i64, i64)>)]) {
        let blockers = blockers
            .iter()
            .map(|(session, blockers)| (*session, blockers.to_vec()))
            .collect();
        let found: Vec<_> = roots(&blockers)
            .into_iter()
            .map(|(session, root)| (session, root.map(|root| (root.session, root.depth))))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_chain_ends_at_who_waits_for_nobody() {
        check(&[(2, &[1])], &[(2, Some((1, 1)))]);
        check(
            &[(4, &[3]), (3, &[2]), (2, &[1])],
            &[(2, Some((1, 1))), (3, Some((1, 2))), (4, Some((1, 3)))],
        );
    }

    #[test]
    fn a_prepared_transaction_is_a_root_as_any() {
        check(&[(2, &[0]), (3, &[2])], &[(2, Some((0, 1))), (3, Some((0, 2)))]);
    }

    #[test]
    fn of_several_roots_the_nearest_and_then_the_lowest_is_named() {
        check(
            &[(5, &[4, 2]), (4, &[1])],
            &[(4, Some((1, 1))), (5, Some((2, 1)))],
        );
        check(&[(5, &[3, 2])], &[(5, Some((2, 1)))]);
    }

    #[test]
    fn a_circle_has_no_root() {
        check(
            &[(1, &[2]), (2, &[1]), (3, &[1])],
            &[(1, None), (2, None), (3, None)],
        );
    }

    #[test]
    fn a_long_queue_is_walked_in_no_time() {
        let queue = (2..=500)
            .map(|session| (session, (1..session).collect()))
            .collect();
        let roots = roots(&queue);
        assert!(
            roots
                .values()
                .all(|root| *root == Some(Root { session: 1, depth: 1 }))
        );
        assert_eq!(roots.len(), 499);
    }
}
