//! `--certificate FILE`: the authority of a target's server.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use db::{CertificateError, Certificates, SafeUrl};
use dial::Authority;

use super::CHECK_DEADLINE;
use crate::failure::Failure;

/// Reads the file. Of several certificates, as providers give them for all their regions, those are taken that fit the
/// server, which shows its own for that and is sent nothing; without a server to ask all must be few.
pub(super) async fn read(file: &Path, server: Option<&SafeUrl>) -> Result<Certificates> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("cannot read the certificate `{}`", file.display()))?;
    let certificates = dial::pem::certificates(&text);
    let authorities = certificates
        .iter()
        .map(|pem| Authority::from_pem(pem))
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("`{}` is not a certificate in PEM form", file.display()))?;
    if let [authority] = authorities.as_slice()
        && !authority.is_root()
    {
        return Err(Failure::new(
            format!(
                "the certificate in `{}` is signed by another authority",
                file.display()
            ),
            "give the certificate of the root, which is signed by itself",
        )
        .into());
    }
    let Some(server) = server.filter(|_| authorities.len() > 1) else {
        return text.parse().map_err(|error| unusable(file, error));
    };
    let chain = tokio::time::timeout(CHECK_DEADLINE, dial::presented(server.host(), server.port()))
        .await
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))
        .flatten()
        .with_context(|| format!("cannot see the certificate of {}", server.server()))?;
    let fitting: String = certificates
        .iter()
        .zip(&authorities)
        .filter(|(_, authority)| authority.vouches_for(&chain))
        .map(|(pem, _)| pem.as_str())
        .collect();
    if fitting.is_empty() {
        return Err(Failure::new(
            format!(
                "none of the {} certificates in `{}` is that of the authority of {}",
                certificates.len(),
                file.display(),
                server.server()
            ),
            "give the certificate of the authority that signed the server's",
        )
        .into());
    }
    fitting.parse().map_err(|error| unusable(file, error))
}

fn unusable(file: &Path, error: CertificateError) -> anyhow::Error {
    let hint = match error {
        CertificateError::TooMany(_) => "leave out --no-check: then the one that fits the server is chosen",
        _ => "give the file of the authority's certificate",
    };
    Failure::new(format!("cannot use the certificate `{}`", file.display()), hint)
        .because(error)
        .into()
}
