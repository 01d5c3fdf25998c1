//! A guest that runs on a schedule and has no HTTP handler. `CHECK` in its environment says what a run does;
//! what it prints is what a test looks for in the log of the host.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

wit_bindgen::generate!({
    inline: "
        package spin:cron@3.0.0;

        interface cron-types {
            record metadata { timestamp: u64 }
            variant error { other(string) }
        }

        world spin-cron {
            use cron-types.{error, metadata};
            export handle-cron-event: async func(metadata: metadata) -> result<_, error>;
        }
    ",
});

struct Schedule;
export!(Schedule);

impl Guest for Schedule {
    async fn handle_cron_event(metadata: Metadata) -> Result<(), Error> {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let runs = RUNS.fetch_add(1, Ordering::Relaxed) + 1;
        let name = std::env::var("NAME").unwrap_or_default();
        match std::env::var("CHECK").as_deref() {
            Ok("tick") => println!("{name} ticked, run {runs} of this instance"),
            Ok("timestamp") => println!("the time is {}", judge(metadata.timestamp)),
            Ok("slow") => slow(),
            Ok("fail") => return Err(Error::Other("this guest was asked to fail".to_owned())),
            Ok("panic") => panic!("this guest was asked to panic"),
            check => return Err(Error::Other(format!("there is no check {check:?}"))),
        }
        Ok(())
    }
}

/// Whether a timestamp is in seconds and of now, give or take a minute.
fn judge(timestamp: u64) -> &'static str {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    match now {
        Ok(now) if now.as_secs().abs_diff(timestamp) <= 60 => "right",
        _ => "wrong",
    }
}

/// Takes longer than the schedule of a test leaves it.
fn slow() {
    println!("a slow run begins");
    thread::sleep(Duration::from_millis(2500));
    println!("a slow run ends");
}
