//! Which format a client gets (RFC 9110, 12.5.1).

use super::Format;

impl Format {
    /// The format for the value of an `Accept` header; the text format for who does not ask for OpenMetrics by name.
    ///
    /// Of what a client accepts it gets what it prefers (`q`), and OpenMetrics among equals.
    pub fn accepted(accept: &str) -> Self {
        let mut openmetrics = 0.0_f64;
        let mut text = 0.0_f64;
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let parameters: Vec<&str> = parts.collect();
            match media.as_str() {
                "application/openmetrics-text" if is_of_version(&parameters, &["1.0.0", "0.0.1"]) => {
                    openmetrics = openmetrics.max(weight(&parameters));
                }
                "text/plain" if is_of_version(&parameters, &["0.0.4"]) => {
                    text = text.max(weight(&parameters));
                }
                "text/*" | "*/*" => {
                    text = text.max(weight(&parameters));
                }
                _ => {}
            }
        }
        if openmetrics > 0.0 && openmetrics >= text {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }
}

fn parameter<'a>(parameters: &[&'a str], wanted: &str) -> Option<&'a str> {
    let pairs = parameters
        .iter()
        .filter_map(|parameter| parameter.split_once('='));
    let mut values = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
    values.next().map(|(_, value)| value.trim().trim_matches('"'))
}

/// A client that names no version takes the one we have.
fn is_of_version(parameters: &[&str], versions: &[&str]) -> bool {
    parameter(parameters, "version").is_none_or(|version| versions.contains(&version))
}

/// The weight. One that cannot be read counts as none given.
fn weight(parameters: &[&str]) -> f64 {
    let weight = parameter(parameters, "q").and_then(|text| text.parse::<f64>().ok());
    weight
        .filter(|weight| (0.0..=1.0).contains(weight))
        .unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Prometheus 2.42 (Debian 12) sends.
    const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

    #[test]
    fn who_asks_for_openmetrics_gets_it() {
        for accept in [
            PROMETHEUS,
            "application/openmetrics-text; version=1.0.0",
            "Application/OpenMetrics-Text",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text; version=\"1.0.0\"; charset=utf-8",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.6",
        ] {
            assert_eq!(Format::accepted(accept), Format::OpenMetrics, "{accept}");
        }
    }

    #[test]
    fn all_others_get_the_text_format() {
        for accept in [
            "",
            "*/*",
            "text/html, */*",
            "text/plain;version=0.0.4",
            "application/openmetrics-text;version=9.0.0",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=0, */*",
            "application/openmetrics-text;q=0.5, text/plain;q=0.9",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
            ";;;,,,=",
        ] {
            assert_eq!(Format::accepted(accept), Format::Prometheus, "{accept}");
        }
    }
}
