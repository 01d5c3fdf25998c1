//! How large the components are.

use std::fs;

use anyhow::{Context, Result};

use crate::table::Table;

/// Each component under target/components.
pub(crate) fn measure(table: &mut Table) -> Result<()> {
    let folder = integration_tests::project_root().join("target/components");
    let mut components: Vec<_> = fs::read_dir(&folder)
        .with_context(|| {
            format!(
                "no components in `{}`; build them by ./scripts/build",
                folder.display()
            )
        })?
        .collect::<Result<_, _>>()?;
    components.sort_by_key(fs::DirEntry::file_name);
    for component in components {
        let name = component.file_name().to_string_lossy().into_owned();
        if name.ends_with(".wasm") {
            table.below(
                &format!("size of {name}"),
                component.metadata()?.len() as f64 / 1e6,
                2.5,
                "MB",
            );
        }
    }
    Ok(())
}
