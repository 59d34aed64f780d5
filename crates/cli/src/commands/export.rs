//! `export`: the catalog as descriptors of Backstage.

use crate::args::ExportArgs;
use crate::out::{self, Done, Failure};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::import::{self, Exported};
use bailiwick_domain::yaml;
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

pub(super) async fn run(app: &App, args: ExportArgs) -> Done {
    let exported = import::export(app, &Principal::host(), &args.kinds).await?;
    if args.out.as_os_str() != "-" {
        let count = files(&args.out, &exported)?;
        return out::line(&format!("{count} descriptors in {}", args.out.display()));
    }
    let documents: Vec<Value> = exported.into_iter().map(|one| one.document).collect();
    io::stdout().lock().write_all(yaml::write_all(&documents).as_bytes())?;
    Ok(())
}

/// A file for each descriptor, `KIND/NAMESPACE/NAME/catalog-info.yaml`, so that the folder can be imported again.
fn files(folder: &Path, exported: &[Exported]) -> Result<usize, Failure> {
    let mut taken = HashSet::new();
    for one in exported {
        // Some file systems do not tell A from a: those that differ by it alone stand in one file.
        let path = folder.join(&one.kind).join(&one.namespace).join(one.name.to_lowercase()).join("catalog-info.yaml");
        let failed = |error: io::Error| Failure::Refused(format!("{}: {error}", path.display()));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let text = yaml::write_all(std::slice::from_ref(&one.document));
        if taken.insert(path.clone()) {
            fs::write(&path, text).map_err(failed)?;
        } else {
            let mut file = fs::OpenOptions::new().append(true).open(&path).map_err(failed)?;
            file.write_all(text.as_bytes()).map_err(failed)?;
        }
    }
    Ok(exported.len())
}
