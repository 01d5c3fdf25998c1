//! Certificates, made as a test needs them, and servers that use them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::Server;
use crate::database::connect;

/// An authority that signs certificates.
#[derive(Debug)]
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// The certificate of a server with those that it sends along, and its key, in PEM form.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificates, the server's own first.
    pub certificates: String,
    /// The key.
    pub key: String,
}

impl CertificateAuthority {
    /// A root.
    pub fn new(name: &str) -> Result<Self> {
        let (params, key) = (authority(name)?, KeyPair::generate()?);
        let pem = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
        })
    }

    /// An authority that this one vouches for.
    pub fn intermediate(&self, name: &str) -> Result<Self> {
        let (params, key) = (authority(name)?, KeyPair::generate()?);
        let pem = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
        })
    }

    /// Its own certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these names and numbers.
    pub fn sign(&self, names: &[&str]) -> Result<Identity> {
        self.sign_with(leaf(names)?)
    }

    /// One whose time is over.
    pub fn sign_expired(&self, names: &[&str]) -> Result<Identity> {
        let mut params = leaf(names)?;
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign_with(params)
    }

    /// One that has its name in its subject alone.
    pub fn sign_common_name(&self, name: &str) -> Result<Identity> {
        let mut params = leaf(&[])?;
        params.distinguished_name.push(DnType::CommonName, name);
        self.sign_with(params)
    }

    fn sign_with(&self, params: CertificateParams) -> Result<Identity> {
        let key = KeyPair::generate()?;
        Ok(Identity {
            certificates: params.signed_by(&key, &self.issuer)?.pem(),
            key: key.serialize_pem(),
        })
    }
}

impl Identity {
    /// A server's own certificate that is its own authority, as the manual of PostgreSQL has one made.
    pub fn self_signed(names: &[&str]) -> Result<Self> {
        let mut params = leaf(names)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        Ok(Self {
            certificates: params.self_signed(&key)?.pem(),
            key: key.serialize_pem(),
        })
    }

    /// The same, with a certificate that is sent along.
    pub fn with(mut self, pem: &str) -> Self {
        self.certificates.push_str(pem);
        self
    }
}

fn authority(name: &str) -> Result<CertificateParams> {
    let mut params = leaf(&[])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn leaf(names: &[&str]) -> Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    Ok(params)
}

/// Lets a server have TLS with this certificate.
pub async fn encrypt(server: &Server, identity: &Identity) -> Result<()> {
    let key = copied(&identity.key, "tests.key");
    let certificates = copied(&identity.certificates, "tests.crt");
    configure(
        server,
        &[
            &key,
            &certificates,
            "alter system set ssl_cert_file = 'tests.crt'",
            "alter system set ssl_key_file = 'tests.key'",
            "alter system set ssl = on",
        ],
    )
    .await
}

/// Gives a server other rules of who gets in; the superuser does so without TLS in any case.
pub async fn admit_by(server: &Server, rules: &str) -> Result<()> {
    let rules = format!("hostnossl all postgres 127.0.0.1/32 scram-sha-256\n{rules}");
    configure(server, &[&copied(&rules, "pg_hba.conf")]).await
}

/// A statement that writes a file into the server's folder, for the server alone to read.
fn copied(text: &str, file: &str) -> String {
    format!(
        "copy (select line from unnest(string_to_array($text${text}$text$, chr(10))) as line) to program 'umask 077; cat > {file}'"
    )
}

/// Runs statements as the superuser, and waits until new sessions go by the changed configuration.
pub async fn configure(server: &Server, statements: &[&str]) -> Result<()> {
    static MARK: AtomicU32 = AtomicU32::new(2000);
    let mark = MARK.fetch_add(1, Ordering::Relaxed);
    let client = connect(&server.url("postgres")).await?;
    for statement in statements {
        client
            .batch_execute(statement)
            .await
            .context("cannot configure the server")?;
    }
    client
        .batch_execute(&format!("alter system set deadlock_timeout = '{mark}ms'"))
        .await?;
    client.batch_execute("select pg_reload_conf()").await?;
    for _ in 0..200 {
        let client = connect(&server.url("postgres")).await?;
        let row = client
            .query_one(
                "select setting from pg_settings where name = 'deadlock_timeout'",
                &[],
            )
            .await?;
        if row.get::<_, String>(0) == mark.to_string() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    anyhow::bail!("the server does not read its configuration again")
}

/// TLS in front of a port of 127.0.0.1, until it is dropped.
#[derive(Debug)]
pub struct Encrypted {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Encrypted {
    /// Listens on a free port with this certificate.
    pub async fn before(port: u16, identity: &Identity) -> Result<Self> {
        let certificates = CertificateDer::pem_slice_iter(identity.certificates.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .context("not a certificate")?;
        ensure!(!certificates.is_empty(), "there is no certificate");
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).context("not a key")?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(certificates, key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // What is refused or cut off is for the other side to tell.
                    let mut near = acceptor.accept(stream).await?;
                    let mut far = TcpStream::connect(("127.0.0.1", port)).await?;
                    copy_bidirectional(&mut near, &mut far).await
                });
            }
        });
        Ok(Self { address, task })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        self.task.abort();
    }
}
