//! Many at once, but not all at once.

use std::collections::{HashMap, VecDeque};

use futures::StreamExt;
use futures::stream::FuturesUnordered;

/// Works on every item, on at most `limit` at the same time, and gives the outcomes in the order in which they ended.
///
/// One slow target thus keeps one place busy and not the whole run.
pub async fn concurrently<I, T>(limit: usize, items: I, work: impl AsyncFn(I::Item) -> T) -> Vec<T>
where
    I: IntoIterator,
{
    let work = &work;
    futures::stream::iter(items)
        .map(|item| async move { work(item).await })
        .buffer_unordered(limit.max(1))
        .collect()
        .await
}

/// Works on every item, on at most `limit` at the same time and on at most `limit_of_a_kind` of one kind, and gives the
/// outcomes in the order in which they ended.
///
/// What is of a kind that has its places all in use is passed over until one of them is free.
pub async fn concurrently_by_kind<I, K, T>(
    limit: usize,
    limit_of_a_kind: usize,
    items: I,
    kind: impl Fn(&I::Item) -> K,
    work: impl AsyncFn(I::Item) -> T,
) -> Vec<T>
where
    I: IntoIterator,
    K: Eq + std::hash::Hash + Clone,
{
    let work = &work;
    let mut left: VecDeque<(K, I::Item)> = items.into_iter().map(|item| (kind(&item), item)).collect();
    let mut at_work: HashMap<K, usize> = HashMap::new();
    let mut running = FuturesUnordered::new();
    let mut ended = Vec::with_capacity(left.len());
    loop {
        while running.len() < limit.max(1) {
            let of = |kind: &K| at_work.get(kind).copied().unwrap_or_default();
            let next = left
                .iter()
                .position(|(kind, _)| of(kind) < limit_of_a_kind.max(1));
            let Some((kind, item)) = next.and_then(|next| left.remove(next)) else {
                break;
            };
            *at_work.entry(kind.clone()).or_default() += 1;
            running.push(async move { (kind, work(item).await) });
        }
        let Some((kind, outcome)) = running.next().await else {
            return ended;
        };
        if let Some(at_work) = at_work.get_mut(&kind) {
            *at_work -= 1;
        }
        ended.push(outcome);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn no_more_than_the_limit_run_at_once_and_none_is_left_out() {
        let (running, most) = (Cell::new(0), Cell::new(0));
        let mut done = concurrently(3, 0..20, async |number| {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            tokio::time::sleep(Duration::from_millis(1)).await;
            running.set(running.get() - 1);
            number
        })
        .await;
        done.sort_unstable();
        assert_eq!(done, (0..20).collect::<Vec<_>>());
        assert_eq!(most.get(), 3);
    }

    #[tokio::test]
    async fn one_kind_does_not_take_the_places_of_others() {
        let running = RefCell::new(Vec::new());
        let most = RefCell::new((0, 0));
        let items = (0..20).map(|number| ("many", number)).chain([("few", 20)]);
        let mut done = concurrently_by_kind(
            4,
            2,
            items,
            |(kind, _)| *kind,
            async |(kind, number)| {
                running.borrow_mut().push(kind);
                {
                    let (running, mut most) = (running.borrow(), most.borrow_mut());
                    let many = running.iter().filter(|kind| **kind == "many").count();
                    *most = (most.0.max(running.len()), most.1.max(many));
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
                let place = running.borrow().iter().position(|running| *running == kind);
                if let Some(place) = place {
                    running.borrow_mut().remove(place);
                }
                number
            },
        )
        .await;
        assert_eq!(*most.borrow(), (3, 2));
        assert!(done.iter().position(|number| *number == 20) < Some(3), "{done:?}");
        done.sort_unstable();
        assert_eq!(done, (0..21).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_limit_of_nothing_still_gets_on() {
        assert_eq!(concurrently(0, [1, 2], async |number| number).await, vec![1, 2]);
        let by_kind = concurrently_by_kind(0, 0, [1, 2], |_| (), async |number| number);
        assert_eq!(by_kind.await, vec![1, 2]);
    }
}
