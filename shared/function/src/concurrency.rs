//! Many at once, but not all at once.

use futures::StreamExt;

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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
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
    async fn a_limit_of_nothing_still_gets_on() {
        assert_eq!(concurrently(0, [1, 2], async |number| number).await, vec![1, 2]);
    }
}
