//! TLS, and what is not given away without it, in the words of both hosts.

/// What a host says that gave no password away.
pub(super) const GIVEN_AWAY: &str = "give the password away";
/// What a server says to those who show no certificate.
pub(super) const CLIENT_CERTIFICATE: &str = "requires a valid client certificate";

/// What the operator can do about TLS. The words are those of rustls, or those of OpenSSL, by which Spin has its TLS.
pub(super) fn hint(text: &str) -> &'static str {
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    if has(&["does not support TLS"]) {
        "switch TLS on in the server (ssl = on); where the network between is trusted, write sslmode=prefer or \
         sslmode=disable in the address"
    } else if has(&[
        "certificate expired",
        "has expired",
        "not valid yet",
        "not yet valid",
    ]) {
        "have the server's certificate renewed, and see whether the clocks are right"
    } else if has(&["not valid for", "ostname mismatch", "address mismatch"]) {
        "name the server in the address as its certificate does (subjectAltName), or have the certificate made for this \
         name too"
    } else if has(&["UnsupportedCertVersion"]) {
        "have the server's certificate made anew with a subjectAltName: it is of a version that has none"
    } else if has(&[
        "UnknownIssuer",
        "CaUsedAsEndEntity",
        "local issuer",
        "self-signed",
        "self signed",
        "BadSignature",
        "certificate verify failed",
    ]) {
        "the authority of the server's certificate is not known here. Give its certificate: pgvitals targets add NAME URL \
         --certificate FILE (variable target_certificates; for the monitoring database monitoring_certificate). Supabase \
         has it in the dashboard (database settings, SSL), RDS at \
         https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem, Cloud SQL as server-ca.pem, stock Debian in \
         /etc/ssl/certs/ssl-cert-snakeoil.pem"
    } else {
        "see what the log of the server says of the handshake: its versions of TLS (1.2 or 1.3), its certificate, its key"
    }
}

/// Whether the reason for which no connection was made is TLS.
pub(super) fn is_refused(reason: &str) -> bool {
    let phrases = [
        "performing TLS handshake",
        "invalid peer certificate",
        "certificate verify failed",
        "does not support TLS",
        "invalid root certificate",
    ];
    phrases.iter().any(|phrase| reason.contains(phrase)) && !reason.contains("before TLS was agreed on")
}

#[cfg(test)]
mod tests {
    use crate::error::DbError;

    #[track_caller]
    fn check_code(reason: &str, code: &str) {
        assert_eq!(DbError::connect("h", reason).code(), code, "{reason}");
    }

    #[track_caller]
    fn check_tls(reason: &str, hint: &str) {
        let error = DbError::connect("h", reason);
        assert_eq!(error.code(), "tls", "{reason}");
        let found = error.hint.unwrap();
        assert!(found.contains(hint), "{found}");
        assert!(!found.starts_with("add ?sslmode=disable"), "{found}");
    }

    #[test]
    fn a_failed_handshake_says_what_is_wrong_with_the_certificate_on_every_host() {
        let rustls = |text: &str| format!("error performing TLS handshake: invalid peer certificate: {text}");
        let openssl = |text: &str| {
            format!(
                "Error occurred while creating a new object: error performing TLS handshake: error:0A000086:SSL \
                 routines:tls_post_process_server_certificate:certificate verify failed:../ssl/statem/statem_clnt.c:1889: \
                 ({text})"
            )
        };
        check_tls(&rustls("UnknownIssuer"), "ssl-cert-snakeoil.pem");
        check_tls(&openssl("self-signed certificate"), "server-ca.pem");
        check_tls(
            &openssl("unable to get local issuer certificate"),
            "--certificate FILE",
        );
        check_tls(&rustls("certificate expired: verified at time 1"), "renewed");
        check_tls(&openssl("certificate has expired"), "renewed");
        check_tls(&rustls("certificate not valid for name \"a\""), "subjectAltName");
        check_tls(&openssl("hostname mismatch"), "subjectAltName");
        check_tls(
            "error performing TLS handshake: server does not support TLS",
            "ssl = on",
        );
        check_tls(
            "error performing TLS handshake: received fatal alert: HandshakeFailure",
            "log of the server",
        );
        check_code(
            "error performing TLS handshake: the connection ended before TLS was agreed on: early eof",
            "connect_failed",
        );
        check_code(
            "error communicating with the server: the server asks for the password in clear text, which would give the \
             password away: none was sent",
            "authentication_failed",
        );
    }
}
