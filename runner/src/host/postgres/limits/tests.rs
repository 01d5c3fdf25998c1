use std::sync::atomic::AtomicUsize;

use super::*;

const SHORT: Times = Times {
    idle: Duration::from_millis(200),
    patience: Duration::from_millis(300),
};

fn servers(most: usize) -> Servers<Connection> {
    Servers::with_times(most, SHORT)
}

/// A server that counts its connections.
#[derive(Clone, Default)]
struct Fake(Arc<Counts>);

#[derive(Default)]
struct Counts {
    open: AtomicUsize,
    most: AtomicUsize,
    made: AtomicUsize,
    broken: AtomicUsize,
}

struct Connection(Arc<Counts>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connector for Fake {
    type Connection = Connection;

    async fn connect(&self) -> anyhow::Result<Connection> {
        let open = self.0.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.most.fetch_max(open, Ordering::Relaxed);
        self.0.made.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(Connection(Arc::clone(&self.0)))
    }

    async fn clean(&self, _: &mut Connection) -> bool {
        self.0.broken.load(Ordering::Relaxed) == 0
    }
}

impl Fake {
    fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    fn pool(&self, servers: &Servers<Connection>, component: &str) -> Pool<Fake> {
        Pool::new(servers, &component.into(), "db:5432", self.clone())
    }
}

#[tokio::test]
async fn a_connection_is_used_again_and_ends_when_nobody_does() {
    let (server, servers) = (Fake::default(), servers(4));
    let pool = server.pool(&servers, "one");
    drop(pool.get().await.unwrap());
    drop(pool.get().await.unwrap());
    assert_eq!(server.0.made.load(Ordering::Relaxed), 1);
    assert_eq!(server.open(), 1);
    tokio::time::sleep(2 * SHORT.idle).await;
    assert_eq!(server.open(), 0);
    drop(pool.get().await.unwrap());
    assert_eq!(server.open(), 1);
}

#[tokio::test]
async fn all_components_together_have_no_more_than_the_limit() {
    let (server, servers) = (Fake::default(), Arc::new(servers(8)));
    let names = ["a", "b", "c", "d"];
    let asked = (0..100).map(|number| {
        let pool = server.pool(&servers, names[number % names.len()]);
        async move {
            let held = pool.get().await;
            tokio::time::sleep(Duration::from_millis(3)).await;
            held.is_ok()
        }
    });
    let served = futures::future::join_all(asked).await;
    assert!(served.into_iter().all(|served| served));
    let most = server.0.most.load(Ordering::Relaxed);
    assert!((4..=8).contains(&most), "{most}");
}

#[tokio::test]
async fn who_waits_in_vain_is_told_so() {
    let (server, servers) = (Fake::default(), servers(1));
    let pool = server.pool(&servers, "one");
    let held = pool.get().await.unwrap();
    let begin = Instant::now();
    let error = pool.get().await.err().unwrap();
    assert!(begin.elapsed() >= SHORT.patience);
    assert_eq!(
        error.to_string(),
        "too many connections: all 1 that this runner may have to db:5432 are in use (more with --connections-per-server)"
    );
    drop(held);
    assert!(pool.get().await.is_ok());
}

#[tokio::test]
async fn a_burst_of_one_component_leaves_places_for_others() {
    let (server, servers) = (Fake::default(), servers(8));
    let (greedy, modest) = (server.pool(&servers, "greedy"), server.pool(&servers, "modest"));
    let burst = futures::future::join_all((0..50).map(|_| greedy.get())).await;
    let held: Vec<_> = burst.into_iter().flatten().collect();
    assert_eq!(held.len(), 6);
    let begin = Instant::now();
    let (first, second) = (modest.get().await, modest.get().await);
    assert!(first.is_ok() && second.is_ok());
    assert!(
        begin.elapsed() < SHORT.patience,
        "nobody has to wait for the burst"
    );
}

#[tokio::test]
async fn who_has_least_comes_first() {
    let (server, servers) = (Fake::default(), servers(4));
    let (greedy, modest) = (server.pool(&servers, "greedy"), server.pool(&servers, "modest"));
    let mut held = vec![greedy.get().await.unwrap(), greedy.get().await.unwrap()];
    held.push(greedy.get().await.unwrap());
    let modest_held = modest.get().await.unwrap();
    // All are in use now; the greedy one asks first.
    let order = Mutex::new(Vec::new());
    let ask = async |pool: &Pool<Fake>, name| {
        let _held = pool.get().await.unwrap();
        order.lock().unwrap().push(name);
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let free = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        held.pop();
        tokio::time::sleep(Duration::from_millis(50)).await;
        held.clear();
    };
    futures::join!(ask(&greedy, "greedy"), ask(&modest, "modest"), free);
    assert_eq!(*order.lock().unwrap(), ["modest", "greedy"]);
    drop(modest_held);
}

#[tokio::test]
async fn a_connection_that_waits_makes_room_for_another_component() {
    let (server, servers) = (Fake::default(), servers(2));
    let (one, two) = (server.pool(&servers, "one"), server.pool(&servers, "two"));
    let both = (one.get().await.unwrap(), one.get().await.unwrap());
    drop(both);
    assert_eq!(server.open(), 2);
    let begin = Instant::now();
    let _both = (two.get().await.unwrap(), two.get().await.unwrap());
    assert!(begin.elapsed() < SHORT.patience);
    assert_eq!(server.open(), 2);
    assert_eq!(server.0.most.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn who_gives_up_leaves_the_place_to_the_next() {
    let (server, servers) = (Fake::default(), servers(1));
    let pool = server.pool(&servers, "one");
    let held = pool.get().await.unwrap();
    for _ in 0..3 {
        let waiting = tokio::time::timeout(Duration::from_millis(5), pool.get()).await;
        assert!(waiting.is_err());
    }
    let next = async {
        let next = pool.get().await;
        assert!(next.is_ok());
    };
    let free = async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        drop(held);
    };
    futures::join!(next, free);
    let state = pool.shared.server.state();
    assert_eq!((state.in_use(), state.waiting.len()), (0, 0));
}

#[tokio::test]
async fn what_cannot_be_used_again_is_replaced() {
    let (server, servers) = (Fake::default(), servers(2));
    let pool = server.pool(&servers, "one");
    drop(pool.get().await.unwrap());
    server.0.broken.store(1, Ordering::Relaxed);
    let held = pool.get().await.unwrap();
    assert_eq!((server.open(), server.0.made.load(Ordering::Relaxed)), (1, 2));
    assert!(held.take().is_some());
    assert_eq!(server.open(), 0);
}

#[tokio::test]
async fn a_pool_that_is_gone_keeps_nothing() {
    let (server, servers) = (Fake::default(), servers(4));
    let pool = server.pool(&servers, "one");
    let held = pool.get().await.unwrap();
    drop(pool.get().await.unwrap());
    assert_eq!(server.open(), 2);
    drop(pool);
    assert_eq!(server.open(), 1);
    drop(held);
    assert_eq!(server.open(), 0);
    assert_eq!(servers.servers.lock().unwrap().len(), 1);
    let other = Pool::new(&servers, &"one".into(), "other:5432", server.clone());
    assert_eq!(
        servers.servers.lock().unwrap().len(),
        1,
        "who is forgotten is forgotten"
    );
    drop(other);
}
