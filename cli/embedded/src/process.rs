//! Processes that we did not start ourselves, or no longer have a handle of.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::sys::signal;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// What is sent to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// The polite request to end: for PostgreSQL a *smart* shutdown, which waits for its clients.
    Terminate,
    /// For PostgreSQL a *fast* shutdown: clients are disconnected, data is written, the server ends.
    Interrupt,
    /// For PostgreSQL an *immediate* shutdown: nothing is written, the next start recovers as after a crash.
    Quit,
    /// The end, without a chance to tidy up.
    Kill,
    /// Stands still until [`Continue`](Signal::Continue).
    Stop,
    /// Goes on after [`Stop`](Signal::Stop).
    Continue,
}

impl Signal {
    fn native(self) -> signal::Signal {
        match self {
            Self::Terminate => signal::Signal::SIGTERM,
            Self::Interrupt => signal::Signal::SIGINT,
            Self::Quit => signal::Signal::SIGQUIT,
            Self::Kill => signal::Signal::SIGKILL,
            Self::Stop => signal::Signal::SIGSTOP,
            Self::Continue => signal::Signal::SIGCONT,
        }
    }

    /// Sends it; false when there is no such process (any more) or it is not ours.
    pub fn send(self, pid: u32) -> bool {
        i32::try_from(pid).is_ok_and(|pid| signal::kill(Pid::from_raw(pid), self.native()).is_ok())
    }
}

/// A process by more than its number, which the system gives to another process some day: the number and the
/// moment of its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// The process id.
    pub pid: u32,
    /// When it was started, in whatever unit the system counts.
    pub started: String,
}

impl ProcessIdentity {
    /// The identity of the process that has this number now.
    pub fn of(pid: u32) -> Option<Self> {
        started(pid).map(|started| Self { pid, started })
    }

    /// A process of any user whose program has this name and whose command line has these arguments, one after another.
    ///
    /// Only where the system keeps command lines in `/proc`; elsewhere none is ever found.
    pub fn find(program: &str, arguments: &[&OsStr]) -> Option<Self> {
        let processes = fs::read_dir("/proc").ok()?;
        processes
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .find(|pid| runs(*pid, program, arguments))
            .and_then(Self::of)
    }

    /// Whether this very process is still there.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Sends a signal to this very process; false when it is gone.
    pub fn signal(&self, signal: Signal) -> bool {
        self.is_alive() && signal.send(self.pid)
    }
}

/// Compares the command line of a process with what is looked for.
fn runs(pid: u32, program: &str, arguments: &[&OsStr]) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else {
        return false;
    };
    let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
    let named = words
        .first()
        .map(|path| Path::new(OsStr::from_bytes(path)).file_name() == Some(program.as_ref()));
    let has_arguments = words.windows(arguments.len()).any(|window| {
        window
            .iter()
            .zip(arguments)
            .all(|(word, wanted)| *word == wanted.as_bytes())
    });
    named == Some(true) && has_arguments
}

/// The start of a process that lives; None for one that has ended, also when nobody has waited for it yet.
fn started(pid: u32) -> Option<String> {
    if cfg!(target_os = "linux") {
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the name in parentheses and may hold anything, so we count from its end.
        let (_, fields) = status.rsplit_once(") ")?;
        let mut fields = fields.split(' ');
        let state = fields.next()?;
        let start = fields.nth(18)?;
        return (state != "Z").then(|| start.to_owned());
    }
    let output = std::process::Command::new("ps")
        .args(["-o", "stat=,lstart=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let line = String::from_utf8(output.stdout).ok()?;
    let (state, start) = line.trim().split_once(char::is_whitespace)?;
    (!state.starts_with('Z')).then(|| start.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_number_and_its_start() {
        let ours = ProcessIdentity::of(std::process::id()).expect("we are alive");
        assert!(ours.is_alive());

        let namesake = ProcessIdentity {
            started: "an earlier life".to_owned(),
            ..ours
        };
        assert!(!namesake.is_alive());
        assert!(
            !namesake.signal(Signal::Kill),
            "a process that only has the number must not be touched"
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_is_found_by_its_program_and_its_arguments() {
        let mut child = std::process::Command::new("sleep")
            .args(["600.0625", "0.0625"])
            .spawn()
            .unwrap();
        let identity = ProcessIdentity::of(child.id());
        let find = |program, arguments: &[&str]| {
            let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
            ProcessIdentity::find(program, &arguments)
        };
        // Between `fork` and `exec` a child has the command line of its parent.
        for _ in 0..200 {
            if find("sleep", &["600.0625"]).is_some() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert_eq!(find("sleep", &["600.0625", "0.0625"]), identity);
        assert_eq!(find("sleep", &["0.0625", "600.0625"]), None);
        assert_eq!(find("slee", &["600.0625"]), None);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_process_that_ended_is_not_alive_though_nobody_waited_for_it() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let identity = ProcessIdentity::of(child.id()).unwrap();
        assert!(identity.signal(Signal::Kill));
        for _ in 0..200 {
            if !identity.is_alive() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(!identity.is_alive());
        child.wait().unwrap();
    }
}
