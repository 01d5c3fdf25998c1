//! Connecting to PostgreSQL from this machine, for the command and for the runner alike.
//!
//! - `dialer`: [`Dialer`], which looks names up, has the addresses checked, and connects
//! - `tls`: [`Tls`], the encryption of a connection; `binding`: what binds SCRAM to it
//! - `trust`: [`Trust`], the authorities whose certificates are accepted; `verifier`: how a certificate is judged
//! - `guard`: refuses to prove a password in a way that gives it away; `weak`: [`WeakAuthentication`], where that is
//!   allowed all the same
//! - `der`: a look into a certificate
//! - `pem`: certificates in a text; `presented`: those that a server shows
//!
//! A component has none of this but `pem` and `weak`: its host dials for it.
//!
//! # What is accepted
//!
//! TLS is always verified, the name of the host included. The authorities are those of the web, those of this machine
//! (or of `SSL_CERT_FILE` and `SSL_CERT_DIR` in their stead, as OpenSSL has it), and the one that was given.
//!
//! The answer to a request for a clear-text password or for an MD5 proof can be used by whoever reads it or asked for
//! it. It is given to a server that TLS has verified, and to one that the operator named; to nobody else.

#![deny(missing_docs)]

#[cfg(not(target_family = "wasm"))]
mod binding;
#[cfg(not(target_family = "wasm"))]
mod der;
#[cfg(not(target_family = "wasm"))]
mod dialer;
#[cfg(not(target_family = "wasm"))]
mod guard;
pub mod pem;
#[cfg(not(target_family = "wasm"))]
mod presented;
#[cfg(not(target_family = "wasm"))]
mod tls;
#[cfg(not(target_family = "wasm"))]
mod trust;
#[cfg(not(target_family = "wasm"))]
mod verifier;
mod weak;

#[cfg(not(target_family = "wasm"))]
pub use dialer::{AddressCheck, DialError, Dialer};
#[cfg(not(target_family = "wasm"))]
pub use guard::Link;
#[cfg(not(target_family = "wasm"))]
pub use presented::presented;
#[cfg(not(target_family = "wasm"))]
pub use tls::{Channel, Tls, TlsError};
#[cfg(not(target_family = "wasm"))]
pub use trust::{Authority, AuthorityError, Trust};
pub use weak::{Authentication, WeakAuthentication, WeakAuthenticationError};
