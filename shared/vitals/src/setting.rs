//! What may be told of the settings of a PgBouncer ([`told`]), and server parameters as numbers, under the names that `postgres_exporter` gives them.
//!
//! The rules are those of its collector `pg_setting`: a parameter that is a truth or a number becomes `pg_settings_NAME`,
//! in seconds or bytes if it has a unit of time or size; texts and enumerations are left out.

/// What stands for a value that may hold a secret.
pub const HIDDEN: &str = "(hidden)";

/// The settings of a PgBouncer that are texts and hold no secret: names, places and choices. Others do: the password of a
/// directory is one of its options, and a query may have anything in it.
const TOLD: [&str; 38] = [
    "admin_users",
    "auth_dbname",
    "auth_file",
    "auth_hba_file",
    "auth_ident_file",
    "auth_type",
    "auth_user",
    "client_tls13_ciphers",
    "client_tls_ca_file",
    "client_tls_cert_file",
    "client_tls_ciphers",
    "client_tls_dheparams",
    "client_tls_ecdhcurve",
    "client_tls_key_file",
    "client_tls_protocols",
    "client_tls_sslmode",
    "conffile",
    "ignore_startup_parameters",
    "job_name",
    "listen_addr",
    "logfile",
    "pidfile",
    "pool_mode",
    "resolv_conf",
    "server_tls13_ciphers",
    "server_tls_ca_file",
    "server_tls_cert_file",
    "server_tls_ciphers",
    "server_tls_key_file",
    "server_tls_protocols",
    "server_tls_sslmode",
    "service_name",
    "stats_users",
    "syslog_facility",
    "syslog_ident",
    "track_extra_parameters",
    "unix_socket_dir",
    "user",
];

/// The value of a setting of a PgBouncer, or [`HIDDEN`] where it is a text that is not known to be harmless.
pub fn told(name: &str, value: String) -> String {
    let is_number = value.parse::<f64>().is_ok();
    match is_number || value.is_empty() || TOLD.contains(&name) {
        true => value,
        false => HIDDEN.to_owned(),
    }
}

/// A row of `pg_catalog.pg_settings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting<'a> {
    /// Its name.
    pub name: &'a str,
    /// `bool`, `integer`, `real`, `enum` or `string`.
    pub kind: &'a str,
    /// What the value is counted in; empty if in nothing.
    pub unit: &'a str,
    /// Its value, in that unit.
    pub value: &'a str,
}

/// A parameter as Prometheus knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingMetric {
    /// The name of the metric.
    pub name: String,
    /// The value in the base unit.
    pub value: f64,
}

impl Setting<'_> {
    /// The parameter as a number, or `None` if it is none.
    ///
    /// A value of -1 has a meaning of its own (no limit, as another parameter says) and is not converted.
    pub fn metric(&self) -> Option<SettingMetric> {
        let value = match self.kind {
            "bool" => f64::from(u8::from(self.value == "on")),
            "integer" | "real" => self.value.parse().ok()?,
            _ => return None,
        };
        let base = Base::of(self.unit)?;
        let is_special = value == -1.0;
        Some(SettingMetric {
            name: format!(
                "pg_settings_{}{}",
                self.name.replace(['.', '-'], "_"),
                base.suffix
            ),
            value: if is_special {
                value
            } else {
                value * base.multiplier / base.divisor
            },
        })
    }
}

/// How a unit becomes a base unit. Thousandths are divided by: a product with 0.001 would not be exact.
struct Base {
    suffix: &'static str,
    multiplier: f64,
    divisor: f64,
}

impl Base {
    /// The base of a unit as PostgreSQL writes it, a number before it included (`8kB`); `None` for a unit that is not
    /// known, of which nothing right can be said.
    fn of(unit: &str) -> Option<Self> {
        let digits = unit.len() - unit.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = unit.split_at(digits);
        let number: f64 = if number.is_empty() {
            1.0
        } else {
            number.parse().ok()?
        };
        let (suffix, multiplier, divisor) = match unit {
            "" => ("", 1.0, 1.0),
            "us" => ("_seconds", 1.0, 1e6),
            "ms" => ("_seconds", 1.0, 1e3),
            "s" => ("_seconds", 1.0, 1.0),
            "min" => ("_seconds", 60.0, 1.0),
            "h" => ("_seconds", 3_600.0, 1.0),
            "d" => ("_seconds", 86_400.0, 1.0),
            "B" => ("_bytes", 1.0, 1.0),
            "kB" => ("_bytes", 1024.0, 1.0),
            "MB" => ("_bytes", 1_048_576.0, 1.0),
            "GB" => ("_bytes", 1_073_741_824.0, 1.0),
            "TB" => ("_bytes", 1_099_511_627_776.0, 1.0),
            _ => return None,
        };
        Some(Self {
            suffix,
            multiplier: number * multiplier,
            divisor,
        })
    }
}

#[cfg(test)]
mod tests;
