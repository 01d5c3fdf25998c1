//! What somebody sees who has just started it all.

use crate::output::Output;
use crate::state::Screen;

/// Shows where everything is.
pub(crate) fn show(screen: &Screen, detached: bool, output: &Output) -> anyhow::Result<()> {
    output.result(screen, || text(screen, detached))
}

fn text(screen: &Screen, detached: bool) -> String {
    let url = &screen.url;
    let names: Vec<_> = screen.targets.iter().map(|(name, _)| name.as_str()).collect();
    let watching = match names.as_slice() {
        [] => "nothing yet: pgvitals targets add NAME URL".to_owned(),
        names => names.join(", "),
    };
    let alerts = match screen.channels.as_slice() {
        [] => "to nobody yet: pgvitals channels add NAME URL".to_owned(),
        names => names.join(", "),
    };
    let mut lines = vec![
        "pgvitals is running".to_owned(),
        String::new(),
        format!("  watching   {watching}"),
        format!("  alerts     {alerts}"),
        format!("  health     {url}/health/targets"),
        format!("  metrics    {url}/metrics"),
        format!(
            "  database   {} (PostgreSQL {})",
            screen.monitoring, screen.server_version
        ),
    ];
    lines.extend(screen.data.as_ref().map(|data| format!("  data       {data}")));
    lines.push(format!("  log        {}", screen.log));
    if screen.demo {
        lines.push(
            "  demo       a small load, with a slow statement now and then: see `pgvitals status`".to_owned(),
        );
    }
    lines.push(String::new());
    lines.push(if detached {
        "scripts/down stops it".to_owned()
    } else {
        "Ctrl-C stops it, and so does scripts/down".to_owned()
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fits_a_screen_and_says_how_to_go_on() {
        let screen = Screen {
            url: "http://127.0.0.1:3000".to_owned(),
            monitoring: "postgres://pgvitals_collector:***@127.0.0.1:5433/postgres".to_owned(),
            server_version: "18.4".to_owned(),
            targets: vec![(
                "local".to_owned(),
                "postgres://pgvitals_collector@127.0.0.1:5433/postgres".to_owned(),
            )],
            channels: Vec::new(),
            data: Some(".pgvitals/postgres".to_owned()),
            demo: true,
            log: ".pgvitals/application.log".to_owned(),
        };
        insta::assert_snapshot!(text(&screen, false), @r"
        pgvitals is running

          watching   local
          alerts     to nobody yet: pgvitals channels add NAME URL
          health     http://127.0.0.1:3000/health/targets
          metrics    http://127.0.0.1:3000/metrics
          database   postgres://pgvitals_collector:***@127.0.0.1:5433/postgres (PostgreSQL 18.4)
          data       .pgvitals/postgres
          log        .pgvitals/application.log
          demo       a small load, with a slow statement now and then: see `pgvitals status`

        Ctrl-C stops it, and so does scripts/down
        ");
    }
}
