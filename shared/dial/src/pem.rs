//! Certificates in a text.

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Returns the certificates in a text in PEM form, each with its own first and last line. Whatever stands between them is
/// left out: many files have the names of their certificates there.
pub fn certificates(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(BEGIN) {
        let Some(length) = rest[start..].find(END) else {
            break;
        };
        let end = start + length + END.len();
        found.push(format!("{}\n", &rest[start..end]));
        rest = &rest[end..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_certificate_is_found_and_nothing_else() {
        let text = "# Root of the web\n-----BEGIN CERTIFICATE-----\nAAA=\n-----END CERTIFICATE-----\r\nmore\n\
                    -----BEGIN CERTIFICATE-----\nBBB=\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nCCC=\n\
                    -----END PRIVATE KEY-----\n";
        assert_eq!(
            certificates(text),
            [
                "-----BEGIN CERTIFICATE-----\nAAA=\n-----END CERTIFICATE-----\n",
                "-----BEGIN CERTIFICATE-----\nBBB=\n-----END CERTIFICATE-----\n",
            ]
        );
    }

    #[test]
    fn what_has_no_end_is_none() {
        for text in ["", "AAA=", "-----BEGIN CERTIFICATE-----\nAAA="] {
            assert!(certificates(text).is_empty(), "{text}");
        }
    }
}
