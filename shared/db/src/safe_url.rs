//! The address of a PostgreSQL database, which cannot give its password away by accident.

use std::fmt;
use std::str::FromStr;

use dial::WeakAuthentication;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::encryption::{Certificates, HostMode, SslMode};

/// PostgreSQL's own port.
const DEFAULT_PORT: u16 = 5432;

/// What may follow the `?` of an address, beside `sslmode` and `sslrootcert`. A host, a user or a password there would go
/// around the checks of this type.
const KNOWN_PARAMETERS: [&str; 10] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "options",
    "target_session_attrs",
    "tcp_user_timeout",
];

/// A `postgres://` address. `Display` and `Debug` show `***` in place of the password; the real one has to be asked
/// for with [`SafeUrl::expose`].
///
/// ```
/// use db::SafeUrl;
///
/// let url: SafeUrl = "postgres://collector:s3cret@db.example.com:5433/orders?sslmode=require".parse()?;
/// assert_eq!(url.to_string(), "postgres://collector:***@db.example.com:5433/orders?sslmode=require");
/// assert!(!format!("{url:?}").contains("s3cret"));
/// assert!(url.expose().contains("s3cret"));
/// # Ok::<(), db::UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SafeUrl {
    /// The address without its password.
    url: Url,
    /// The password as it is typed, not percent-encoded.
    password: Option<String>,
    /// What the address says of TLS.
    ssl_mode: SslMode,
    /// Whether the authorities of the host are the only ones.
    system_roots: bool,
    /// Authorities beside those of the host.
    certificates: Certificates,
    /// Servers that may be given weak proofs of a password.
    weak: WeakAuthentication,
}

/// The parameters that libpq has for files with certificates and keys.
const FILES: [&str; 6] = [
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslrootcert",
    "sslcrl",
    "sslcrldir",
];

/// Why a text is not an address that can be used. It never repeats the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// A mark in the user or the password would end it too early, so that a piece of the password would become a host.
    #[error(
        "the user, the password or the database in the address has a mark that must be written encoded: \
         %40 for @, %2F for /, %3F for ?, %23 for #"
    )]
    Unencoded,
    /// It has a line break, a tab or another control character, which would be dropped from a password.
    #[error(
        "the address has a line break, a tab or another control character; write it encoded, such as %0A or %09"
    )]
    ControlCharacter,
    /// It is not a URL at all.
    #[error("the address is not a URL of the form postgres://user@host:port/database")]
    Syntax(#[source] url::ParseError),
    /// It is a URL of something else.
    #[error("the address does not begin with postgres://")]
    Scheme,
    /// It names no host, or a socket in the file system.
    #[error("the address names no host; sockets in the file system are not supported, use 127.0.0.1")]
    Host,
    /// It names several hosts.
    #[error("the address names several hosts; add one target for each")]
    SeveralHosts,
    /// It names no user.
    #[error("the address names no user")]
    User,
    /// It names a user or a password where a login is given apart from it.
    #[error("the address has a user or a password in it")]
    Login,
    /// It names no database.
    #[error("the address names no database")]
    Database,
    /// A part of it is not UTF-8 after percent-decoding.
    #[error("the {0} in the address is not UTF-8 after percent-decoding")]
    Encoding(&'static str),
    /// It has a parameter that is not known or not allowed there.
    #[error("the address has the parameter {0}, which is not supported there")]
    Parameter(String),
    /// Its `sslmode` is none of libpq's.
    #[error(
        "the address has an sslmode that is not disable, allow, prefer, require, verify-ca or verify-full"
    )]
    SslMode,
    /// Its `sslmode` may go without TLS, where `sslrootcert=system` asks for a verified certificate.
    #[error(
        "the address has sslrootcert=system with an sslmode that may go without TLS; use sslmode=verify-full"
    )]
    WeakSslMode,
    /// It has a parameter twice.
    #[error("the address has the parameter {0} twice")]
    Repeated(&'static str),
    /// It names a file with a certificate or a key.
    #[error(
        "the address has the parameter {0}, which names a file, and functions have none: give the certificate of the \
         server's authority by `pgvitals targets add NAME URL --certificate FILE` (variable target_certificates, by the \
         name of the secret; for the monitoring database monitoring_certificate); a client certificate cannot be used"
    )]
    File(&'static str),
}

impl FromStr for SafeUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<SafeUrl, UrlError> {
        let text = text.trim();
        ensure_unambiguous(text)?;
        let mut url = Url::parse(text).map_err(|error| match error {
            url::ParseError::EmptyHost => UrlError::Host,
            error => UrlError::Syntax(error),
        })?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(UrlError::Scheme);
        }
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() || host.to_ascii_lowercase().contains("%2f") {
            return Err(UrlError::Host);
        }
        if url.username().is_empty() {
            return Err(UrlError::User);
        }
        let (ssl_mode, system_roots) = parameters(&url)?;
        decode(url.username()).ok_or(UrlError::Encoding("user"))?;
        decode(url.path()).ok_or(UrlError::Encoding("database"))?;
        let password = match url.password() {
            Some(encoded) => Some(decode(encoded).ok_or(UrlError::Encoding("password"))?),
            None => None,
        };
        // A URL with a host, which was just made sure of, can have its password taken away.
        url.set_password(None).map_err(|()| UrlError::Host)?;
        Ok(SafeUrl {
            url,
            password,
            ssl_mode,
            system_roots,
            certificates: Certificates::default(),
            weak: WeakAuthentication::default(),
        })
    }
}

/// Checks what follows the `?`; gives what it says of TLS, and whether only the authorities of the host count.
fn parameters(url: &Url) -> Result<(SslMode, bool), UrlError> {
    let (mut mode, mut system) = (None, false);
    for (name, value) in url.query_pairs() {
        if name == "sslmode" {
            let value: SslMode = value.parse().map_err(|()| UrlError::SslMode)?;
            if mode.replace(value).is_some() {
                return Err(UrlError::Repeated("sslmode"));
            }
        } else if name == "sslrootcert" && value == "system" {
            system = true;
        } else if let Some(file) = FILES.iter().find(|file| **file == name) {
            return Err(UrlError::File(file));
        } else if !KNOWN_PARAMETERS.contains(&name.as_ref()) {
            return Err(UrlError::Parameter(name.into_owned()));
        }
    }
    match (mode, system) {
        (Some(mode), true) if !mode.is_strict() => Err(UrlError::WeakSslMode),
        (None, true) => Ok((SslMode::VerifyFull, true)),
        (mode, system) => Ok((mode.unwrap_or_default(), system)),
    }
}

/// Refuses a text of which a part of the password could be read as something else: as a host, a port, a path, or nothing.
///
/// A parser ends the user and the password at the last `@` before the first `/`, `?` or `#`. Whoever wrote one of these
/// into a password did not mean that, so the only `@` has to stand before all of the others.
fn ensure_unambiguous(text: &str) -> Result<(), UrlError> {
    if text.contains(char::is_control) {
        return Err(UrlError::ControlCharacter);
    }
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let after = rest.get(authority.len()..).unwrap_or_default();
    if authority.matches('@').count() > 1 || after.contains(['@', '#']) {
        return Err(UrlError::Unencoded);
    }
    match authority.rsplit('@').next() {
        Some(host) if host.contains(',') => Err(UrlError::SeveralHosts),
        _ => Ok(()),
    }
}

impl SafeUrl {
    /// Takes an address without a login, such as `postgres://db.example.com:5432/monitoring`, for this user.
    ///
    /// ```
    /// use db::{SafeUrl, UrlError};
    ///
    /// let url = SafeUrl::for_login("postgres://db.example.com/monitoring", "pgvitals_viewer")?;
    /// assert_eq!(url.address(), "postgres://pgvitals_viewer@db.example.com/monitoring");
    /// assert_eq!(url.without_login(), "postgres://db.example.com/monitoring");
    /// assert_eq!(SafeUrl::for_login("postgres://u:p@h/d", "pgvitals_viewer"), Err(UrlError::Login));
    /// # Ok::<(), UrlError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`UrlError::Login`] when the address has a login already, [`UrlError::Database`] when it names no database, and
    /// whatever else is wrong with it.
    pub fn for_login(address: &str, user: &str) -> Result<SafeUrl, UrlError> {
        let address = address.trim();
        ensure_unambiguous(address)?;
        let Some((scheme, rest)) = address.split_once("://") else {
            return address.parse();
        };
        if rest.contains('@') {
            return Err(UrlError::Login);
        }
        let url: SafeUrl = format!("{scheme}://{}@{rest}", encode(user)).parse()?;
        if url.url.path().trim_start_matches('/').is_empty() {
            return Err(UrlError::Database);
        }
        Ok(url)
    }

    /// The address without user and password.
    pub fn without_login(&self) -> String {
        let mut url = self.url.clone();
        // Cannot fail: the address has a host.
        let _ = url.set_username("");
        url.into()
    }

    /// The same address with this password, as it is typed.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> SafeUrl {
        self.password = Some(password.to_owned());
        self
    }

    /// The same address for another user, without a password.
    #[must_use]
    pub fn with_user(mut self, user: &str) -> SafeUrl {
        self.password = None;
        // Cannot fail: the address has a host. Were it to, the old user would stay and the server refuse it.
        let _ = self.url.set_username(&encode(user));
        self
    }

    /// The same address with another database.
    #[must_use]
    pub fn with_database(mut self, database: &str) -> SafeUrl {
        self.url.set_path(&encode(database));
        self
    }

    /// The same address, with the name the server shows for its sessions, unless it has one already.
    #[must_use]
    pub fn with_application_name(mut self, name: &str) -> SafeUrl {
        if self.parameter("application_name").is_none() {
            self.url.query_pairs_mut().append_pair("application_name", name);
        }
        // PostgreSQL's address parsers take `+` literally, where a web form means a space by it.
        let query = self.url.query().map(|query| query.replace('+', "%20"));
        self.url.set_query(query.as_deref());
        self
    }

    /// The same address, with more command-line options for the session (`-c name=value ...`) after those it has.
    #[must_use]
    pub(crate) fn with_options(mut self, options: &str) -> SafeUrl {
        let earlier = self.parameter("options");
        let others: Vec<(String, String)> = self
            .url
            .query_pairs()
            .filter(|(name, _)| name != "options")
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let options = earlier.map_or_else(|| options.to_owned(), |earlier| format!("{earlier} {options}"));
        self.url
            .query_pairs_mut()
            .clear()
            .extend_pairs(others)
            .append_pair("options", &options);
        // As in `with_application_name`.
        let query = self.url.query().map(|query| query.replace('+', "%20"));
        self.url.set_query(query.as_deref());
        self
    }

    /// The same address, with authorities in which to trust beside those of the host.
    #[must_use]
    pub fn with_certificates(mut self, certificates: Certificates) -> SafeUrl {
        self.certificates = certificates;
        self
    }

    /// The same address, with the servers that may be given weak proofs of a password.
    #[must_use]
    pub fn with_weak_authentication(mut self, weak: &WeakAuthentication) -> SafeUrl {
        self.weak = weak.clone();
        self
    }

    /// What it says of TLS.
    pub fn ssl_mode(&self) -> SslMode {
        self.ssl_mode
    }

    /// Authorities in which to trust beside those of the host, in PEM form.
    pub fn certificates(&self) -> &[String] {
        if self.system_roots {
            return &[];
        }
        self.certificates.as_slice()
    }

    /// The servers that may be given weak proofs of a password.
    pub fn weak_authentication(&self) -> &WeakAuthentication {
        &self.weak
    }

    /// The whole address as a host takes it, password included: with a mode that every host knows.
    pub(crate) fn expose_to_host(&self, mode: HostMode) -> String {
        let mut copy = self.clone();
        let query = self.url.query().unwrap_or_default();
        let kept = query.split('&').filter(|pair| {
            let name = pair.split('=').next().and_then(decode).unwrap_or_default();
            !pair.is_empty() && name != "sslmode" && name != "sslrootcert"
        });
        let mode = mode.parameter().map(|mode| format!("sslmode={mode}"));
        let pairs: Vec<_> = kept.chain(mode.as_deref()).collect();
        copy.url
            .set_query(Some(pairs.join("&").as_str()).filter(|query| !query.is_empty()));
        copy.expose()
    }

    /// The whole address, password included: to be handed to a program that goes by libpq and to nobody else.
    pub fn expose(&self) -> String {
        let mut url = self.url.clone();
        if let Some(password) = &self.password {
            // Cannot fail: the address has a host. Were it to, the server would refuse the missing password.
            let _ = url.set_password(Some(&encode(password)));
        }
        url.into()
    }

    /// The address without its password: what a target row holds.
    pub fn address(&self) -> &str {
        self.url.as_str()
    }

    /// The password as it is typed, to be handed to a driver and to nobody else.
    pub fn expose_password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The name or number of the host; a number of version 6 stands in brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.url.port().unwrap_or(DEFAULT_PORT)
    }

    /// The user.
    pub fn user(&self) -> String {
        decode(self.url.username()).unwrap_or_default()
    }

    /// The database; PostgreSQL takes the user's name where the address has none, and so does this.
    pub fn database(&self) -> String {
        let name = decode(self.url.path().trim_start_matches('/')).unwrap_or_default();
        if name.is_empty() { self.user() } else { name }
    }

    /// A parameter after the `?`.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.url
            .query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// Whether the host is this machine, by a number or a name that is never looked up.
    pub fn is_loopback(&self) -> bool {
        let host = self.host().trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    /// Host and port, as an error message names the server.
    pub fn server(&self) -> String {
        format!("{}:{}", self.host(), self.port())
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.password.is_none() {
            return formatter.write_str(self.url.as_str());
        }
        match self.url.as_str().split_once('@') {
            Some((before, after)) => write!(formatter, "{before}:***@{after}"),
            None => formatter.write_str("postgres://***"),
        }
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SafeUrl({self})")
    }
}

/// All but what RFC 3986 calls unreserved, which reads better as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> SafeUrl {
        text.parse().unwrap()
    }

    #[test]
    fn the_password_is_never_shown() {
        for text in [
            "postgres://user:hunter2@host/db",
            "postgresql://user:hunter2@host:1/db?sslmode=disable",
            "postgres://user:hunter2@[::1]:5432/db",
            "postgres://us%40er:hunter2@host/db",
        ] {
            let url = parse(text);
            for shown in [
                url.to_string(),
                format!("{url:?}"),
                url.address().to_owned(),
                url.server(),
            ] {
                assert!(!shown.contains("hunter2"), "{shown}");
            }
            assert!(url.expose().contains("hunter2"));
        }
    }

    #[test]
    fn the_parts_are_decoded() {
        let url = parse("postgres://us%40er:p%2Fa%25s@host:6000/my%20db");
        assert_eq!(
            (url.user().as_str(), url.host(), url.port()),
            ("us@er", "host", 6000)
        );
        assert_eq!(url.database(), "my db");
        assert_eq!(url.expose_password(), Some("p/a%s"));
        assert_eq!(
            parse(&url.expose()),
            url,
            "an exposed address is the same address"
        );
    }

    #[test]
    fn any_password_survives_the_way_to_the_driver() {
        for password in ["", "a:b@c/d?e#f", "100%", "%41", "pässwörd", "spaces and +"] {
            let url = parse("postgres://user@host/db").with_password(password);
            assert_eq!(
                parse(&url.expose()).expose_password().unwrap_or_default(),
                password
            );
        }
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let url = parse("postgres://user@host");
        assert_eq!((url.port(), url.database().as_str()), (5432, "user"));
        assert_eq!(url.to_string(), "postgres://user@host");
        assert_eq!(parse("postgres://user@[::1]").server(), "[::1]:5432");
    }

    #[test]
    fn the_application_name_is_added_once() {
        let url =
            parse("postgres://user@host/db?sslmode=disable").with_application_name("pgvitals/two words");
        let again = url.clone().with_application_name("other");
        assert_eq!(url, again);
        assert_eq!(
            url.parameter("application_name").as_deref(),
            Some("pgvitals/two words")
        );
        assert!(
            url.address()
                .ends_with("sslmode=disable&application_name=pgvitals%2Ftwo%20words")
        );
    }

    #[test]
    fn a_host_is_given_only_what_it_knows() {
        let cases = [
            ("", HostMode::Prefer, ""),
            ("?sslmode=verify-full", HostMode::Require, "?sslmode=require"),
            ("?sslmode=prefer", HostMode::Disable, "?sslmode=disable"),
            ("?sslmode=prefer", HostMode::Prefer, ""),
            (
                "?options=-c%20a%3Db+c&sslmode=verify-ca&application_name=x%26y",
                HostMode::Require,
                "?options=-c%20a%3Db+c&application_name=x%26y&sslmode=require",
            ),
            ("?sslrootcert=system", HostMode::Require, "?sslmode=require"),
            (
                "?ssl%6dode=verify-full&channel_binding=require",
                HostMode::Require,
                "?channel_binding=require&sslmode=require",
            ),
        ];
        for (query, mode, expected) in cases {
            let url = parse(&format!("postgres://u:hunter2@h/d{query}"));
            assert_eq!(
                url.expose_to_host(mode),
                format!("postgres://u:hunter2@h/d{expected}"),
                "{query}"
            );
        }
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let error = text.parse::<SafeUrl>().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_being_repeated() {
        check_refused("host=localhost password=hunter2", "not a URL");
        check_refused("http://user:hunter2@host/db", "does not begin with postgres://");
        check_refused("hunter2://user@host/db", "does not begin with postgres://");
        check_refused("postgres:///db", "no host");
        check_refused("postgres://user:hunter2@/db", "no host");
        check_refused("postgres://user:hunter2@%2Fvar%2Frun/db", "no host");
        check_refused("postgres://user:hunter2@one,two/db", "several hosts");
        check_refused("postgres://user:hunter2@one:1,two:2/db", "several hosts");
        check_refused("postgres://host/db", "no user");
        check_refused("postgres://user@host/db?password=hunter2", "parameter password");
        check_refused("postgres://user@host/db?host=/tmp", "parameter host");
        check_refused(
            "postgres://user:%ffhunter2@host/db",
            "password in the address is not UTF-8",
        );
        check_refused("postgres://user:hunter2@host:port/db", "not a URL");
        check_refused("postgres://user:hunter2@host/db?sslmode=on", "verify-full");
        check_refused(
            "postgres://user:hunter2@host/db?sslmode=disable&sslmode=require",
            "sslmode twice",
        );
        check_refused(
            "postgres://user:hunter2@host/db?sslrootcert=ca.pem",
            "--certificate FILE",
        );
        check_refused(
            "postgres://user:hunter2@host/db?sslcert=me.crt",
            "client certificate",
        );
        check_refused(
            "postgres://user:hunter2@host/db?sslrootcert=system&sslmode=prefer",
            "sslmode=verify-full",
        );
    }

    /// The parsers of the driver, of this type and of people disagree about where the password of such an address ends.
    #[test]
    fn a_password_with_a_mark_is_refused_with_its_encoding() {
        for password in [
            "hunter2@hunter2#w",
            "hunter2#w",
            "hunter2@x",
            "hunter2/x",
            "1234/hunter2",
            "hunter2?x",
            "1234?hunter2=",
            "1234#hunter2",
            "hunter2@host,other",
            "@hunter2",
        ] {
            check_refused(&format!("postgres://user:{password}@host/db"), "%40 for @");
        }
        check_refused("postgres://user:hunter2@host/db@hunter2", "%40 for @");
        check_refused("postgres://user:hunter2@host/db#hunter2", "%23 for #");
        check_refused("postgres://user:hunter2@host/db?options=a@b", "%40 for @");
        check_refused("postgres://user:hunt\ner2@host/db", "control character");
        assert_eq!(
            parse("postgres://user:p%40ss%23w@host/db").expose_password(),
            Some("p@ss#w")
        );
        assert_eq!(parse(" postgres://user@host/db\n").host(), "host");
    }

    /// Whether a text has an escape, which stands for another character.
    fn has_escape(text: &str) -> bool {
        let bytes = text.as_bytes();
        bytes.windows(3).any(
            |three| matches!(three, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// The pieces are long enough not to stand in an address by chance.
        #[test]
        fn a_password_put_into_an_address_as_it_is_arrives_or_is_refused(
            pieces in prop::collection::vec("[Q-Z]{8}|[0-9]{4}", 1..4),
            marks in prop::collection::vec(r"[@/?#:%&=+,;!$'()*\[\]\\ .~|<>^{}`\t\n\u{e4}]{1,2}|://", 3),
        ) {
            let password: String = pieces.iter().zip(&marks).map(|(piece, mark)| format!("{piece}{mark}")).collect();
            prop_assume!(!has_escape(&password));
            let text = format!("postgres://user:{password}@host.example.com:5432/orders?sslmode=require");
            let shown = match text.parse::<SafeUrl>() {
                Ok(url) => {
                    prop_assert_eq!(url.expose_password(), Some(password.as_str()));
                    prop_assert_eq!(url.host(), "host.example.com");
                    prop_assert_eq!(url.database(), "orders");
                    prop_assert_eq!(
                        url.expose().parse::<SafeUrl>().ok(),
                        Some(url.clone()),
                        "an exposed address is the same address"
                    );
                    format!("{url} {url:?} {} {} {} {}", url.address(), url.host(), url.server(), url.user())
                }
                Err(error) => format!("{error} {error:?} {:?}", std::error::Error::source(&error)),
            };
            for piece in &pieces {
                prop_assert!(!shown.contains(piece.as_str()) || piece == "5432", "{} shows {}", shown, piece);
            }
        }

        #[test]
        fn no_text_breaks_the_parser(text in r"(postgres://)?[a-z:@/?#%0-9\[\],\t ]{0,30}") {
            let _ = text.parse::<SafeUrl>();
        }
    }
}
