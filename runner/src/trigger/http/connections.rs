//! The connections of clients: how many there are, and when one that asks for nothing ends.
//!
//! A connection is quiet while nothing that was asked on it is being answered: before its first request, between two, and
//! while a head is on its way. One that stays quiet for too long ends. When there are as many connections as may be, the
//! one that has been quiet for longest makes room for the next: connections are cheap to make, so that whoever only holds
//! them loses them first, and whoever asks for something has a place.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

/// How long a client may take to ask for something at all.
const FIRST_REQUEST: Duration = Duration::from_secs(10);

/// How long a connection is kept for the next request.
const NEXT_REQUEST: Duration = Duration::from_secs(30);

/// How long, beyond the longest run, a connection may stand still while something is being answered on it.
const STALLED: Duration = Duration::from_secs(10);

/// A connection looks this often whether its time has come.
const LOOK: Duration = Duration::from_secs(2);

/// File descriptors that are not for connections of clients: files, and connections to servers.
const OTHER_FILES: usize = 256;

/// How many connections there may be.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// In all.
    pub(crate) most: usize,
    /// From one address.
    pub(crate) of_a_client: usize,
    /// Where many clients may come from one address.
    pub(crate) proxies: Vec<IpNet>,
    /// How long a run may take.
    pub(crate) deadline: Duration,
}

impl Limits {
    /// The same, with no more connections than this process may have files open.
    pub(crate) fn within_open_files(mut self, open_files: Option<u64>) -> Self {
        let Some(open_files) = open_files.and_then(|files| usize::try_from(files).ok()) else {
            return self;
        };
        // On a machine that grants hardly any, half of them.
        let room = open_files.saturating_sub(OTHER_FILES).max(open_files / 2).max(1);
        if room < self.most {
            tracing::info!(
                connections = room,
                "Takes fewer connections than asked for: so many files may be open (ulimit -n)."
            );
            self.most = room;
        }
        self
    }
}

/// How many files this process may have open, where there is a limit.
pub(crate) fn open_files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// All connections of clients.
pub(crate) struct Connections {
    limits: Limits,
    begin: Instant,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    places: BTreeMap<u64, Arc<Line>>,
    of_client: HashMap<IpAddr, usize>,
}

/// What is known of one connection.
pub(crate) struct Line {
    number: u64,
    client: IpAddr,
    limits: Limits,
    begin: Instant,
    /// Since when it is quiet, in milliseconds since the beginning.
    quiet: AtomicU64,
    /// When bytes went over it last.
    moved: AtomicU64,
    /// How many requests are being answered.
    in_hand: AtomicUsize,
    asked: AtomicBool,
    ended: CancellationToken,
}

impl Connections {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            begin: Instant::now(),
            open: Mutex::default(),
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection of `client`, if need be that of one that is quiet; none when all are busy.
    pub(crate) fn admit(self: &Arc<Self>, client: IpAddr) -> Option<Place> {
        let client = client.to_canonical();
        let mut open = self.open();
        let counted = !self.limits.proxies.iter().any(|proxy| proxy.contains(&client));
        let of_client = open.of_client.get(&client).copied().unwrap_or_default();
        if counted && of_client >= self.limits.of_a_client {
            open.end_quietest(|line| line.client == client)?;
        } else if open.places.len() >= self.limits.most {
            open.end_quietest(|_| true)?;
        }
        let number = open.next;
        open.next += 1;
        let now = milliseconds(self.begin);
        let line = Arc::new(Line {
            number,
            client,
            limits: self.limits.clone(),
            begin: self.begin,
            quiet: AtomicU64::new(now),
            moved: AtomicU64::new(now),
            in_hand: AtomicUsize::new(0),
            asked: AtomicBool::new(false),
            ended: CancellationToken::new(),
        });
        open.places.insert(number, Arc::clone(&line));
        *open.of_client.entry(client).or_default() += 1;
        drop(open);
        Some(Place {
            connections: Arc::clone(self),
            line,
        })
    }

    /// Ends the connection that has been quiet for longest, so that its file can be used for another.
    pub(crate) fn end_quietest(&self) {
        // Where all are busy there is nothing to end.
        let _ = self.open().end_quietest(|_| true);
    }
}

impl Open {
    /// Ends the connection that has been quiet for longest of those that fit; nothing when all of them are busy.
    fn end_quietest(&mut self, fits: impl Fn(&Line) -> bool) -> Option<()> {
        let quiet = self.places.values().filter(|line| fits(line) && !line.is_busy());
        let line = Arc::clone(quiet.min_by_key(|line| line.quiet.load(Ordering::Relaxed))?);
        self.remove(&line);
        line.ended.cancel();
        Some(())
    }

    fn remove(&mut self, line: &Line) {
        if self.places.remove(&line.number).is_none() {
            return;
        }
        if let Some(of_client) = self.of_client.get_mut(&line.client) {
            *of_client -= 1;
            if *of_client == 0 {
                self.of_client.remove(&line.client);
            }
        }
    }
}

fn milliseconds(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Line {
    fn is_busy(&self) -> bool {
        self.in_hand.load(Ordering::Relaxed) > 0
    }

    fn since(&self, time: &AtomicU64) -> Duration {
        Duration::from_millis(milliseconds(self.begin).saturating_sub(time.load(Ordering::Relaxed)))
    }

    fn touch(&self, time: &AtomicU64) {
        time.store(milliseconds(self.begin), Ordering::Relaxed);
    }

    /// Whether this connection has been of no use for too long.
    fn is_over(&self) -> bool {
        if self.is_busy() {
            return self.since(&self.moved) >= self.limits.deadline + STALLED;
        }
        let limit = if self.asked.load(Ordering::Relaxed) {
            NEXT_REQUEST
        } else {
            FIRST_REQUEST
        };
        self.since(&self.quiet) >= limit
    }

    /// Notes that something was asked, until what is given back goes.
    pub(crate) fn ask(self: &Arc<Self>) -> InHand {
        self.in_hand.fetch_add(1, Ordering::Relaxed);
        self.asked.store(true, Ordering::Relaxed);
        self.touch(&self.moved);
        InHand(Arc::clone(self))
    }
}

/// Something that is being answered.
pub(crate) struct InHand(Arc<Line>);

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.touch(&self.0.quiet);
        self.0.in_hand.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One of the connections that there may be.
pub(crate) struct Place {
    connections: Arc<Connections>,
    line: Arc<Line>,
}

impl Place {
    pub(crate) fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Waits until the connection has to end.
    pub(crate) async fn over(&self) {
        while !self.line.is_over() {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.line.ended.cancelled() => return,
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().remove(&self.line);
    }
}

/// A stream that notes when bytes go over it.
pub(crate) struct Noted<S> {
    stream: S,
    line: Arc<Line>,
}

impl<S> Noted<S> {
    pub(crate) fn new(stream: S, place: &Place) -> Self {
        Self {
            stream,
            line: Arc::clone(&place.line),
        }
    }

    fn note<T>(&self, poll: &Poll<io::Result<T>>) {
        if matches!(poll, Poll::Ready(Ok(_))) {
            self.line.touch(&self.line.moved);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Noted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.note(&poll);
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(&poll);
        poll
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note(&poll);
        poll
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn limits(most: usize, of_a_client: usize) -> Limits {
        Limits {
            most,
            of_a_client,
            proxies: vec!["127.0.0.0/8".parse().unwrap()],
            deadline: Duration::from_secs(60),
        }
    }

    fn client(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    #[test]
    fn the_quietest_makes_room_and_the_busy_stay() {
        let connections = Connections::new(limits(3, 3));
        let first = connections.admit(HERE).unwrap();
        let second = connections.admit(HERE).unwrap();
        let third = connections.admit(HERE).unwrap();
        first.line.quiet.store(1, Ordering::Relaxed);
        second.line.quiet.store(2, Ordering::Relaxed);
        third.line.quiet.store(3, Ordering::Relaxed);
        let asked = first.line.ask();
        let fourth = connections.admit(HERE).unwrap();
        assert!(!first.line.ended.is_cancelled());
        assert!(second.line.ended.is_cancelled());
        assert!(!third.line.ended.is_cancelled());
        let all = [&first, &third, &fourth].map(|place| place.line.ask());
        assert!(connections.admit(HERE).is_none(), "all are busy");
        drop((asked, all));
        assert!(connections.admit(HERE).is_some());
    }

    #[test]
    fn one_client_cannot_have_all_places() {
        let connections = Connections::new(limits(100, 2));
        let first = connections.admit(client(1)).unwrap();
        let second = connections.admit(client(1)).unwrap();
        first.line.quiet.store(0, Ordering::Relaxed);
        let asked = second.line.ask();
        let third = connections.admit("::ffff:192.0.2.1".parse().unwrap()).unwrap();
        assert!(first.line.ended.is_cancelled(), "its own quiet one goes");
        let other = third.line.ask();
        assert!(connections.admit(client(1)).is_none());
        assert!(connections.admit(client(2)).is_some());
        drop((asked, other));
    }

    #[test]
    fn behind_a_proxy_are_many_clients() {
        let connections = Connections::new(limits(100, 2));
        let places: Vec<Place> = (0..50).map(|_| connections.admit(HERE).unwrap()).collect();
        assert!(places.iter().all(|place| !place.line.ended.is_cancelled()));
    }

    #[test]
    fn a_place_that_is_given_back_is_free() {
        let connections = Connections::new(limits(1, 1));
        for _ in 0..3 {
            let place = connections.admit(client(1)).unwrap();
            let _asked = place.line.ask();
        }
        let open = connections.open();
        assert!(open.places.is_empty() && open.of_client.is_empty());
    }

    #[test]
    fn a_connection_is_over_when_it_has_been_quiet_for_too_long() {
        let is_over = |seconds: u64, in_hand: usize, asked: bool| {
            let begin = Instant::now().checked_sub(Duration::from_secs(seconds));
            let line = Line {
                number: 0,
                client: HERE,
                limits: limits(1, 1),
                begin: begin.unwrap(),
                quiet: AtomicU64::new(0),
                moved: AtomicU64::new(0),
                in_hand: AtomicUsize::new(in_hand),
                asked: AtomicBool::new(asked),
                ended: CancellationToken::new(),
            };
            line.is_over()
        };
        assert!(!is_over(9, 0, false) && is_over(10, 0, false));
        assert!(!is_over(29, 0, true) && is_over(30, 0, true));
        assert!(!is_over(69, 1, true) && is_over(70, 1, true));
    }

    #[test]
    fn there_are_no_more_connections_than_files() {
        let most = |files| limits(1000, 10).within_open_files(files).most;
        assert_eq!(most(None), 1000);
        assert_eq!(most(Some(100_000)), 1000);
        assert_eq!(most(Some(1024)), 768);
        assert_eq!(most(Some(256)), 128);
        assert_eq!(most(Some(1)), 1);
    }
}
