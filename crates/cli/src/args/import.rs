//! `import` and `export`, as they are typed.

use super::Json;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// A file, a folder or a git checkout. In a folder every catalog-info.yaml, opslevel.yml and people*.csv is read, and
    /// the files that Locations point to; hidden folders and node_modules are left out
    pub(crate) path: PathBuf,
    /// Name of the source: what it kept before is compared with what it says now [default: the name of the folder, or of
    /// the folder and the file]
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// Say what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Remove what is gone also when it is at least 5 and more than 10 per cent of the source, and teams with members
    #[arg(long)]
    pub(crate) accept_removals: bool,
    /// Take over what another source keeps or somebody edited by hand
    #[arg(long)]
    pub(crate) take_over: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Kind to write, such as component, group or user; may be given several times [default: all]
    #[arg(long = "kind", value_name = "KIND")]
    pub(crate) kinds: Vec<String>,
    /// Folder that gets a file for each descriptor; - writes all of them to standard output
    #[arg(long, value_name = "DIR", default_value = "-")]
    pub(crate) out: PathBuf,
}
