//! Serves what was collected as Prometheus text.
//!
//! Trigger: HTTP, `curl localhost:3000/metrics`.
//!
//! Nothing is asked of the targets: what is exposed is what `collect-stats` stored last, with its age beside it, so that
//! a scrape costs the watched servers nothing however many scrape.
//!
//! - `page`: adding a series, checked
//! - `targets`, `databases`, `statements`, `monitor`: the families, by what they are about

mod databases;
mod monitor;
mod page;
mod statements;
mod targets;

use anyhow::Context as _;
use db::unit_of_work;
use function::{Access, Context, Host, Request, Response, StatusCode, header};

use crate::page::Page;

function::export! {
    name: "export-metrics",
    access: Access::MetricsOpen,
    read: handle,
}

/// Answers with everything that is known.
///
/// # Errors
///
/// What kept the monitoring database from being read; Prometheus then sees a failed scrape, which is what it is.
pub async fn handle<H: Host>(context: &Context<H>, _: &Request) -> anyhow::Result<Response> {
    let monitoring = context
        .monitoring()
        .await
        .context("cannot open the monitoring database")?;
    let preamble = context.preamble().read_only();
    let page = unit_of_work(&monitoring, &preamble, async |client| {
        let mut page = Page::default();
        targets::add(&mut page, client).await?;
        databases::add(&mut page, client).await?;
        statements::add(&mut page, client).await?;
        monitor::add(&mut page, client).await?;
        Ok::<_, anyhow::Error>(page)
    })
    .await
    .context("cannot read what was collected")?;
    let mut response = Response::new(page.to_string());
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(vitals::exposition::CONTENT_TYPE),
    );
    Ok(response)
}
