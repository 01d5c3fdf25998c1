//! Serves what was collected as Prometheus text.
//!
//! Trigger: HTTP, `curl localhost:3000/metrics`. On a schedule, which `spin.toml` does not give it, it journals whether the
//! page can be made, so that a broken one is noticed where nobody scrapes.
//!
//! Nothing is asked of the targets: what is exposed is what `collect-stats` stored last, with its age beside it, so that
//! a scrape costs the watched servers nothing however many scrape.
//!
//! - `readings`: the last readings, with the names of what they are about
//! - `families`: which number of them is exposed under which name
//! - `extras`: what is made of several numbers
//! - `targets`, `monitor`: what is known beside readings
//! - `page`: adding series, so that what cannot be exposed costs only itself

mod extras;
mod families;
mod monitor;
mod page;
mod readings;
mod targets;

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context as _;
use db::unit_of_work;
use function::{
    Access, Context, Host, Report, Request, Response, SharedAnswer, StatusCode, header, shared_answer,
};
use store::exposition;
use vitals::exposition::Format;

use crate::page::Page;

function::export! {
    name: "export-metrics",
    access: Access::MetricsOpen,
    read: handle,
    deadline: Duration::from_secs(10),
    run: run,
}

thread_local! {
    /// The last page of this instance: however many ask within a second, the database is read once.
    static PAGE: SharedAnswer = const { SharedAnswer::new(Duration::from_secs(1)) };
}

/// Answers with everything that is known, or with what another was answered within the last second.
///
/// # Errors
///
/// What kept the monitoring database from being read; Prometheus then sees a failed scrape, which is what it is.
pub async fn handle<H: Host>(context: &Context<H>, request: &Request) -> anyhow::Result<Response> {
    let accepted = request.headers().get_all(header::ACCEPT).iter();
    let accepted: Vec<&str> = accepted.filter_map(|value| value.to_str().ok()).collect();
    let format = Format::accepted(&accepted.join(","));
    shared_answer(&PAGE, format.content_type(), async || {
        answer(context, format).await
    })
    .await
}

async fn answer<H: Host>(context: &Context<H>, format: Format) -> anyhow::Result<Response> {
    let mut response = Response::new(page(context).await?.text(format));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(format.content_type()),
    );
    Ok(response)
}

/// Makes the page and journals how large it is.
///
/// # Errors
///
/// What kept the monitoring database from being read, or the page from being made.
pub async fn run<H: Host>(context: &Context<H>) -> anyhow::Result<Report> {
    let page = page(context).await?;
    let text = page.text(Format::Prometheus);
    Ok(Report::ok()
        .with("series", page.series())
        .with("bytes", text.len()))
}

async fn page<H: Host>(context: &Context<H>) -> anyhow::Result<Page> {
    let monitoring = context
        .monitoring()
        .await
        .context("cannot open the monitoring database")?;
    let preamble = context.preamble().read_only();
    let config = context.config().await?;
    let constant = config.metrics_labels.iter();
    let constant: Vec<_> = constant
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut page = Page::new(&constant).context("cannot use variable metrics_labels")?;
    unit_of_work(&monitoring, &preamble, async |client| {
        let now = exposition::now(client).await?;
        let readings = readings::read(client).await?;
        let sources: Vec<_> = families::sources(config.metrics_supabase).collect();
        for reading in &readings {
            for source in sources
                .iter()
                .filter(|source| source.collector == reading.shown.collector)
            {
                families::expose(
                    &mut page,
                    reading,
                    source.labels,
                    source.other,
                    source.metrics.iter().copied(),
                );
            }
            families::own::expose(&mut page, reading, &sources);
            extras::expose(&mut page, reading, &readings, now);
        }
        let read = readings
            .iter()
            .map(|reading| (reading.shown.target.as_str(), reading.shown.collector.as_str()));
        let read: HashSet<_> = read.collect();
        targets::add(&mut page, client, &|target, collector| {
            read.contains(&(target, collector))
        })
        .await?;
        monitor::add(&mut page, client, now).await
    })
    .await
    .context("cannot read what was collected")?;
    page.finish(&context.log());
    Ok(page)
}
