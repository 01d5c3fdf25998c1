//! What binds SCRAM to an encrypted connection: a digest of the server's certificate (`tls-server-end-point`, RFC 5929).

use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::der::element;

/// Algorithms of signatures, as object identifiers in DER without type and length.
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];

/// The digest of a certificate by the algorithm of its own signature; SHA-256 in place of older ones. None for algorithms
/// that name no digest, for which PostgreSQL binds nothing either.
pub(crate) fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (parts, _) = element(certificate)?;
    let (_, after_content) = element(parts)?;
    let (algorithm, _) = element(after_content)?;
    let (identifier, _) = element(algorithm)?;
    if let Some(rest) = identifier.strip_prefix(RSA) {
        return match rest {
            [0x04 | 0x05 | 0x0b] => Some(Sha256::digest(certificate).to_vec()),
            [0x0c] => Some(Sha384::digest(certificate).to_vec()),
            [0x0d] => Some(Sha512::digest(certificate).to_vec()),
            _ => None,
        };
    }
    match identifier.strip_prefix(ECDSA)? {
        [0x01] | [0x03, 0x02] => Some(Sha256::digest(certificate).to_vec()),
        [0x03, 0x03] => Some(Sha384::digest(certificate).to_vec()),
        [0x03, 0x04] => Some(Sha512::digest(certificate).to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sequence(content, sequence(identifier), signature)`.
    fn certificate(identifier: &[u8]) -> Vec<u8> {
        let wrapped =
            |kind: u8, content: &[u8]| [&[kind, u8::try_from(content.len()).unwrap()], content].concat();
        let algorithm = wrapped(0x30, &wrapped(0x06, identifier));
        wrapped(
            0x30,
            &[wrapped(0x30, b"content"), algorithm, wrapped(0x03, b"signature")].concat(),
        )
    }

    #[test]
    fn the_digest_is_that_of_the_signature_and_never_an_old_one() {
        for (prefix, rest, length) in [
            (RSA, &[0x05][..], 32),
            (RSA, &[0x0b], 32),
            (RSA, &[0x0c], 48),
            (RSA, &[0x0d], 64),
            (ECDSA, &[0x01], 32),
            (ECDSA, &[0x03, 0x02], 32),
            (ECDSA, &[0x03, 0x03], 48),
            (ECDSA, &[0x03, 0x04], 64),
        ] {
            let found = server_end_point(&certificate(&[prefix, rest].concat())).unwrap();
            assert_eq!(found.len(), length, "{rest:?}");
        }
        // RSASSA-PSS and Ed25519.
        assert_eq!(server_end_point(&certificate(&[RSA, &[0x0a]].concat())), None);
        assert_eq!(server_end_point(&certificate(&[0x2b, 0x65, 0x70])), None);
        assert_eq!(server_end_point(b"none"), None);
    }
}
