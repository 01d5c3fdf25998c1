//! How a connection is encrypted: libpq's `sslmode` on top of what hosts of components know.
//!
//! A host knows three modes: none; TLS where the server has it; TLS always. Whenever there is TLS it verifies the
//! certificate and the name in it, and it never goes on without TLS after a failed handshake. It takes one authority
//! beside those of its machine. What else libpq's six names mean is a [`Plan`]: connections that are tried one after the
//! other, each of which any host can make, so that a component and the command fare alike.

use std::str::FromStr;

use crate::error::{DbError, ErrorKind};
use crate::safe_url::SafeUrl;

/// Most certificates of one connection. Each that is not the right one costs a handshake, with every connection.
const MOST_CERTIFICATES: usize = 4;

/// libpq's `sslmode`. Wherever there is TLS here it is verified, which libpq leaves out up to `require`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SslMode {
    /// Not given: TLS where the server has it, and never without it after a failed handshake.
    #[default]
    Offered,
    /// Never TLS.
    Disable,
    /// Without TLS, and with it where the server refuses that.
    Allow,
    /// TLS where the server has it, and without where the handshake fails.
    Prefer,
    /// TLS always.
    Require,
    /// TLS always, with a certificate of a known authority.
    VerifyCa,
    /// TLS always, with a certificate of a known authority for this host.
    VerifyFull,
}

impl SslMode {
    /// Whether there is never a connection without TLS.
    pub fn is_strict(self) -> bool {
        matches!(self, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull)
    }
}

impl FromStr for SslMode {
    type Err = ();

    fn from_str(text: &str) -> Result<SslMode, ()> {
        Ok(match text {
            "disable" => SslMode::Disable,
            "allow" => SslMode::Allow,
            "prefer" => SslMode::Prefer,
            "require" => SslMode::Require,
            "verify-ca" => SslMode::VerifyCa,
            "verify-full" => SslMode::VerifyFull,
            _ => return Err(()),
        })
    }
}

/// The mode in which a host connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostMode {
    Disable,
    Prefer,
    Require,
}

impl HostMode {
    /// As it stands in the address; a host takes `prefer` where there is none.
    pub(crate) fn parameter(self) -> Option<&'static str> {
        match self {
            HostMode::Disable => Some("disable"),
            HostMode::Prefer => None,
            HostMode::Require => Some("require"),
        }
    }
}

/// Certificates of authorities in which the operator trusts for a server, in PEM form. Not secret, but long: `Debug` gives
/// their number only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Certificates(Vec<String>);

/// Why a text cannot be used as [`Certificates`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// It has no certificate.
    #[error("there is no certificate in PEM form (-----BEGIN CERTIFICATE-----)")]
    None,
    /// It has more certificates than can be tried.
    #[error(
        "there are {0} certificates, and at most {MOST_CERTIFICATES} can be tried: keep that of the server's authority"
    )]
    TooMany(usize),
}

impl FromStr for Certificates {
    type Err = CertificateError;

    fn from_str(text: &str) -> Result<Certificates, CertificateError> {
        // A line break in a variable is often written as in JSON.
        let found = dial::pem::certificates(&text.replace("\\n", "\n"));
        match found.len() {
            0 => Err(CertificateError::None),
            number if number > MOST_CERTIFICATES => Err(CertificateError::TooMany(number)),
            _ => Ok(Certificates(found)),
        }
    }
}

impl Certificates {
    /// Each on its own.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// All of them, one after the other.
    pub fn to_pem(&self) -> String {
        self.0.concat()
    }
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Certificates({})", self.0.len())
    }
}

/// One connection to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt<'a> {
    pub(crate) mode: HostMode,
    /// The authority to trust beside those of the host.
    pub(crate) certificate: Option<&'a str>,
}

/// The connections to try, in their order.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// The one to try now is the first.
    attempts: Vec<Attempt<'a>>,
    /// Why the first did not come about, where it was for TLS.
    refused: Option<DbError>,
}

impl<'a> Plan<'a> {
    pub(crate) fn of(url: &'a SafeUrl) -> Plan<'a> {
        let plain = || {
            vec![Attempt {
                mode: HostMode::Disable,
                certificate: None,
            }]
        };
        let encrypted = |mode| {
            let certificates: Vec<_> = match url.certificates() {
                [] => vec![None],
                certificates => certificates.iter().map(|pem| Some(pem.as_str())).collect(),
            };
            let attempts = certificates.into_iter();
            attempts
                .map(|certificate| Attempt { mode, certificate })
                .collect::<Vec<_>>()
        };
        let attempts = match url.ssl_mode() {
            SslMode::Offered => encrypted(HostMode::Prefer),
            SslMode::Disable => plain(),
            SslMode::Allow => [plain(), encrypted(HostMode::Require)].concat(),
            SslMode::Prefer => [encrypted(HostMode::Prefer), plain()].concat(),
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => encrypted(HostMode::Require),
        };
        Plan {
            attempts,
            refused: None,
        }
    }

    /// The connection to try now.
    pub(crate) fn attempt(&self) -> Attempt<'a> {
        // There is at least one, and the last is never taken away.
        self.attempts[0]
    }

    /// Goes on to the next connection after an error.
    ///
    /// # Errors
    ///
    /// The error to report, where it would not help to try another.
    pub(crate) fn after(&mut self, error: DbError) -> Result<(), DbError> {
        let now = self.attempt();
        let helps = |next: &Attempt<'_>| {
            if next.mode == now.mode {
                // Another authority.
                error.kind == ErrorKind::Tls
            } else if next.mode == HostMode::Disable {
                error.kind == ErrorKind::Tls || error.is_refused_by_rule()
            } else {
                error.is_refused_by_rule()
            }
        };
        match self.attempts.iter().skip(1).position(helps) {
            Some(position) => {
                self.attempts.drain(..=position);
                self.refused.get_or_insert(error);
                Ok(())
            }
            // That the server does not take a connection without TLS either says less than why there is none with it.
            None => Err(match self.refused.take() {
                Some(refused) if now.mode == HostMode::Disable && error.is_refused_by_rule() => refused,
                _ => error,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

    /// Tries until nothing helps any more; the modes tried and the error.
    fn tried(mode: &str, certificates: usize, errors: &[&str]) -> (String, String) {
        let url: SafeUrl = format!("postgres://u@h/d{mode}").parse().unwrap();
        let url = match certificates {
            0 => url,
            number => url.with_certificates(ONE.repeat(number).parse().unwrap()),
        };
        let mut plan = Plan::of(&url);
        let mut modes = Vec::new();
        let mut last = String::new();
        for error in errors {
            let attempt = plan.attempt();
            assert_eq!(
                attempt.certificate.is_some(),
                certificates > 0 && attempt.mode != HostMode::Disable
            );
            modes.push(attempt.mode.parameter().unwrap_or("prefer"));
            if let Err(error) = plan.after(DbError::connect("h", error)) {
                last = std::error::Error::source(&error).unwrap().to_string();
                break;
            }
        }
        (modes.join(" "), last)
    }

    const TLS: &str = "error performing TLS handshake: invalid peer certificate: UnknownIssuer";
    const NO_TLS: &str = "error performing TLS handshake: server does not support TLS";
    const RULE: &str =
        "db error: FATAL: no pg_hba.conf entry for host \"h\", user \"u\", database \"d\", no encryption";
    const PASSWORD: &str = "db error: FATAL: password authentication failed for user \"u\"";
    const GONE: &str = "error connecting to server: connection refused (os error 111)";

    #[track_caller]
    fn check(mode: &str, errors: &[&str], modes: &str, reported: &str) {
        assert_eq!(
            tried(mode, 0, errors),
            (modes.to_owned(), reported.to_owned()),
            "{mode}"
        );
    }

    #[test]
    fn nothing_goes_without_tls_after_a_failed_handshake_unless_that_was_written() {
        for mode in [
            "",
            "?sslmode=require",
            "?sslmode=verify-ca",
            "?sslmode=verify-full",
            "?sslrootcert=system",
        ] {
            for error in [TLS, NO_TLS, RULE, PASSWORD, GONE] {
                let (modes, reported) = tried(mode, 0, &[error, error, error]);
                assert_eq!(
                    modes,
                    if mode.is_empty() { "prefer" } else { "require" },
                    "{mode}"
                );
                assert_eq!(reported, error);
            }
        }
        check("?sslmode=disable", &[RULE], "disable", RULE);
    }

    #[test]
    fn prefer_goes_without_tls_where_the_handshake_fails() {
        check("?sslmode=prefer", &[TLS, PASSWORD], "prefer disable", PASSWORD);
        check("?sslmode=prefer", &[TLS, RULE], "prefer disable", TLS);
        check("?sslmode=prefer", &[GONE], "prefer", GONE);
        check("?sslmode=prefer", &[PASSWORD], "prefer", PASSWORD);
    }

    #[test]
    fn allow_goes_with_tls_where_the_server_asks_for_it() {
        check("?sslmode=allow", &[RULE, TLS], "disable require", TLS);
        check("?sslmode=allow", &[PASSWORD], "disable", PASSWORD);
        check("?sslmode=allow", &[GONE], "disable", GONE);
    }

    #[test]
    fn every_certificate_is_tried_until_one_fits() {
        assert_eq!(tried("", 3, &[TLS, TLS, TLS, TLS]).0, "prefer prefer prefer");
        assert_eq!(tried("", 3, &[TLS, PASSWORD]).0, "prefer prefer");
        assert_eq!(
            tried("?sslmode=prefer", 2, &[TLS, TLS, TLS]).0,
            "prefer prefer disable"
        );
        assert_eq!(tried("?sslmode=prefer", 2, &[RULE, PASSWORD]).0, "prefer disable");
        // With the authorities of the machine alone there is nothing to choose from.
        let url: SafeUrl = "postgres://u@h/d?sslrootcert=system".parse().unwrap();
        assert!(
            url.with_certificates(ONE.parse().unwrap())
                .certificates()
                .is_empty()
        );
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert_eq!("".parse::<Certificates>(), Err(CertificateError::None));
        assert_eq!("ca.pem".parse::<Certificates>(), Err(CertificateError::None));
        assert_eq!(
            ONE.repeat(5).parse::<Certificates>(),
            Err(CertificateError::TooMany(5))
        );
        let escaped = ONE.replace('\n', "\\n");
        assert_eq!(escaped.parse::<Certificates>(), ONE.parse());
        assert_eq!(
            format!("{:?}", ONE.parse::<Certificates>().unwrap()),
            "Certificates(1)"
        );
    }
}
